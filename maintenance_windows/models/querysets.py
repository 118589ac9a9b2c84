"""Querysets and conditions for live rows, whose number does not grow with the history.

The partial indexes have the same conditions. SQLite uses such an index only if the query repeats
its condition word for word, and Django's releases write `in_maintenance=True` differently. All of
them write IN and IS NULL alike, so an index that another release created is used too.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Self, TypeVar

from django.db import models, router
from django.db.models import DateTimeField, Exists, ExpressionWrapper, F, Q, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy as _

Row = TypeVar("Row", bound=models.Model)

# SOON: how far reaching() reads at first. FARTHER: how far beyond the latest end it may read next.
SOON, FARTHER = timedelta(hours=4), timedelta(days=300)

LIVE = Q(ended_at=None, cancelled_at=None)
WAITING = LIVE & Q(started_at=None)
# A cancelled window has not started. If the query said so too, SQLite would read all live rows.
RUNNING = Q(started_at__isnull=False, ended_at=None)
# Those with a lead of their own, of which the banner may tell days ahead.
ANNOUNCED = WAITING & Q(banner_lead__isnull=False)
DOWN = Q(in_maintenance__in=[True])
# Written as an OR so that a query for either half implies it and may use the index.
FLAG_LIVE = DOWN | Q(since__isnull=False)


def among(ids: Iterable[int]) -> RawSQL:
    """Return literal numbers for `__in`: hundreds of parameters take longer than the query."""
    return RawSQL(",".join(str(int(number)) for number in ids), ())  # noqa: S611 (numbers)


def is_filled(table: QuerySet[Any]) -> Exists:
    """Return the condition that a table has a row.

    It is found by its key: a scan would pass over what was deleted.
    """
    return Exists(table.order_by().filter(pk__gt=0))


class Status(models.TextChoices):
    SCHEDULED = "scheduled", _("scheduled")
    ACTIVE = "active", _("in progress")
    COMPLETED = "completed", _("completed")
    CANCELLED = "cancelled", _("cancelled")


class PrimaryQuerySet(QuerySet[Row]):
    """Read from the database that is written to, even if a router sends reads elsewhere.

    A replica lags, and does not show what the open transaction has written.
    """

    @property
    def db(self) -> str:
        return self._db or router.db_for_write(self.model)  # type: ignore[attr-defined]


class SiteMaintenanceQuerySet(PrimaryQuerySet[Row]):
    def down(self) -> Self:
        return self.filter(DOWN)

    def held(self) -> Self:
        """Flags down without an end: set by hand in the admin, in the shell or with SQL."""
        return self.down().filter(until=None)


class SeriesQuerySet(PrimaryQuerySet[Row]):
    def going_on(self) -> Self:
        return self.filter(ended_at=None)


class FreezeQuerySet(PrimaryQuerySet[Row]):
    def after(self, since: datetime) -> Self:
        """Freezes that have a time after `since`; the table is small, and has no index for it."""
        ends = Q(ended_at=None) & (Q(ends_at=None) | Q(ends_at__gt=since))
        return self.filter(ends | Q(ended_at__gt=since))

    def live(self, now: datetime) -> Self:
        """Freezes that have a time after `now`, and that nobody has ended."""
        return self.after(now).filter(ended_at=None)


class WindowQuerySet(PrimaryQuerySet[Row]):
    def waiting(self) -> Self:
        return self.filter(WAITING)

    def running(self) -> Self:
        return self.filter(RUNNING)

    def announced(self, now: datetime, most: timedelta) -> Self:
        """Windows whose own lead, which is `most` at most, reaches back to `now`."""
        begins = ExpressionWrapper(F("banner_lead") + Value(now, DateTimeField()), DateTimeField())
        return self.filter(ANNOUNCED, starts_at__lte=now + most).filter(starts_at__lte=begins)

    def public(self, now: datetime) -> Self:
        """Windows that wait and of which visitors may know."""
        return self.waiting().filter(Q(published_at=None) | Q(published_at__lte=now))

    def live(self, now: datetime) -> Self:
        """Windows that are scheduled or in progress at `now`."""
        return self.filter(LIVE, ends_at__gt=now)

    def with_status(self, status: Status, now: datetime) -> Self:
        """Windows whose status_at(now) is `status`."""
        match status:
            case Status.CANCELLED:
                return self.filter(cancelled_at__isnull=False)
            case Status.COMPLETED:
                over = Q(ended_at__isnull=False) | Q(cancelled_at=None, ends_at__lte=now)
                return self.filter(over)
            case Status.ACTIVE:
                # Two conditions, each with an index of its own.
                return self.filter(RUNNING | WAITING & Q(starts_at__lte=now), ends_at__gt=now)
            case _:
                return self.waiting().filter(starts_at__gt=now)

    def reaching(self, now: datetime) -> list[Any]:
        """Return live windows started by `now`, and those that may follow without a gap.

        The look-ahead grows while a window ends beyond it. Usually one query is enough; a chain of
        adjacent windows needs few, and little is read after its first gap.
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
