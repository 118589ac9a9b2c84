"""Which rows are meant: the live ones, each set small however long the history is."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from maintenance_windows.models.statements import among

if TYPE_CHECKING:
    from maintenance_windows.models import MaintenanceWindow, SiteMaintenance, WindowSeries  # noqa: F401

# How much farther than the farthest end is read at once, at the most.
FARTHER = timedelta(days=300)

LIVE = Q(ended_at=None, cancelled_at=None)
WAITING = LIVE & Q(started_at=None)
# One that is cancelled has not started; where that is said too, SQLite reads all that is live.
RUNNING = Q(started_at__isnull=False, ended_at=None)
# Written as an OR so that a query for either half implies it and may use the index.
FLAG_LIVE = Q(in_maintenance=True) | Q(since__isnull=False)


class Status(models.TextChoices):
    SCHEDULED = "scheduled", _("scheduled")
    ACTIVE = "active", pgettext_lazy("window", "active")
    COMPLETED = "completed", _("completed")
    CANCELLED = "cancelled", _("cancelled")


class SiteMaintenanceQuerySet(models.QuerySet["SiteMaintenance"]):
    def held(self) -> Self:
        """Switched on without an end: by hand, be it in the admin, the shell or with SQL."""
        return self.filter(in_maintenance=True, until=None)


class SeriesQuerySet(models.QuerySet["WindowSeries"]):
    def going_on(self) -> Self:
        return self.filter(ended_at=None)


class WindowQuerySet(models.QuerySet["MaintenanceWindow"]):
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

    def reaching(self, now: datetime) -> "list[MaintenanceWindow]":
        """Windows that have begun by `now`, and those that may follow on without a gap."""
        begun = Q(started_at__isnull=False) | Q(starts_at__lte=now)
        windows = list(self.filter(LIVE, begun))
        return windows + self.following([(w.site_id, w.ends_at) for w in windows], now)

    def following(
        self, ends: Iterable[tuple[int, datetime]], horizon: datetime
    ) -> "list[MaintenanceWindow]":
        """See follow()."""

        def read(site_ids: Iterable[int], after: datetime, upto: datetime) -> Iterable[Any]:
            of_sites = self.waiting().filter(site__in=among(site_ids))
            return of_sites.filter(starts_at__gt=after, starts_at__lte=upto)

        return follow(ends, horizon, read)


def follow(
    ends: Iterable[tuple[int, datetime]], horizon: datetime, read: Callable[..., Iterable[Any]]
) -> list[Any]:
    """Windows after `horizon` that may follow on, without a gap, from ones that end there.

    `read` is given sites and two times; it returns their windows that start after the first,
    and at the second at the latest.

    Looks twice as far each time that a window reaches beyond what was read: a chain takes few
    queries, and what lies behind its first gap is hardly read.
    """
    beyond = [(site_id, end) for site_id, end in ends if end > horizon]
    if not beyond:
        return []
    site_ids = {site_id for site_id, _ in beyond}
    found: list[Any] = []
    after, upto = horizon, max(end for _, end in beyond)
    while after < upto:
        found += read(site_ids, after, upto)
        farthest = max((window.ends_at for window in found), default=upto)
        after = upto
        if farthest > upto:
            upto = farthest + min(farthest - horizon, FARTHER)
    return found
