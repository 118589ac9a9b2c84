"""The scheduler without Celery: ticks in one thread, an hourly task in another."""

import logging
import threading
import time
from collections.abc import Callable

from django.db import Error as DatabaseError
from django.db import connections

from maintenance_windows.logonce import LogOnce
from maintenance_windows.models import SchedulerKind
from maintenance_windows.reconcile import skew
from maintenance_windows.reconcile.tick import watch_boundaries

EVERY = 1.0  # seconds between two ticks; each looks a little further ahead
HOUR = 3600.0
RETRY = 60.0  # seconds after an hourly task that failed
PATIENCE = 0.5  # seconds for which a tick may go on when the process is told to end

logger = logging.getLogger("maintenance_windows")
complaints = LogOnce(logger, over="The tick works again.")


def keep_right(kind: SchedulerKind) -> None:
    """Make the fleet right now, and again at each boundary of the second that follows."""
    try:
        skew.compare()
        watch_boundaries(kind)
    except DatabaseError as error:
        complaints.now({"database": f"The tick fails, the next one will do it: {error}"})
    else:
        complaints.now({})


class Loop:
    """Keeps the flags until it is told to stop. Any number of processes may run one."""

    def __init__(self, hourly: Callable[[], object]) -> None:
        self.hourly = hourly
        self.stopping = threading.Event()

    def run(self) -> None:
        """Return soon after `stopping` is set, also while the database hangs.

        The work is done in daemon threads: a signal reaches a main thread that only waits.
        """
        ticking = threading.Thread(target=self._tick, name="maintenance-tick", daemon=True)
        threading.Thread(target=self._make, name="maintenance-hourly", daemon=True).start()
        ticking.start()
        self.stopping.wait()
        ticking.join(PATIENCE)

    def _tick(self) -> None:
        while not self.stopping.is_set():
            due = time.monotonic() + EVERY
            try:
                keep_right(SchedulerKind.PROCESS)
            except Exception as error:  # noqa: BLE001 (of rows or code of others: it must go on)
                complaints.now({"tick": f"The tick fails, the next one will do it: {error!r}"})
            if complaints:
                connections.close_all()  # the next tick has another
            self.stopping.wait(due - time.monotonic())
        connections.close_all()

    def _make(self) -> None:
        while not self.stopping.is_set():
            pause = HOUR
            try:
                self.hourly()
            except DatabaseError:
                pause = RETRY  # the tick says so
            except Exception:
                logger.exception("The windows of series cannot be made, trying again in an hour.")
            connections.close_all()
            self.stopping.wait(pause)
