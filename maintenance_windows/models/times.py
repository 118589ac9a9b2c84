"""Constraints on times: Python can read them, and every time zone can show them.

SQL can write others, such as `infinity`. One such value would make every query for the rows fail.
"""

from collections.abc import Iterable
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Any

from django.db.models import DateTimeField, F, Func, Q
from django.utils.deconstruct import deconstructible

EARLIEST = datetime(MINYEAR + 1, 1, 1, tzinfo=UTC)
TOO_LATE = datetime(MAXYEAR, 1, 1, tzinfo=UTC)


@deconstructible
class AsRead(Func):
    """A time or date as the database parses it. SQLite has no such type and accepts any text.

    Migrations refer to this class.
    """

    arity = 1
    template = "%(expressions)s"

    # SQLite turns 30 February into 1 or 2 March, which differs from the text, and an invalid time
    # into NULL. Fractions of a second are copied, because SQLite rounds them. No space may follow
    # a comma here, because Django parses the table definition.
    AS_TEXT = (
        "coalesce(CASE WHEN datetime({0}) IS NOT NULL AND ltrim(substr({0},20),'.0123456789') = ''"
        " THEN substr(datetime(substr({0},1,19),'+0 days'),1,length({0}))||substr({0},20) END,'')"
    )

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        template = self.AS_TEXT.format(self.template)
        sql, params = self.as_sql(compiler, connection, template=template, **context)
        return sql, (*params,) * self.AS_TEXT.count("{0}")


def readable(times: Iterable[str], dates: Iterable[str] = ()) -> Q:
    """Build the condition that each of these fields is NULL or a readable time or date."""
    bounds = dict.fromkeys(times, (EARLIEST, TOO_LATE))
    days = dict.fromkeys(dates, (EARLIEST.date(), TOO_LATE.date()))
    return Q(
        *(
            Q((name, AsRead(F(name))), (f"{name}__gte", first), (f"{name}__lt", too_late))
            for name, (first, too_late) in (bounds | days).items()
        )
    )


class DatabaseNow(Func):
    """The time of the database at the moment of reading; NULL on SQLite, which has no clock.

    Django's Now() is the start of the statement on PostgreSQL, before a wait for a lock, and the
    local time of the session on MariaDB.
    """

    output_field = DateTimeField()
    arity = 0
    template = "NULL"

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="clock_timestamp()", **context)

    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="utc_timestamp(6)", **context)
