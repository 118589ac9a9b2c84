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
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from time import monotonic

from django.contrib.sites.models import Site
from django.core import mail
from django.db import close_old_connections, connections
from django.db.models import BigIntegerField, Value
from django.utils import timezone

from maintenance_windows.models import IgnoredURL, MaintenanceWindow, SiteMaintenance
from maintenance_windows.patterns import fault
from maintenance_windows.snapshot import Closure, PatternKind, SiteState, Snapshot

INTERVAL = 1.0
# A database that dies within this time before its own maintenance does not keep it from starting.
LOOK_AHEAD = timedelta(hours=1)
# Only the first requests of a process wait, and only this many seconds after the first of all.
FIRST_WAIT = 1.0
# Somebody's tests wait so long for a reading that goes on, lest it goes on in the next test.
LAST_WAIT = 10.0

NOTHING = Snapshot()

logger = logging.getLogger(__name__)


def load(now: datetime, with_port: Collection[str] = frozenset()) -> Snapshot:
    """Read the snapshot at `now`: one small query while no site is in or near maintenance.

    What closes a site now or soon is one statement, so that a window that opens meanwhile is in
    it once, not never. What follows on from there is read after it.
    """
    windows = MaintenanceWindow.objects
    columns = ("site_id", "pk", "level", "message", "started_at", "starts_at", "ends_at")
    nothing = Value(None, output_field=BigIntegerField())
    rows = (
        windows.running()
        .values_list(*columns)
        .union(
            windows.waiting().filter(starts_at__lte=now + LOOK_AHEAD).values_list(*columns),
            SiteMaintenance.objects.held().values_list(
                "site_id", nothing, "level", "message", "since", "since", "until"
            ),
            all=True,
        )
    )
    closures: defaultdict[int, list[Closure]] = defaultdict(list)
    for site_id, window, level, message, started_at, starts_at, ends_at in rows:
        closures[site_id].append(
            Closure.of(
                started_at=started_at,
                starts_at=starts_at or now,  # a hold made with SQL has no start yet
                ends_at=ends_at,
                level=level,
                message=message,
                window=window,
                now=now,
            )
        )
    if not closures:
        return NOTHING
    ends = [(site_id, c.span.end) for site_id, found in closures.items() for c in found]
    known = [(site_id, end) for site_id, end in ends if end is not None]
    for later in windows.following(known, now + LOOK_AHEAD):
        closures[later.site_id].append(later.closure(now))
    return Snapshot(_states(closures), with_port)


def _states(closures: Mapping[int, list[Closure]]) -> list[SiteState]:
    patterns: defaultdict[int, list[tuple[PatternKind, str]]] = defaultdict(list)
    rows = IgnoredURL.objects.filter(maintenance__in=closures)
    for site_id, kind, pattern in rows.values_list("maintenance", "kind", "pattern"):
        if fault(PatternKind(kind), pattern) is None:
            patterns[site_id].append((PatternKind(kind), pattern))
    domains = Site.objects.filter(pk__in=closures).values_list("pk", "domain")
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
        self._with_port: frozenset[str] = frozenset()
        self._with_port_due = 0.0
        self._thread = threading.Thread(target=self._run, name="maintenance-windows", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.is_set():
            close_old_connections()
            self.refresh()
            close_old_connections()
            if hasattr(mail, "outbox"):
                # Somebody's tests: an open connection would keep their database from going.
                connections.close_all()
            self._stopped.wait(INTERVAL)
        connections.close_all()

    def refresh(self, timeout: float = -1) -> None:
        """Read the database now. Only one reads at a time, so no older answer can come last.

        `timeout` is in seconds: how long to wait for another reader; without one, for ever.
        """
        if not self._reading.acquire(timeout=timeout):
            return
        try:
            try:
                self.snapshot = load(timezone.now(), self._domains_with_port())
            except Exception as error:  # noqa: BLE001 (whatever it was, the last snapshot stands)
                if not self._failing:
                    logger.warning("Cannot read maintenance windows, going on as known: %s", error)
                self._failing = True
            else:
                if self._failing:
                    logger.warning("Maintenance windows can be read again.")
                self._failing = False
        finally:
            self._reading.release()
        self._attempted.set()

    def _domains_with_port(self) -> frozenset[str]:
        """Sites told apart by port, which only laptops have: read once a minute."""
        if monotonic() >= self._with_port_due:
            found = Site.objects.filter(domain__contains=":").values_list("domain", flat=True)
            self._with_port = frozenset(domain.lower() for domain in found)
            self._with_port_due = monotonic() + 60
        return self._with_port

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
        self._thread.join(LAST_WAIT)


_refresher: Refresher | None = None
_starting = threading.Lock()


def _start() -> Refresher:
    global _refresher  # noqa: PLW0603 (one a process is the point)
    with _starting:
        if _refresher is None:
            _refresher = Refresher()
        return _refresher


def current() -> Snapshot:
    """The snapshot to answer a request by: from memory, but for the first requests, see first()."""
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
        _refresher.refresh(timeout=INTERVAL)


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
