"""A beat that sees what changes as it starts, returns soon after its broker, and fills no disk."""

import logging
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django_celery_beat.schedulers import DatabaseScheduler

QUIET = 60.0  # seconds
NEVER = datetime.min.replace(tzinfo=UTC)


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


class FastReconnectScheduler(DatabaseScheduler):  # type: ignore[misc]
    """Tries every half second where there is no broker at start; Celery backs off up to thirty."""

    def _ensure_connected(self) -> Any:
        self.connection.ensure_connection = partial(
            self.connection.ensure_connection, interval_start=0.5, interval_step=0, interval_max=0.5
        )
        return super()._ensure_connected()

    def schedule_changed(self) -> bool:
        """Takes the first look for a change, as there may have been one since the first read.

        Else beat follows that when it reads all again, five minutes later.
        """
        if self._last_timestamp is None:
            self._last_timestamp = NEVER
        return bool(super().schedule_changed())
