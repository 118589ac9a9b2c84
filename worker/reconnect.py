"""A connection that comes back soon after its broker."""

from collections.abc import Callable
from functools import wraps
from typing import Any

EVERY = 0.5  # seconds; Celery's own back-off ends at thirty


def reconnect_soon(connection: Any, failed: Callable[[Exception], None]) -> None:
    """Have this connection try every half second, and call `failed` with each error."""
    ensure = connection.ensure_connection

    @wraps(ensure)
    def ensure_connection(errback: object = None, *args: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("interval_start", EVERY)
        kwargs |= {"interval_step": 0, "interval_max": EVERY}
        return ensure(lambda error, _seconds: failed(error), *args, **kwargs)

    connection.ensure_connection = ensure_connection
