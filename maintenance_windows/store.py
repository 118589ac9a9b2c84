"""The snapshot of this process: kept in memory, refreshed beside the requests.

A thread reads the database once a second; a request only ever takes what is there. When a
refresh fails, the last snapshot stands: it carries its own times, so what was known to start
and end within LOOK_AHEAD still does.
"""

import asyncio
import logging
import os
import threading
from collections import defaultdict
from datetime import datetime, timedelta
from time import monotonic

from django.contrib.sites.models import Site
from django.db import close_old_connections, connections
from django.utils import timezone

from maintenance_windows.models import IgnoredURL, MaintenanceWindow, SiteMaintenance
from maintenance_windows.patterns import fault
from maintenance_windows.snapshot import Closure, Level, PatternKind, SiteState, Snapshot
from maintenance_windows.timeline import Span

INTERVAL = 1.0
# A database that dies within this time before its own maintenance does not keep it from starting.
LOOK_AHEAD = timedelta(hours=1)
# Only the first requests of a process wait, and only this many seconds after the first of all.
FIRST_WAIT = 1.0

NOTHING = Snapshot()

logger = logging.getLogger(__name__)


def load(now: datetime) -> Snapshot:
    """Read the snapshot at `now`: one small query while no site is in or near maintenance."""
    horizon = now + LOOK_AHEAD
    windows = MaintenanceWindow.objects
    near = SiteMaintenance.objects.held().values_list("site_id")
    near = near.union(
        windows.running().values_list("site_id"),
        windows.waiting().filter(starts_at__lte=horizon).values_list("site_id"),
        all=True,
    )
    site_ids = {site_id for (site_id,) in near}
    return Snapshot(_states(site_ids, now, horizon)) if site_ids else NOTHING


def _states(site_ids: set[int], now: datetime, horizon: datetime) -> list[SiteState]:
    closures: defaultdict[int, list[Closure]] = defaultdict(list)
    patterns: defaultdict[int, list[tuple[PatternKind, str]]] = defaultdict(list)
    for flag in SiteMaintenance.objects.held():
        span = Span(min(flag.since or now, now), None)
        closures[flag.pk].append(Closure(span=span, level=Level(flag.level), message=flag.message))
    for window in MaintenanceWindow.objects.reaching(horizon):
        closures[window.site_id].append(window.closure(now))
    rows = IgnoredURL.objects.filter(maintenance__in=site_ids)
    for site_id, kind, pattern in rows.values_list("maintenance", "kind", "pattern"):
        if fault(PatternKind(kind), pattern) is None:
            patterns[site_id].append((PatternKind(kind), pattern))
    domains = Site.objects.filter(pk__in=site_ids).values_list("pk", "domain")
    return [
        SiteState(
            site_id=site_id,
            domain=domain,
            closures=tuple(closures[site_id]),
            patterns=tuple(patterns[site_id]),
        )
        for site_id, domain in domains
    ]


class Refresher:
    """Keeps one snapshot fresh from a thread of its own."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self._attempted = threading.Event()
        self._stopped = threading.Event()
        self._reading = threading.Lock()
        self._failing = False
        self._deadline = monotonic() + FIRST_WAIT
        self._thread = threading.Thread(target=self._run, name="maintenance-windows", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.is_set():
            close_old_connections()
            self.refresh()
            close_old_connections()
            self._stopped.wait(INTERVAL)
        connections.close_all()

    def refresh(self) -> None:
        """Read the database now. Only one reads at a time, so no older answer can come last."""
        with self._reading:
            try:
                self.snapshot = load(timezone.now())
            except Exception as error:  # noqa: BLE001 (whatever it was, the last snapshot stands)
                if not self._failing:
                    logger.warning("Cannot read maintenance windows, going on as known: %s", error)
                self._failing = True
            else:
                if self._failing:
                    logger.warning("Maintenance windows can be read again.")
                self._failing = False
        self._attempted.set()

    def first(self) -> Snapshot:
        """What the first requests get: they wait for the first reading, once, for a moment."""
        self._attempted.wait(max(0.0, self._deadline - monotonic()))
        return self.snapshot or NOTHING

    async def afirst(self) -> Snapshot:
        """See first()."""
        # The event is a thread's, and at most FIRST_WAIT of this happens in a process's life.
        while not self._attempted.is_set() and monotonic() < self._deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        return self.snapshot or NOTHING

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(FIRST_WAIT)


_refresher: Refresher | None = None
_starting = threading.Lock()


def _start() -> Refresher:
    global _refresher  # noqa: PLW0603 (one a process is the point)
    with _starting:
        if _refresher is None:
            _refresher = Refresher()
        return _refresher


def current() -> Snapshot:
    """The snapshot to answer a request by. Reads memory; never waits for the database."""
    refresher = _refresher or _start()
    snapshot = refresher.snapshot
    return refresher.first() if snapshot is None else snapshot


async def acurrent() -> Snapshot:
    """See current()."""
    refresher = _refresher or _start()
    snapshot = refresher.snapshot
    return await refresher.afirst() if snapshot is None else snapshot


def publish() -> None:
    """Make the next request in this process see what was just committed.

    Other processes see it within INTERVAL. Nothing is read where no request was ever served.
    """
    if _refresher is not None:
        _refresher.refresh()


def forget() -> None:
    """Stop reading and start over with the next request, as between two tests."""
    refresher = _refresher
    _drop()
    if refresher is not None:
        refresher.stop()


def _drop() -> None:
    global _refresher, _starting
    _refresher, _starting = None, threading.Lock()


# The thread did not come along into the child, and its locks may be held there for ever.
os.register_at_fork(after_in_child=_drop)
