"""Consumers that come back soon after their broker does, and that stop soon when told to."""

import logging
from typing import Any

from celery.worker.consumer import Consumer

from maintenance_windows.logonce import LogOnce
from worker.reconnect import reconnect_soon

ABOUT_BROKER = tuple(
    logging.getLogger(f"celery.worker.consumer.{name}")
    for name in ("consumer", "connection", "mingle", "gossip", "control")
)
OF_KOMBU = tuple(
    logging.getLogger(f"kombu.{name}") for name in ("transport.redis", "asynchronous.hub")
)
OVER = 300.0  # seconds without the error of a full Redis, which has no end, until it is said again

logger = logging.getLogger(__name__)


class BrokerLog(logging.Filter):
    """Replaces what Celery logs of a lost broker, some lines for each loss, by one of ours."""

    def __init__(self) -> None:
        super().__init__()
        self.trouble = LogOnce(logger, over="Connected to the broker again.")
        for each in ABOUT_BROKER:
            each.addFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        return not self.trouble

    def lost(self, error: object) -> None:
        self.trouble.now(
            {"broker": f"The broker is unreachable; retrying every half second: {error}"}
        )

    def back(self) -> None:
        self.trouble.now({})


class Recurring(logging.Filter):
    """Logs an error that kombu meets and logs each second as one line, when it begins.

    A Redis that is full, for one, refuses what kombu wants to write there and still delivers.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}
        for each in OF_KOMBU:
            each.addFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or not record.exc_info:
            return True
        last = self._last.get(record.msg)
        self._last[record.msg] = record.created
        record.msg, record.args = "%s: %s", (record.getMessage(), record.exc_info[1])
        record.exc_info = None
        # A clock that has stepped back is no reason to be quiet for longer.
        return last is None or abs(record.created - last) > OVER


class FastReconnectConsumer(Consumer):  # type: ignore[misc]
    """Tries again every half second, and says once that it does."""

    broker_log = BrokerLog()
    recurring = Recurring()

    def ensure_connected(self, conn: Any) -> Any:
        reconnect_soon(conn, self.broker_log.lost)
        return super().ensure_connected(conn)

    def loop_args(self) -> Any:
        # All has been set up again, of which Celery logs a line for each step.
        self.broker_log.back()
        return super().loop_args()

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        self.broker_log.lost(exc)
        super().on_connection_error_before_connected(exc)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        self.broker_log.lost(exc)
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError:
            # kombu wants to give a message back over the connection that it has just taken apart.
            # Celery would exit of it, and the next tick replaces the message.
            logger.info("Could not return a message: the broker connection is lost.")


class EmbeddedConsumer(Consumer):  # type: ignore[misc]
    """Looks up from its queue five times a second, where Celery sits through two seconds twice."""

    def ensure_connected(self, conn: Any) -> Any:
        connected = super().ensure_connected(conn)
        drain = connected.drain_events
        connected.drain_events = lambda timeout: drain(timeout=min(timeout, 0.2))
        return connected
