"""Which rows are meant: the live ones, each set small however long the history is."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from maintenance_windows.models import MaintenanceWindow, SiteMaintenance  # noqa: F401

WAITING = Q(started_at=None, ended_at=None, cancelled_at=None)
RUNNING = Q(started_at__isnull=False, ended_at=None)
# Written as an OR so that a query for either half implies it and may use the index.
FLAG_LIVE = Q(in_maintenance=True) | Q(since__isnull=False)


class Status(models.TextChoices):
    SCHEDULED = "scheduled", _("scheduled")
    ACTIVE = "active", _("active")
    COMPLETED = "completed", _("completed")
    CANCELLED = "cancelled", _("cancelled")


class SiteMaintenanceQuerySet(models.QuerySet["SiteMaintenance"]):
    def held(self) -> Self:
        """Switched on without an end: by hand, be it in the admin, the shell or with SQL."""
        return self.filter(in_maintenance=True, until=None)


class WindowQuerySet(models.QuerySet["MaintenanceWindow"]):
    def waiting(self) -> Self:
        return self.filter(WAITING)

    def running(self) -> Self:
        return self.filter(RUNNING)

    def live(self, now: datetime) -> Self:
        """Those that are scheduled or active at `now`."""
        return self.filter(ended_at=None, cancelled_at=None, ends_at__gt=now)

    def with_status(self, status: Status, now: datetime) -> Self:
        """The windows whose status_at(now) is `status`."""
        begun = Q(starts_at__lte=now) | Q(started_at__isnull=False)
        over = Q(ended_at__isnull=False) | Q(cancelled_at=None, ends_at__lte=now)
        match status:
            case Status.CANCELLED:
                return self.filter(cancelled_at__isnull=False)
            case Status.COMPLETED:
                return self.filter(over)
            case Status.ACTIVE:
                return self.live(now).filter(begun)
            case _:
                return self.live(now).exclude(begun)

    def reaching(self, now: datetime) -> "list[MaintenanceWindow]":
        """Windows that have begun by `now`, and those that may follow on without a gap."""
        windows = [*self.running(), *self.waiting().filter(starts_at__lte=now)]
        return windows + self.following([(w.site_id, w.ends_at) for w in windows], now)

    def following(
        self, ends: Iterable[tuple[int, datetime]], horizon: datetime
    ) -> "list[MaintenanceWindow]":
        """Windows after `horizon` that may follow on, without a gap, from ones that end there.

        Two small queries at the most, however long the chain: once a window follows on from
        the first ones, all that wait for its site are taken together.
        """
        beyond = [(site_id, end) for site_id, end in ends if end > horizon]
        if not beyond:
            return []
        site_ids = {site_id for site_id, _ in beyond}
        farthest = max(end for _, end in beyond)
        later = self.waiting().filter(site__in=site_ids, starts_at__gt=horizon)
        found = list(later.filter(starts_at__lte=farthest))
        if found:
            site_ids = {window.site_id for window in found}
            found += self.waiting().filter(site__in=site_ids, starts_at__gt=farthest)
        return found
