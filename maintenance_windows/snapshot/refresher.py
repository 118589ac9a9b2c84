"""The thread that keeps the snapshot of this process fresh.

It reads the database once a second, and immediately when PostgreSQL notifies it of a change.
Requests only use the snapshot in memory. If a read fails, the last snapshot remains in use. It
contains the times of its windows, so these still start and end.

A request that finds the snapshot late wakes the thread and waits for it for a limited time. The
process may have been frozen, or the server may not run threads between requests.
"""

import asyncio
import os
import threading
import time
from contextlib import suppress

from django.db import router

from maintenance_windows.core.state import Snapshot
from maintenance_windows.logonce import LogOnce, get_logger
from maintenance_windows.models import SiteMaintenance
from maintenance_windows.snapshot.clock import elapsed
from maintenance_windows.snapshot.connection import OwnConnection, greenlet_problem
from maintenance_windows.snapshot.reading import Source
from maintenance_windows.snapshot.threads import in_test_run

# All in seconds. INTERVAL is from the start of one read to the end of the next, unless something
# wakes it: a change is seen by the end of a read, which takes long where threads hardly run. At
# most EARLY is made up for that way.
INTERVAL, EARLY = 1.0, 0.2
# The least time between reads after notifications, so that a burst of changes causes few reads.
LEAST_INTERVAL = 0.02
# How long the first requests of a process wait at most, counted from the first one.
FIRST_WAIT = 1.0
# LATE: the age of a late snapshot. CATCH_UP: how long a request then waits for a newer one.
LATE, CATCH_UP = 1.5, 0.5
# How long stop() waits for a read, so that it does not leak into the next test.
LAST_WAIT = 10.0
# After this long without an answer the database counts as unavailable.
SILENCE = 2.5

logger = get_logger(__name__)


class Refresher:
    """Keeps a snapshot fresh in a thread. Belongs to the process that created it."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        using = router.db_for_write(SiteMaintenance)
        self._own = OwnConnection(using)
        self._source = Source(self._own)
        self.snapshot = self._source.snapshot
        self.late_at = elapsed() + LATE
        if problem := greenlet_problem(using):
            LogOnce(logger).now({"greenlets": problem})
        self._starting, self._reading = threading.Lock(), threading.Lock()
        self._condition = threading.Condition()
        self._begun = self._finished = 0  # readings
        self._waited_for, self._patience = 0, 0.0
        self._stopped = False
        self._lateness = LogOnce(logger, over="The snapshot of this process is up to date again.")
        self._deadline = elapsed() + FIRST_WAIT
        self._thread: threading.Thread | None = None
        self._start_thread()

    @property
    def age(self) -> float | None:
        """Seconds since the database last answered; None before the first answer."""
        return elapsed() - self._source.answered_at if self._source.has_answered else None

    @property
    def database_answers(self) -> bool:
        """Whether the database answered recently. It may have failed since."""
        return not self._source.failing and elapsed() - self._source.answered_at < SILENCE

    def refresh(self, timeout: float) -> None:
        """Read the database now, and wait up to `timeout` seconds for the snapshot."""
        begun = self._wake(inline=True)
        with self._condition:
            self._condition.wait_for(lambda: self._finished > begun, timeout)

    def catch_up(self) -> None:
        """Wait up to CATCH_UP for a newer snapshot, once for each hang. Skip it after a failure."""
        begun, seconds = self._call(inline=True)
        if seconds:
            with self._condition:
                self._condition.wait_for(lambda: self._finished > begun, seconds)
            self._log_lateness()

    async def acatch_up(self) -> None:
        """See catch_up()."""
        begun, seconds = self._call(inline=False)
        deadline = elapsed() + seconds
        while self._finished <= begun and elapsed() < deadline:  # noqa: ASYNC110 (a thread's)
            await asyncio.sleep(0.002)
        if seconds:
            self._log_lateness()

    def _call(self, *, inline: bool) -> tuple[int, float]:
        """Wake the thread. Return how many reads had begun, and how many seconds to wait."""
        begun, now = self._wake(inline=inline), elapsed()
        if self._source.failing or self._finished == 0:
            return begun, 0.0
        if self._waited_for != self._finished:
            self._waited_for, self._patience = self._finished, now + CATCH_UP
        return begun, max(0.0, self._patience - now)

    def _log_lateness(self) -> None:
        if elapsed() > self.late_at:
            text = f"The snapshot of this process is {self.age:.1f} s old; its thread does not run."
            self._lateness.now({"late": text})

    def _wake(self, *, inline: bool) -> int:
        """Make the thread read, or read in this thread if none can start.

        Only sync code may read here: an event loop must not wait for a database.
        """
        begun = self._begun
        if self._start_thread():
            self._own.wake()
        elif inline and self._reading.acquire(blocking=False):
            try:
                self._attempt()
            finally:
                self._reading.release()
        return begun

    def _start_thread(self) -> bool:
        """Start the thread unless it runs. Return whether it runs now."""
        with self._starting:
            if self._thread is not None and self._thread.is_alive():
                return True
            thread = threading.Thread(target=self._run, name="maintenance-windows", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the limit of threads or processes is reached
                return False
            self._thread = thread
            return True

    def _run(self) -> None:
        """Read until stop(). No error of a driver or of the project's code ends this loop."""
        is_lost = False
        while not self._stopped:
            begun, was_lost = elapsed(), is_lost
            with self._reading:
                self._attempt()
            # The database rests for half of the interval, however long it takes to read.
            early = min(elapsed() - begun, EARLY)
            rest = max(INTERVAL / 2, begun + INTERVAL - early - elapsed())
            try:
                is_lost, notified = False, self._own.wait(rest)
            except Exception:  # noqa: BLE001 (of any driver; a new connection reads at once)
                self._own.close()
                is_lost = notified = True
            if notified:
                least = INTERVAL if was_lost else LEAST_INTERVAL
                time.sleep(max(0.0, begun + least - elapsed()))
        self._own.close()

    def _attempt(self) -> None:
        """Read once. The caller holds `_reading`, so no older result can replace a newer one."""
        self._begun += 1
        begun = elapsed()
        try:
            with suppress(Exception):  # whatever it is, the last snapshot stands
                self._source.read()
        finally:
            self.snapshot = self._source.snapshot
            if in_test_run():  # an open connection would prevent dropping the test database
                self._own.close()
            ended = elapsed()
            with self._condition:
                self._finished = self._begun
                # Many sites take longer to read, which does not count as late.
                self.late_at = ended + max(LATE, INTERVAL + 3 * (ended - begun))
                self._condition.notify_all()
            self._lateness.now({})

    def first(self) -> Snapshot:
        """Return the snapshot for the first requests, after waiting for the first read once."""
        if self._thread is None:
            self._wake(inline=True)
        with self._condition:
            self._condition.wait_for(lambda: self._finished, max(0.0, self._deadline - elapsed()))
        return self._source.known()

    async def afirst(self) -> Snapshot:
        """See first()."""
        # Poll, because the condition would block the event loop. FIRST_WAIT limits the polling.
        while not self._finished and elapsed() < self._deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        return self._source.known()

    def stop(self) -> None:
        self._stopped = True
        self._own.wake()
        if self._thread is not None:
            self._thread.join(LAST_WAIT)
