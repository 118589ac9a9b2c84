"""What is due now in the fleet, and when the next is."""

import logging
import time
from collections.abc import Hashable
from datetime import datetime, timedelta
from functools import partial

from django.contrib.sites.models import Site
from django.db import router, transaction
from django.db.models import Q
from django.utils import timezone

from maintenance_windows.logonce import LogOnce
from maintenance_windows.models import Scheduler, SiteMaintenance, Transition
from maintenance_windows.models.statements import AGENDA, among, ask
from maintenance_windows.reconcile.lock import Clock, locked
from maintenance_windows.reconcile.settle import announce, record

BEAT = timedelta(seconds=2)
# Sites that are settled under one lock, for which others wait: half a second of work.
AT_ONCE = 2000
# Seconds in which others have the lock before more is settled: SQLite has them ask so often.
PAUSE = 0.1
# Of a tick: when another session keeps it waiting the next one does it. PostgreSQL's units.
PATIENCE = (
    "SET LOCAL lock_timeout = '3s'; SET LOCAL statement_timeout = '10s';"
    # To start others to help takes longer than the whole tick.
    " SET LOCAL max_parallel_workers_per_gather = 0;"
)

# A little over the second between two ticks, so that no boundary falls between them.
HORIZON = timedelta(seconds=1.1)

complaints = LogOnce(logging.getLogger("maintenance_windows"))


def tick(clock: Clock = timezone.now, horizon: timedelta = timedelta(0)) -> datetime | None:
    """Make the whole fleet right; return the next time within `horizon` that changes a flag.

    After a pass that changed something that time is its `now`: what comes next is then asked
    best when the change is committed, by another pass.
    """
    using = router.db_for_write(SiteMaintenance)
    due: list[int] = []
    done: list[Transition] = []
    wrong: dict[Hashable, str] = {}

    def settle(site_ids: list[int], now: datetime) -> None:
        transitions = _record_what_can_be(site_ids, now, wrong)
        transaction.on_commit(partial(done.extend, transitions), using=using)

    try:
        with locked(clock, PATIENCE) as now:
            agenda = _agenda(using, now + horizon)
            due = sorted({site_id for site_id, at in agenda if at is None or at <= now})
            if due:
                settle(due[:AT_ONCE], now)
            # Every other second: enough to notice a dead scheduler, and half the dead rows.
            stale = Q(last_tick=None) | Q(last_tick__lte=now - BEAT) | Q(last_tick__gt=now)
            Scheduler.objects.filter(stale).update(last_tick=now)
        for start in range(AT_ONCE, len(due), AT_ONCE):
            time.sleep(PAUSE)
            with locked(clock, PATIENCE) as later:
                settle(due[start : start + AT_ONCE], later)
    finally:
        if due:  # and not before: a receiver may be slow, and flags do not wait for it
            transaction.on_commit(partial(announce, done), using=using)
    complaints.now(wrong)
    if len(due) > len(wrong):
        return now
    return min((at for _, at in agenda if at and at > now), default=None)


def watch_boundaries() -> None:
    """Tick now, and again at each boundary of the second that follows."""
    stop = time.monotonic() + HORIZON.total_seconds()
    while (left := stop - time.monotonic()) > 0:
        boundary = tick(horizon=timedelta(seconds=left))
        if boundary is None:
            return
        # The clock may step meanwhile: never wait longer than this tick lasts.
        wait = (boundary - timezone.now()).total_seconds()
        time.sleep(min(max(wait, 0.0), left))


def _agenda(using: str, stop: datetime) -> list[tuple[int, datetime | None]]:
    """Sites whose flag is wrong now, without a time, or turns wrong by `stop`, and when."""
    return [(site_id, at) for site_id, at in ask(using, AGENDA, stop=stop)]


def _record_what_can_be(
    site_ids: list[int], now: datetime, wrong: dict[Hashable, str]
) -> list[Transition]:
    """Settle these sites, or at least each that its rows allow; the others are `wrong`.

    Rows that only SQL can have written keep no other site from being right.
    """
    using = router.db_for_write(SiteMaintenance)
    existing = set(Site.objects.filter(pk__in=among(site_ids)).values_list("pk", flat=True))
    for site_id in site_ids:
        if site_id not in existing:
            wrong[site_id] = f"The flag of site {site_id} cannot be kept: there is no such site."
    try:
        with transaction.atomic(using=using):
            return record(existing, now)
    except ValueError:
        transitions = []
        for site_id in existing:
            try:
                with transaction.atomic(using=using):
                    transitions += record([site_id], now)
            except ValueError as error:
                wrong[site_id] = f"The flag of site {site_id} cannot be kept: {error}"
        return transitions
