"""Keeps the snapshot of this process fresh.

A thread reads the database once a second; a request only ever takes what is there. When a
reading fails, the last snapshot stands: it carries its own times, so what was known to start
and end within the next hour still does.
"""

import asyncio
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
# Only the first requests of a process wait, and only this many seconds after the first of all.
FIRST_WAIT = 1.0
# Somebody's tests wait so long for a reading that goes on, lest it goes on in the next test.
LAST_WAIT = 10.0
# Seconds without an answer after which nobody asks the database for anything any more.
SILENCE = 2.5

logger = logging.getLogger(__name__)


class Refresher:
    """Keeps one snapshot fresh from a thread of its own."""

    def __init__(self) -> None:
        # What MAINTENANCE_FORCE says goes before all that is known.
        self._forced = {"on": EVERYWHERE, "off": NOTHING, None: None}[conf.MAINTENANCE_FORCE]
        self.snapshot: Snapshot | None = self._forced
        self._shared = SnapshotCache()
        self._attempted = threading.Event()
        self._stopped = threading.Event()
        self._reading = threading.Lock()
        self._answered = monotonic()
        self._complaints = LogOnce(logger, over="Maintenance windows can be read again.")
        self._deadline = monotonic() + FIRST_WAIT
        self._with_port: frozenset[str] = frozenset()
        self._with_port_due = 0.0
        # What others knew last: a database that is frozen may not even refuse to be read.
        self._inherited: Snapshot | None = None
        threading.Thread(target=self._inherit, name="maintenance-cache", daemon=True).start()
        self._thread = threading.Thread(target=self._run, name="maintenance-windows", daemon=True)
        self._thread.start()

    def _inherit(self) -> None:
        self._inherited = self._shared.read()

    def _run(self) -> None:
        while not self._stopped.is_set():
            begun = monotonic()
            with suppress(Exception):  # nothing may end this thread
                close_old_connections()
            self.refresh()
            with suppress(Exception):
                close_connections()
            # From start to start; where reading takes longer, the database has a rest as well.
            self._stopped.wait(max(INTERVAL / 2, begun + INTERVAL - monotonic()))
        connections.close_all()

    @property
    def database_answers(self) -> bool:
        """Whether the database answered lately. It may have died since."""
        return not self._complaints and monotonic() - self._answered < SILENCE

    def refresh(self, timeout: float = -1) -> None:
        """Read the database now. Only one reads at a time, so no older answer can come last.

        `timeout` is in seconds: how long to wait for another reader; without one, for ever.
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
        except Exception as error:  # noqa: BLE001 (whatever it was, the last snapshot stands)
            if is_unmigrated():
                self.snapshot = self._forced or NOTHING
                text = "Maintenance windows have no tables yet: run migrate."
                self._complaints.now({"tables": text})
                return
            if self.snapshot is None:
                self._inherit()
            text = f"Cannot read maintenance windows, {self._meanwhile()}: {error}"
            self._complaints.now({"database": text})
        else:
            self._answered = monotonic()
            self.snapshot = loaded if self._forced is None else self._forced
            self._shared.offer(loaded)
            self._complaints.now({})

    def _meanwhile(self) -> str:
        if self._last_known() is not None:
            return "going on as known"
        state = "closed" if conf.MAINTENANCE_WHEN_UNKNOWN == "closed" else "open"
        return f"and none is known: every site is {state}"

    def _last_known(self) -> Snapshot | None:
        return self._inherited if self.snapshot is None else self.snapshot

    def _domains_with_port(self) -> frozenset[str]:
        """Sites told apart by port, which only laptops have: read once a minute."""
        if monotonic() >= self._with_port_due:
            found = Site.objects.filter(domain__contains=":").values_list("domain", flat=True)
            self._with_port = frozenset(domain.lower() for domain in found)
            self._with_port_due = monotonic() + 60
        return self._with_port

    def known(self) -> Snapshot:
        """The snapshot, or the last of the fleet, or what MAINTENANCE_WHEN_UNKNOWN says."""
        if (snapshot := self._last_known()) is not None:
            return snapshot
        return EVERYWHERE if conf.MAINTENANCE_WHEN_UNKNOWN == "closed" else NOTHING

    def first(self) -> Snapshot:
        """What the first requests get: they wait for the first reading, once, for a moment."""
        self._attempted.wait(max(0.0, self._deadline - monotonic()))
        return self.known()

    async def afirst(self) -> Snapshot:
        """See first()."""
        # The event is a thread's, and at most FIRST_WAIT of this happens in a process's life.
        while not self._attempted.is_set() and monotonic() < self._deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        return self.known()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(LAST_WAIT)
