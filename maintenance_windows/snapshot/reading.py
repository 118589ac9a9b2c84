"""Read snapshots, and choose a substitute while the database cannot be read."""

import threading
from collections.abc import Collection
from contextlib import suppress

from django.db import Error as DatabaseError

from maintenance_windows.conf import conf
from maintenance_windows.core.state import EVERYWHERE, Snapshot
from maintenance_windows.logonce import LogOnce, get_logger
from maintenance_windows.models.scheduler import IncompleteDatabase, is_unmigrated
from maintenance_windows.snapshot import clock as database_clock
from maintenance_windows.snapshot.cache import SnapshotCache
from maintenance_windows.snapshot.clock import elapsed
from maintenance_windows.snapshot.connection import OwnConnection
from maintenance_windows.snapshot.evidence import believe
from maintenance_windows.snapshot.loader import NOTHING, domains_with_port, forced, load
from maintenance_windows.snapshot.threads import in_test_run

logger = get_logger(__name__)

LOST = "{} stays down, because its rows are missing. It comes up once they are back, or by `up`."


class Source:
    """The last snapshot that was read. `failing` is true if the last read failed.

    Only one thread may use it at a time. `answered_at` is a value of elapsed(), and that of the
    start until the database `has_answered`.
    """

    def __init__(self, own: OwnConnection) -> None:
        # MAINTENANCE_FORCE overrides every snapshot.
        self._forced = forced()
        self.snapshot: Snapshot | None = self._forced
        self.failing = False
        self.has_answered = False
        self.answered_at = elapsed()
        self._own = own
        self._cache = SnapshotCache()
        # When the snapshot, or else the one in the cache, was read without a lost row.
        self._seen_at = database_clock.now()
        # The last snapshot of any process, used if the database hangs.
        self._inherited: Snapshot | None = None
        self._problems = LogOnce(logger, over="Loading maintenance windows works again.")
        self._losses = LogOnce(logger, over="Each site that is down has its rows again.")
        self._with_port: frozenset[str] = frozenset()
        self._with_port_due = 0.0
        with suppress(RuntimeError):  # if no thread can start, read() calls _inherit()
            threading.Thread(target=self._inherit, name="maintenance-cache", daemon=True).start()

    def _inherit(self) -> None:
        if in_test_run():
            return  # one test must not know what another one did
        if found := self._cache.read():
            self._inherited, self._seen_at = found

    def read(self) -> None:
        """Read the database once. If that fails, keep the last snapshot."""
        try:
            loaded, kept = self._load()
        except Exception as error:  # noqa: BLE001 (after any error, keep the last snapshot)
            self.failing = True
            if self.snapshot is None:
                self._inherit()
            text = f"Failed to load maintenance windows; {self._meanwhile()}: {error}"
            self._problems.now({type(error) is IncompleteDatabase: text})
            return
        self.failing, self.has_answered = False, True
        self.answered_at = elapsed()
        self.snapshot = loaded if self._forced is None else self._forced
        if not kept:
            self._seen_at = database_clock.now()
            self._cache.offer(loaded)
        self._problems.now({})
        self._losses.now({domain: LOST.format(domain) for domain in kept})

    def _load(self) -> tuple[Snapshot, Collection[str]]:
        """Load over the present connection, else over a new one. Raises IncompleteDatabase.

        A new connection that fails is not replaced: a database that hangs would take twice as long.
        """
        is_kept = self._own.is_open
        try:
            with self._own.active():
                return self._load_if_migrated()
        except IncompleteDatabase:
            raise
        except Exception:
            self._own.close()
            if not is_kept:
                raise
        return self._load()

    def _load_if_migrated(self) -> tuple[Snapshot, Collection[str]]:
        try:
            if not self.has_answered:
                database_clock.ask()
            now, known = database_clock.now(), self._last_known()
            with_port = self._domains_with_port()
            return believe(
                known, lambda: load(now, with_port, known or NOTHING), now, self._seen_at
            )
        except DatabaseError as error:
            if is_unmigrated():
                raise IncompleteDatabase from error
            raise

    def _meanwhile(self) -> str:
        if self.snapshot is not None:
            return "using the last known"
        if self._inherited is not None:
            seconds = (database_clock.now() - self._seen_at).total_seconds()
            return f"using those of {max(0, seconds):.0f} s ago"
        state = "closed" if conf.MAINTENANCE_WHEN_UNKNOWN == "closed" else "open"
        return f"none are known, so every site is {state}"

    def _last_known(self) -> Snapshot | None:
        return self._inherited if self.snapshot is None else self.snapshot

    def _domains_with_port(self) -> frozenset[str]:
        """Return the domains with a port, which occur in development; read once a minute."""
        if elapsed() >= self._with_port_due:
            self._with_port = domains_with_port()
            self._with_port_due = elapsed() + 60
        return self._with_port

    def known(self) -> Snapshot:
        """Return the last snapshot of this process, else of any, else the default."""
        if (snapshot := self._last_known()) is not None:
            return snapshot
        return EVERYWHERE if conf.MAINTENANCE_WHEN_UNKNOWN == "closed" else NOTHING
