"""A beat that sees what changes as it starts, returns soon after its broker, and fills no disk."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import Any

from celery.beat import Scheduler
from django.db import DatabaseError, InterfaceError

from maintenance_windows.logonce import LogOnce
from worker.reconnect import reconnect_soon

if find_spec("django_celery_beat"):
    from django_celery_beat.schedulers import DatabaseScheduler
else:
    DatabaseScheduler = Scheduler

NEVER = datetime.min.replace(tzinfo=UTC)
LONG = timedelta(days=1)
AWAY = "Beat cannot use the database; it keeps the schedule that it knows: {}"

logger = logging.getLogger(__name__)


class DatabaseLog(logging.Filter):
    """Replaces what django-celery-beat logs of a failing database by one line of ours.

    It logs several tracebacks a second: a disk is full of them by the morning.
    """

    def __init__(self) -> None:
        super().__init__()
        self._doing = ""
        self._failing: set[str] = set()
        self._trouble = LogOnce(logger, over="Beat can use the database again.")
        logging.getLogger(DatabaseScheduler.__module__).addFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, DatabaseError):
            self.failed(error)
        elif record.levelno >= logging.WARNING and InterfaceError.__name__ in record.getMessage():
            self.failed(InterfaceError.__name__)
        else:
            return True
        return False

    def failed(self, error: object) -> None:
        self._failing.add(self._doing)
        self._trouble.now({"database": AWAY.format(error)})

    @contextmanager
    def during(self, doing: str) -> Iterator[None]:
        """Note what fails in this block. Where nothing does, it works; the rest may still fail."""
        before, self._doing = self._failing, doing
        self._failing = before - {doing}
        yield
        if before and not self._failing:
            self._trouble.now({})


class Reconnecting:
    """Tries every half second where there is no broker at start."""

    connection: Any

    def _ensure_connected(self) -> Any:
        trouble = LogOnce(logger, over="Connected to the broker.")
        reconnect_soon(
            self.connection,
            lambda error: trouble.now(
                {"broker": f"The broker is unreachable; retrying every half second: {error}"}
            ),
        )
        connected = super()._ensure_connected()  # type: ignore[misc]
        trouble.now({})
        return connected


class MemoryScheduler(Reconnecting, Scheduler):  # type: ignore[misc]
    """For a project without django-celery-beat: needs no file, and sends all once at its start.

    Celery's own would send an hourly task an hour after each start.
    """

    def setup_schedule(self) -> None:
        super().setup_schedule()
        for entry in self.schedule.values():
            entry.last_run_at -= LONG


class FastReconnectScheduler(Reconnecting, DatabaseScheduler):  # type: ignore[misc]
    """For rows of django-celery-beat: follows them from the start."""

    database_log = DatabaseLog()

    def schedule_changed(self) -> bool:
        """Takes the first look for a change, as there may have been one since the first read.

        Else beat follows that when it reads all again, five minutes later.
        """
        if self._last_timestamp is None:
            self._last_timestamp = NEVER
        with self.database_log.during("reading"):
            return bool(super().schedule_changed())

    def sync(self) -> None:
        """Saves what has run; without anything to save, this asks the database nothing."""
        with self.database_log.during("saving") if self._dirty else nullcontext():
            super().sync()

    def all_as_schedule(self) -> Any:
        """Return the entries as they are stored, or as they were read while the database is away.

        Beat reads them again after five minutes, and would end with this error.
        """
        try:
            return super().all_as_schedule()
        except (DatabaseError, InterfaceError) as error:
            if self._schedule is None:
                raise
            self.database_log.failed(error)
            return self._schedule
