"""Waiting for other threads and processes."""

import time
from collections.abc import Callable

PATIENCE = 30.0  # seconds, on a busy machine


def until(condition: Callable[[], object], what: Callable[[], object] = lambda: "") -> None:
    """Wait until this is so. A failure shows what `what` returns."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.01)
