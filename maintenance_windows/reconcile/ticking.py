"""What is due now in the fleet, and when the next is."""

import logging
from collections.abc import Hashable
from datetime import datetime, timedelta

from django.contrib.sites.models import Site
from django.db import router, transaction
from django.db.models import DateTimeField, Exists, F, OuterRef, Q, Value
from django.utils import timezone

from maintenance_windows.complaints import Complaints
from maintenance_windows.models import MaintenanceWindow, Scheduler, SiteMaintenance
from maintenance_windows.reconcile.lock import Clock, locked
from maintenance_windows.reconcile.settling import settle

BEAT = timedelta(seconds=2)
# Of a tick: when another session keeps it waiting the next one does it. PostgreSQL's units.
PATIENCE = "SET LOCAL lock_timeout = '3s'; SET LOCAL statement_timeout = '10s';"

complaints = Complaints(logging.getLogger("maintenance_windows"))


def tick(clock: Clock = timezone.now, horizon: timedelta = timedelta(0)) -> datetime | None:
    """Make the whole fleet right; return the next time within `horizon` that changes a flag.

    After a pass that changed something that time is its `now`: what comes next is then asked
    best when the change is committed, by another pass.
    """
    with locked(clock, PATIENCE) as now:
        agenda = _agenda(now, now + horizon)
        due = {site_id for site_id, at in agenda if at <= now}
        if due or complaints:
            due = _settle_what_can_be(due, now)
        # Every other second: enough to notice a dead scheduler, and half the dead rows.
        stale = Q(last_tick=None) | Q(last_tick__lte=now - BEAT) | Q(last_tick__gt=now)
        Scheduler.objects.filter(stale).update(last_tick=now)
    return now if due else min((at for _, at in agenda if at > now), default=None)


def _agenda(now: datetime, stop: datetime) -> list[tuple[int, datetime]]:
    """Sites whose flag is wrong now or turns wrong by `stop`, and when. One query.

    Each part reads one partial index over live rows: no joins, and no OR but those that an
    index was made with, or the planners turn to whole tables.
    """
    waiting = MaintenanceWindow.objects.waiting()
    running = MaintenanceWindow.objects.running()
    flags = SiteMaintenance.objects.all()
    site = OuterRef("site_id")
    at_once = Value(None, output_field=DateTimeField())  # a literal is text to MariaDB
    told = Q(until=None) | Q(until__gte=OuterRef("ends_at"))
    flagged = flags.filter(told, pk=site, in_maintenance=True)
    live = MaintenanceWindow.objects.filter(ended_at=None, cancelled_at=None)
    of_site = running.filter(site_id=site)
    ends_then = live.filter(site_id=site, ends_at=OuterRef("until"))
    by_window = [
        waiting.filter(starts_at__lte=stop).values_list("site_id", F("starts_at")),
        running.filter(ends_at__lte=stop).values_list("site_id", F("ends_at")),
        running.filter(~Exists(flagged)).values_list("site_id", at_once),
    ]
    by_hand = [
        flags.filter(in_maintenance=True, since=None),
        flags.filter(in_maintenance=False, since__isnull=False),
        flags.filter(~Exists(ends_then), in_maintenance=True, until__isnull=False),
        flags.filter(~Exists(of_site), in_maintenance=True, until__isnull=False),
    ]
    rows = by_window + [sites.values_list("site_id", at_once) for sites in by_hand]
    return [(site_id, at or now) for site_id, at in rows[0].union(*rows[1:], all=True)]


def _settle_what_can_be(site_ids: set[int], now: datetime) -> set[int]:
    """Settle these sites, or at least each that its rows allow; returns which.

    Rows that only SQL can have written keep no other site from being right.
    """
    existing = set(Site.objects.filter(pk__in=site_ids).values_list("pk", flat=True))
    wrong: dict[Hashable, str] = {
        site_id: f"The flag of site {site_id} cannot be kept: there is no such site."
        for site_id in site_ids - existing
    }
    try:
        with transaction.atomic(using=router.db_for_write(SiteMaintenance)):
            settle(existing, now)
    except ValueError:
        for site_id in existing:
            try:
                with transaction.atomic(using=router.db_for_write(SiteMaintenance)):
                    settle([site_id], now)
            except ValueError as error:
                wrong[site_id] = f"The flag of site {site_id} cannot be kept: {error}"
    complaints.now(wrong)
    return site_ids - wrong.keys()
