"""Consumers that come back soon after their broker does, and that stop soon when told to."""

import logging
from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

logger = logging.getLogger(__name__)


class FastReconnectConsumer(Consumer):  # type: ignore[misc]
    """Tries again every half second; Celery's own back-off ends at thirty."""

    def ensure_connected(self, conn: Any) -> Any:
        conn.ensure_connection = partial(
            conn.ensure_connection, interval_start=0.5, interval_step=0, interval_max=0.5
        )
        return super().ensure_connected(conn)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError:
            # kombu wants to give a message back over the connection that it has just taken apart.
            # Celery would exit of it, and the next tick replaces the message.
            logger.warning("Left a message behind with the broker that is gone.")


class EmbeddedConsumer(Consumer):  # type: ignore[misc]
    """Looks up from its queue five times a second, where Celery sits through two seconds twice."""

    def ensure_connected(self, conn: Any) -> Any:
        connected = super().ensure_connected(conn)
        drain = connected.drain_events
        connected.drain_events = lambda timeout: drain(timeout=min(timeout, 0.2))
        return connected
