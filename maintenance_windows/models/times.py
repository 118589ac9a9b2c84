"""Which times a row may hold: Python can read them, and every time zone can show them.

SQL can write others, such as `infinity`, of which a single one would keep all rows from being read.
"""

from collections.abc import Iterable
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Any

from django.db.models import F, Func, Q
from django.utils.deconstruct import deconstructible

EARLIEST = datetime(MINYEAR + 1, 1, 1, tzinfo=UTC)
TOO_LATE = datetime(MAXYEAR, 1, 1, tzinfo=UTC)


@deconstructible
class AsRead(Func):
    """A time or date as the database reads it. SQLite has no such type: it takes any text.

    Migrations name this class.
    """

    arity = 1
    template = "%(expressions)s"

    # Of 30 February SQLite makes 1 or 2 March, so that is another; of what is no time, nothing. It
    # rounds fractions of a second, so these are left alone. As Django reads the definitions of
    # tables, no space may follow a comma here.
    AS_TEXT = (
        "coalesce(CASE WHEN datetime({0}) IS NOT NULL AND ltrim(substr({0},20),'.0123456789') = ''"
        " THEN substr(datetime(substr({0},1,19),'+0 days'),1,length({0}))||substr({0},20) END,'')"
    )

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        template = self.AS_TEXT.format(self.template)
        sql, params = self.as_sql(compiler, connection, template=template, **context)
        return sql, (*params,) * self.AS_TEXT.count("{0}")


def readable(times: Iterable[str], dates: Iterable[str] = ()) -> Q:
    """The condition that each of these fields holds such a time or date, or none."""
    bounds = dict.fromkeys(times, (EARLIEST, TOO_LATE))
    days = dict.fromkeys(dates, (EARLIEST.date(), TOO_LATE.date()))
    return Q(
        *(
            Q((name, AsRead(F(name))), (f"{name}__gte", first), (f"{name}__lt", too_late))
            for name, (first, too_late) in (bounds | days).items()
        )
    )
