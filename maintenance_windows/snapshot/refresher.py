"""The thread that keeps the snapshot of this process fresh.

It reads the database once a second; requests only use its last snapshot. When a read fails, that
snapshot stays valid: it holds the times of all windows that start within the next hour, so they
still start and end on time.
"""

import logging
import threading
from contextlib import suppress
from time import monotonic

from django.contrib.sites.models import Site
from django.db import close_old_connections, connections
from django.utils import timezone

from maintenance_windows.conf import conf
from maintenance_windows.core.state import EVERYWHERE, Snapshot
from maintenance_windows.logonce import LogOnce
from maintenance_windows.models.scheduler import is_unmigrated
from maintenance_windows.snapshot.cache import SnapshotCache
from maintenance_windows.snapshot.loader import NOTHING, load
from maintenance_windows.snapshot.threads import close_connections

INTERVAL = 1.0
# Requests wait for the first snapshot for at most this many seconds after the process starts to
# read.
FIRST_WAIT = 1.0
# Seconds that stop() waits for a read in progress, so that it cannot leak into the next test.
LAST_WAIT = 10.0
# Seconds without a successful read after which the database counts as unreachable.
SILENCE = 2.5

logger = logging.getLogger(__name__)


class Refresher:
    """Keeps one snapshot fresh from a thread of its own."""

    def __init__(self) -> None:
        # MAINTENANCE_FORCE overrides what the database says.
        self._forced = {"on": EVERYWHERE, "off": NOTHING, None: None}[conf.MAINTENANCE_FORCE]
        self.snapshot: Snapshot | None = self._forced
        self._cache = SnapshotCache()
        self._attempted = threading.Event()
        self._stopped = threading.Event()
        self._reading = threading.Lock()
        self._last_read = monotonic()
        self._problems = LogOnce(logger, over="Maintenance windows can be read again.")
        self._deadline = monotonic() + FIRST_WAIT
        self._with_port: frozenset[str] = frozenset()
        self._with_port_due = 0.0
        # The fleet's last snapshot, read at once: the database may hang instead of failing.
        self._cached: Snapshot | None = None
        threading.Thread(target=self._read_cache, name="maintenance-cache", daemon=True).start()
        self._thread = threading.Thread(target=self._run, name="maintenance-windows", daemon=True)
        self._thread.start()

    def _read_cache(self) -> None:
        self._cached = self._cache.read()

    def _run(self) -> None:
        while not self._stopped.is_set():
            started = monotonic()
            with suppress(Exception):  # this thread must never end
                close_old_connections()
            self.refresh()
            with suppress(Exception):
                close_connections()
            # Count from start to start, but give a slow database a pause as well.
            self._stopped.wait(max(INTERVAL / 2, started + INTERVAL - monotonic()))
        connections.close_all()

    @property
    def database_answers(self) -> bool:
        """Return whether the last read succeeded recently; the database may have died since."""
        return not self._problems and monotonic() - self._last_read < SILENCE

    def refresh(self, timeout: float = -1) -> None:
        """Read the database now, one thread at a time, so that no older result replaces a newer.

        `timeout` is the number of seconds to wait for another reader; -1 waits for ever.
        """
        if not self._reading.acquire(timeout=timeout):
            return
        try:
            self._read()
        finally:
            self._reading.release()
        self._attempted.set()

    def _read(self) -> None:
        try:
            known = self.snapshot or NOTHING
            loaded = load(timezone.now(), self._domains_with_port(), known)
        except Exception as error:  # noqa: BLE001 (the last snapshot stays, whatever fails)
            if is_unmigrated():
                self.snapshot = self._forced or NOTHING
                text = "Maintenance windows have no tables yet: run migrate."
                self._problems.now({"tables": text})
                return
            if self.snapshot is None:
                self._read_cache()
            text = f"Cannot read maintenance windows, {self._meanwhile()}: {error}"
            self._problems.now({"database": text})
        else:
            self._last_read = monotonic()
            self.snapshot = loaded if self._forced is None else self._forced
            self._cache.offer(loaded)
            self._problems.now({})

    def _meanwhile(self) -> str:
        if self._last_known() is not None:
            return "going on as known"
        state = "closed" if conf.MAINTENANCE_WHEN_UNKNOWN == "closed" else "open"
        return f"and none is known: every site is {state}"

    def _last_known(self) -> Snapshot | None:
        return self._cached if self.snapshot is None else self.snapshot

    def _domains_with_port(self) -> frozenset[str]:
        """Return the domains that name a port. They are rare, so they are read once a minute."""
        if monotonic() >= self._with_port_due:
            found = Site.objects.filter(domain__contains=":").values_list("domain", flat=True)
            self._with_port = frozenset(domain.lower() for domain in found)
            self._with_port_due = monotonic() + 60
        return self._with_port

    def known(self) -> Snapshot:
        """Return the snapshot, else the fleet's cached one, else MAINTENANCE_WHEN_UNKNOWN's."""
        if (snapshot := self._last_known()) is not None:
            return snapshot
        return EVERYWHERE if conf.MAINTENANCE_WHEN_UNKNOWN == "closed" else NOTHING

    def first(self) -> Snapshot:
        """Wait briefly for the first read, and return the snapshot for the first requests."""
        self._attempted.wait(max(0.0, self._deadline - monotonic()))
        return self.known()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(LAST_WAIT)
