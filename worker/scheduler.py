"""A beat that comes back soon after its broker does."""

from functools import partial
from typing import Any

from django_celery_beat.schedulers import DatabaseScheduler


class FastReconnectScheduler(DatabaseScheduler):  # type: ignore[misc]
    """Tries every half second where there is no broker at start; Celery backs off up to thirty."""

    def _ensure_connected(self) -> Any:
        self.connection.ensure_connection = partial(
            self.connection.ensure_connection, interval_start=0.5, interval_step=0, interval_max=0.5
        )
        return super()._ensure_connected()
