"""A beat that sees what changes as it starts, returns soon after its broker, and fills no disk."""

import logging
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import Any

from celery.beat import Scheduler

from worker.reconnect import reconnect_soon

if find_spec("django_celery_beat"):
    from django_celery_beat.schedulers import DatabaseScheduler
else:
    DatabaseScheduler = Scheduler

QUIET = 60.0  # seconds
NEVER = datetime.min.replace(tzinfo=UTC)
LONG = timedelta(days=1)


class Seldom(logging.Filter):
    """Lets the same complaint through once in QUIET.

    While the database is away, beat has several a second with a traceback each: a disk is full of
    them by the morning.
    """

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        # A clock that has stepped back is no reason to be quiet for longer.
        recent = {text: at for text, at in self.said.items() if abs(record.created - at) < QUIET}
        self.said = {record.getMessage(): record.created} | recent
        return record.getMessage() not in recent


logging.getLogger(DatabaseScheduler.__module__).addFilter(Seldom())


class Reconnecting:
    """Tries every half second where there is no broker at start."""

    connection: Any

    def _ensure_connected(self) -> Any:
        reconnect_soon(self.connection)
        return super()._ensure_connected()  # type: ignore[misc]


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

    def schedule_changed(self) -> bool:
        """Takes the first look for a change, as there may have been one since the first read.

        Else beat follows that when it reads all again, five minutes later.
        """
        if self._last_timestamp is None:
            self._last_timestamp = NEVER
        return bool(super().schedule_changed())
