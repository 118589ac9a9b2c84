"""The scheduler without Celery: one thread ticks, another runs the hourly task."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from django.db import Error as DatabaseError
from django.db import connections

from maintenance_windows.logonce import LogOnce, get_logger
from maintenance_windows.models import SchedulerKind
from maintenance_windows.reconcile.tick import watch_boundaries

EVERY = 1.0  # seconds between two ticks; each tick covers a little more
HOUR = 3600.0
RETRY = 60.0  # seconds until a failed hourly task runs again
PATIENCE = 0.5  # seconds that a tick may still take after a signal to stop

logger = get_logger()
UNMADE = "Failed to create the windows of recurring windows; retrying in an hour."
complaints = LogOnce(logger, over="The tick works again.")


def keep_right(kind: SchedulerKind) -> None:
    """Correct all flags now, and again at each start or end within the next second."""
    try:
        watch_boundaries(kind)
    except DatabaseError as error:
        complaints.now({"database": f"The tick failed; the next one retries: {error}"})
    else:
        complaints.now({})


class Loop:
    """Keep the flags until stopped. Any number of processes may run a loop."""

    def __init__(self, hourly: Callable[[], object]) -> None:
        self.hourly = hourly
        self.stopping = threading.Event()

    def run(self) -> None:
        """Return soon after `stopping` is set, even if the database hangs.

        Daemon threads do the work, so that the main thread is free to handle signals.
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
            except Exception as error:  # noqa: BLE001 (of rows or project code: the loop goes on)
                complaints.now({"tick": f"The tick failed; the next one retries: {error!r}"})
            if complaints:
                connections.close_all()  # the next tick opens a new connection
            self.stopping.wait(due - time.monotonic())
        connections.close_all()

    def _make(self) -> None:
        while not self.stopping.is_set():
            pause = HOUR
            try:
                self.hourly()
            except DatabaseError:
                pause = RETRY  # the tick logs it
            except Exception:
                with suppress(Exception):  # such as of the project's logging filter
                    logger.exception(UNMADE)
            connections.close_all()
            self.stopping.wait(pause)
