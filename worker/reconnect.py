"""A connection that comes back soon after its broker, and complains once meanwhile."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

EVERY = 0.5  # seconds; Celery's own back-off ends at thirty

logger = logging.getLogger(__name__)


def reconnect_soon(connection: Any) -> None:
    """Have this connection try every half second, and tell of the first failure and of the end."""
    ensure = connection.ensure_connection

    @wraps(ensure)
    def ensure_connection(
        errback: Callable[..., None] | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        failed = False

        def complain(*details: Any) -> None:
            nonlocal failed
            if errback and not failed:
                errback(*details)
            failed = True

        kwargs.setdefault("interval_start", EVERY)
        kwargs |= {"interval_step": 0, "interval_max": EVERY}
        connected = ensure(complain, *args, **kwargs)
        if failed:
            logger.warning("Connected to the broker.")
        return connected

    connection.ensure_connection = ensure_connection
