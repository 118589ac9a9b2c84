"""Consumers that come back soon after their broker does, and that stop soon when told to."""

import logging
from typing import Any

from celery.worker.consumer import Consumer

from worker.reconnect import reconnect_soon

logger = logging.getLogger(__name__)


class FastReconnectConsumer(Consumer):  # type: ignore[misc]
    """Tries again every half second, and says once that it does."""

    def ensure_connected(self, conn: Any) -> Any:
        reconnect_soon(conn)
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
