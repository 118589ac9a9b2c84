"""The snapshot of this process, shared by all its threads and event loops."""

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.signals import setting_changed
from django.db import Error as DatabaseError

from maintenance_windows.core.state import Snapshot
from maintenance_windows.snapshot import threads
from maintenance_windows.snapshot.refresher import INTERVAL, Refresher

DATABASE_DEADLINE = 0.5  # seconds

T = TypeVar("T")


_refresher: Refresher | None = None
_starting = threading.Lock()


def _start() -> Refresher:
    global _refresher  # noqa: PLW0603 (one for each process)
    with _starting:
        if _refresher is None:
            _refresher = Refresher()
        return _refresher


def current() -> Snapshot:
    """Return the snapshot from memory. Only the first requests wait, see Refresher.first()."""
    refresher = _refresher or _start()
    snapshot = refresher.snapshot
    return refresher.first() if snapshot is None else snapshot


async def acurrent() -> Snapshot:
    """See current()."""
    refresher = _refresher or _start()
    snapshot = refresher.snapshot
    return await asyncio.to_thread(refresher.first) if snapshot is None else snapshot


def database_answers() -> bool:
    """Return whether the database answered this process recently, without a query."""
    return (_refresher or _start()).database_answers


def query_with_deadline(function: Callable[[], T]) -> T | None:
    """Return the result of a query, or None if the database is down or takes too long."""
    if not database_answers():
        return None
    try:
        return threads.call_with_timeout(function, DATABASE_DEADLINE)
    except (DatabaseError, TimeoutError):
        return None


def publish() -> None:
    """Show the next request in this process what was just committed.

    Other processes see it within INTERVAL. A process that never served a request reads nothing.
    """
    if _refresher is not None:
        _refresher.refresh(timeout=INTERVAL)


def use(reader: Any) -> Any:
    """Replace the refresher and return the previous one; None lets the next request start one.

    maintenance_windows.testing passes a stand-in.
    """
    global _refresher
    before, _refresher = _refresher, reader
    return before


def forget() -> None:
    """Stop reading, and start over with the next request, as between two tests."""
    reader = _refresher
    _drop()
    if reader is not None:
        reader.stop()


def _drop() -> None:
    global _refresher, _starting
    _refresher, _starting = None, threading.Lock()


def _start_over(setting: str, **_: Any) -> None:
    """Apply an overridden setting in a test; outside tests settings do not change."""
    if setting == "MAINTENANCE_FORCE":
        forget()


setting_changed.connect(_start_over)
# A forked child inherits no threads, and a lock may be held in it for ever.
os.register_at_fork(after_in_child=_drop)
