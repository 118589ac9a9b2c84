"""Read snapshots, and choose a substitute while the database cannot be read."""

import logging
import threading
import time
from contextlib import suppress
from functools import partial

from django.db import Error as DatabaseError
from django.utils import timezone

from maintenance_windows.conf import conf
from maintenance_windows.core.state import EVERYWHERE, Snapshot
from maintenance_windows.logonce import LogOnce
from maintenance_windows.models import all_sites
from maintenance_windows.models.scheduler import is_unmigrated
from maintenance_windows.snapshot.cache import SnapshotCache
from maintenance_windows.snapshot.connection import OwnConnection
from maintenance_windows.snapshot.loader import NOTHING, load

logger = logging.getLogger(__name__)

# A clock that keeps counting while the machine sleeps; time.monotonic() does not on Linux.
if hasattr(time, "CLOCK_BOOTTIME"):
    clock = partial(time.clock_gettime, time.CLOCK_BOOTTIME)
else:
    clock = partial(time.time)


class Source:
    """The last snapshot that was read. `failing` is true if the last read failed.

    Only one thread may use it at a time. `answered_at` is a value of clock(), and that of the start
    until the database `has_answered`.
    """

    def __init__(self, own: OwnConnection) -> None:
        # MAINTENANCE_FORCE overrides every snapshot.
        self._forced = {"on": EVERYWHERE, "off": NOTHING, None: None}[conf.MAINTENANCE_FORCE]
        self.snapshot: Snapshot | None = self._forced
        self.failing = False
        self.has_answered = False
        self.answered_at = clock()
        self._own = own
        self._cache = SnapshotCache()
        # The last snapshot of any process, used if the database hangs.
        self._inherited: Snapshot | None = None
        self._problems = LogOnce(logger, over="Maintenance windows can be read again.")
        self._with_port: frozenset[str] = frozenset()
        self._with_port_due = 0.0
        with suppress(RuntimeError):  # if no thread can start, read() calls _inherit()
            threading.Thread(target=self._inherit, name="maintenance-cache", daemon=True).start()

    def _inherit(self) -> None:
        self._inherited = self._cache.read()

    def read(self) -> None:
        """Read the database once. If that fails, keep the last snapshot."""
        try:
            loaded = self._load()
        except Exception as error:  # noqa: BLE001 (after any error, keep the last snapshot)
            self.failing = True
            if self.snapshot is None:
                self._inherit()
            text = f"Cannot read maintenance windows, {self._meanwhile()}: {error}"
            self._problems.now({"database": text})
            return
        if loaded is None:
            self.failing, self.snapshot = True, self._forced or NOTHING
            text = "Maintenance windows have no tables yet: run migrate."
            self._problems.now({"tables": text})
            return
        self.failing, self.has_answered = False, True
        self.answered_at = clock()
        self.snapshot = loaded if self._forced is None else self._forced
        self._cache.offer(loaded)
        self._problems.now({})

    def _load(self) -> Snapshot | None:
        """Load over the present connection, else over a new one; None if there are no tables.

        A new connection that fails is not replaced: a database that hangs would take twice as long.
        """
        is_kept = self._own.is_open
        try:
            with self._own.active():
                return self._load_if_migrated()
        except Exception:
            self._own.close()
            if not is_kept:
                raise
        return self._load()

    def _load_if_migrated(self) -> Snapshot | None:
        try:
            return load(timezone.now(), self._domains_with_port(), self.snapshot or NOTHING)
        except DatabaseError:
            if is_unmigrated():
                return None
            raise

    def _meanwhile(self) -> str:
        if self._last_known() is not None:
            return "going on as known"
        state = "closed" if conf.MAINTENANCE_WHEN_UNKNOWN == "closed" else "open"
        return f"and none is known: every site is {state}"

    def _last_known(self) -> Snapshot | None:
        return self._inherited if self.snapshot is None else self.snapshot

    def _domains_with_port(self) -> frozenset[str]:
        """Return the domains with a port, which occur in development; read once a minute."""
        if clock() >= self._with_port_due:
            found = all_sites().filter(domain__contains=":").values_list("domain", flat=True)
            self._with_port = frozenset(domain.lower() for domain in found)
            self._with_port_due = clock() + 60
        return self._with_port

    def known(self) -> Snapshot:
        """Return the last snapshot of this process, else of any, else the default."""
        if (snapshot := self._last_known()) is not None:
            return snapshot
        return EVERYWHERE if conf.MAINTENANCE_WHEN_UNKNOWN == "closed" else NOTHING
