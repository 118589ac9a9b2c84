"""Which rows are meant: the live ones, each set small however long the history is.

The conditions are those of the partial indexes, too. SQLite uses such an index only where a query
says its condition in the same words, and Django's releases write `in_maintenance=True` in different
ones; IN and IS NULL all write alike, so an index that another release made is used as well.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Self, TypeVar

from django.db import models, router
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

Row = TypeVar("Row", bound=models.Model)

# How far is read at first, and how much farther than the farthest end after that, at the most.
SOON, FARTHER = timedelta(hours=4), timedelta(days=300)

LIVE = Q(ended_at=None, cancelled_at=None)
WAITING = LIVE & Q(started_at=None)
# One that is cancelled has not started; where that is said too, SQLite reads all that is live.
RUNNING = Q(started_at__isnull=False, ended_at=None)
DOWN = Q(in_maintenance__in=[True])
# Written as an OR so that a query for either half implies it and may use the index.
FLAG_LIVE = DOWN | Q(since__isnull=False)


def among(ids: Iterable[int]) -> RawSQL:
    """For `__in`: as parameters, hundreds of numbers take longer than the query."""
    return RawSQL(",".join(str(int(number)) for number in ids), ())  # noqa: S611 (numbers)


class Status(models.TextChoices):
    SCHEDULED = "scheduled", _("scheduled")
    ACTIVE = "active", pgettext_lazy("window", "active")
    COMPLETED = "completed", _("completed")
    CANCELLED = "cancelled", _("cancelled")


class PrimaryQuerySet(QuerySet[Row]):
    """Rows read where they are written, whatever a router says of reads.

    A replica lags, and never shows what the open transaction has written.
    """

    @property
    def db(self) -> str:
        return self._db or router.db_for_write(self.model)  # type: ignore[attr-defined]


class SiteMaintenanceQuerySet(PrimaryQuerySet[Row]):
    def down(self) -> Self:
        return self.filter(DOWN)

    def held(self) -> Self:
        """Down without an end: by hand, in the admin, the shell or with SQL."""
        return self.down().filter(until=None)


class SeriesQuerySet(PrimaryQuerySet[Row]):
    def going_on(self) -> Self:
        return self.filter(ended_at=None)


class WindowQuerySet(PrimaryQuerySet[Row]):
    def waiting(self) -> Self:
        return self.filter(WAITING)

    def running(self) -> Self:
        return self.filter(RUNNING)

    def live(self, now: datetime) -> Self:
        """Those that are scheduled or active at `now`."""
        return self.filter(LIVE, ends_at__gt=now)

    def with_status(self, status: Status, now: datetime) -> Self:
        """The windows whose status_at(now) is `status`."""
        match status:
            case Status.CANCELLED:
                return self.filter(cancelled_at__isnull=False)
            case Status.COMPLETED:
                over = Q(ended_at__isnull=False) | Q(cancelled_at=None, ends_at__lte=now)
                return self.filter(over)
            case Status.ACTIVE:
                # In two halves, each of which is in an index.
                return self.filter(RUNNING | WAITING & Q(starts_at__lte=now), ends_at__gt=now)
            case _:
                return self.waiting().filter(starts_at__gt=now)

    def reaching(self, now: datetime) -> list[Any]:
        """Windows that have begun by `now`, and those that may follow on without a gap.

        Reads farther each time that a window reaches beyond what was read: most often one query
        will do, a chain takes few, and what lies behind its first gap is hardly read.
        """
        upto = now + SOON
        begun = Q(started_at__isnull=False) | Q(starts_at__lte=upto)
        found: list[Any] = list(self.filter(LIVE, begun))
        while beyond := [window for window in found if window.ends_at > upto]:
            farthest = max(window.ends_at for window in beyond)
            after, upto = upto, farthest + min(farthest - now, FARTHER)
            of_sites = self.waiting().filter(site__in={window.site_id for window in beyond})
            found += of_sites.filter(starts_at__gt=after, starts_at__lte=upto)
        return found
