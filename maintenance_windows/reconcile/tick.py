"""Record all starts and ends that are due, and find the next one."""

import time
from collections.abc import Hashable, Iterator
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any

from django.db import router, transaction
from django.db.models import DateTimeField, Exists, IntegerField, OuterRef, Q, QuerySet, Value

from maintenance_windows.logonce import LogOnce, get_logger
from maintenance_windows.models import (
    MaintenanceWindow,
    Scheduler,
    SchedulerKind,
    SiteMaintenance,
    Transition,
)
from maintenance_windows.models.querysets import LIVE
from maintenance_windows.models.scheduler import IncompleteDatabase
from maintenance_windows.reconcile import guard
from maintenance_windows.reconcile.lock import Clock, locked
from maintenance_windows.reconcile.settle import announce, record_valid
from maintenance_windows.snapshot import clock as database_clock

BEAT = timedelta(seconds=2)
# Sites settled under one lock: half a second of work, for which other writers wait.
AT_ONCE = 2000
# Seconds without the lock between batches. On SQLite, waiting writers poll this often.
PAUSE = 0.1
# A tick that another session blocks gives up; the next tick does its work. PostgreSQL's units.
PATIENCE = (
    "SET LOCAL lock_timeout = '3s'; SET LOCAL statement_timeout = '10s';"
    # Starting parallel workers takes longer than the whole tick.
    " SET LOCAL max_parallel_workers_per_gather = 0;"
)

# A little over the second between two ticks, so that no start or end falls between them.
HORIZON = timedelta(seconds=1.1)

complaints = LogOnce(get_logger())


def tick(
    clock: Clock | None = None,
    horizon: timedelta = timedelta(0),
    kind: SchedulerKind = SchedulerKind.CODE,
) -> datetime | None:
    """Correct all flags; return the next time within `horizon` at which a flag changes.

    Return `now` after a change, so that the caller ticks again once the change is committed.
    Raises IncompleteDatabase, and writes nothing, while rows are missing as during a restore.
    """
    using = router.db_for_write(SiteMaintenance)
    due: list[int] = []
    done: list[Transition] = []
    errors: dict[Hashable, str] = {}
    try:
        with locked(clock, PATIENCE, immediate=False) as now:
            agenda, is_whole = _agenda(using, now + horizon)
            if is_whole:
                guard.reset()
            elif not guard.may_go_on(now):
                raise IncompleteDatabase
            due = sorted({site_id for site_id, at in agenda if at is None or at <= now})
            recorded = record_valid(due[:AT_ONCE], now, errors)
            # Write every other second: enough to notice a dead scheduler, with half the dead rows.
            stale = Q(last_tick=None) | Q(last_tick__lte=now - BEAT) | Q(last_tick__gt=now)
            row = Scheduler.objects.filter(stale | Q(is_unconsumed=True))
            row.update(last_tick=now, kind=kind, is_unconsumed=False)
        done += recorded
        for start in range(AT_ONCE, len(due), AT_ONCE):
            time.sleep(PAUSE)
            with locked(clock, PATIENCE, immediate=False) as later:
                recorded = record_valid(due[start : start + AT_ONCE], later, errors)
            done += recorded
    finally:
        if due:  # only at the end: flags must not wait for a slow receiver
            transaction.on_commit(partial(announce, done), using=using)
    complaints.now(errors)
    if len(due) > len(errors):
        return now
    return min((at for _, at in agenda if at and at > now), default=None)


def watch_boundaries(kind: SchedulerKind = SchedulerKind.CODE) -> None:
    """Tick now, and again at each start or end within the next second."""
    stop = time.monotonic() + HORIZON.total_seconds()
    while (left := stop - time.monotonic()) > 0:
        boundary = tick(horizon=timedelta(seconds=left), kind=kind)
        if boundary is None:
            return
        # The clock may step: never wait beyond the horizon.
        wait = (boundary - database_clock.now()).total_seconds()
        time.sleep(min(max(wait, 0.0), left))


def _agenda(using: str, stop: datetime) -> tuple[list[tuple[int, datetime | None]], bool]:
    """Return what is due by `stop`, and whether the database is whole.

    Due are (site id, time) for each start or end, and (site id, None) for wrong flags. Each part
    reads one partial index of live rows. With joins, or with an OR that no index has, the planners
    would scan whole tables.
    """
    windows = MaintenanceWindow.objects.using(using)
    due = windows.waiting().filter(starts_at__lte=stop).values_list("site_id", "starts_at")
    over = windows.running().filter(ends_at__lte=stop).values_list("site_id", "ends_at")
    others = (part.all() for part in _other_parts(using))
    found: list[tuple[int | None, datetime | None]] = list(due.union(over, *others, all=True))
    return [(site_id, at) for site_id, at in found if site_id is not None], (None, None) in found


@cache  # building the queries takes longer than running them
def _other_parts(using: str) -> list[QuerySet[Any, Any]]:
    """Return queries for (None, None) if the database is whole, and for the wrong flags."""
    nothing = Value(None, IntegerField()), Value(None, DateTimeField())
    return [
        guard.if_settled().using(using).values_list(*nothing),
        *(part.values_list("site_id", nothing[1]) for part in _wrong_flags(using)),
    ]


def _wrong_flags(using: str) -> Iterator[QuerySet[Any, Any]]:
    """Yield queries for sites whose flag contradicts their windows, whatever the time."""
    windows = MaintenanceWindow.objects.using(using)
    flags = SiteMaintenance.objects.using(using)
    live = windows.filter(LIVE, site=OuterRef("site"))
    # With `=`, MariaDB would search by the end first, which thousands of sites may share.
    until = OuterRef("until")
    ends = Exists(live.filter(ends_at__gte=until, ends_at__lte=until))
    has_started = Exists(live.filter(started_at__isnull=False))
    lasts = Q(until=None) | Q(until__gte=OuterRef("ends_at"))
    is_down = Exists(flags.down().filter(lasts, site=OuterRef("site")))
    yield windows.running().filter(~is_down)
    yield flags.down().filter(Q(since=None) | Q(~ends | ~has_started, until__isnull=False))
    yield flags.filter(in_maintenance__in=[False], since__isnull=False)
