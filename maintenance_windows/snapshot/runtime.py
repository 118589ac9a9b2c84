"""The one snapshot of this process, whichever thread or event loop asks."""

import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.signals import setting_changed
from django.db import Error as DatabaseError

from maintenance_windows.core.state import Snapshot
from maintenance_windows.snapshot import threads
from maintenance_windows.snapshot.refresher import INTERVAL, Refresher

DEADLINE = 0.5  # seconds

Answer = TypeVar("Answer")


_refresher: Refresher | None = None
_starting = threading.Lock()


def _start() -> Refresher:
    global _refresher  # noqa: PLW0603 (one a process is the point)
    with _starting:
        if _refresher is None:
            _refresher = Refresher()
        return _refresher


def current() -> Snapshot:
    """The snapshot to answer a request by: from memory, but for the first requests, see first()."""
    refresher = _refresher or _start()
    snapshot = refresher.snapshot
    return refresher.first() if snapshot is None else snapshot


async def acurrent() -> Snapshot:
    """See current()."""
    refresher = _refresher or _start()
    snapshot = refresher.snapshot
    return await refresher.afirst() if snapshot is None else snapshot


def database_answers() -> bool:
    """Whether the database answered this process lately; asks nobody."""
    return (_refresher or _start()).database_answers


def query_with_deadline(question: Callable[[], Answer]) -> Answer | None:
    """What the database answers; None while it is away, and nobody waits for it for long."""
    if not database_answers():
        return None
    try:
        return threads.answer(question, DEADLINE)
    except (DatabaseError, TimeoutError):
        return None


def publish() -> None:
    """Make the next request in this process see what was just committed.

    Other processes see it within INTERVAL. Nothing is read where no request was ever served.
    """
    if _refresher is not None:
        _refresher.refresh(timeout=INTERVAL)


def use(reader: Any) -> Any:
    """Answer requests by another reader from now on, and return the one before.

    maintenance_windows.testing calls it, with a stand-in for a Refresher. None has the next
    request start one.
    """
    global _refresher
    before, _refresher = _refresher, reader
    return before


def forget() -> None:
    """Stop reading and start over with the next request, as between two tests."""
    reader = _refresher
    _drop()
    if reader is not None:
        reader.stop()


def _drop() -> None:
    global _refresher, _starting
    _refresher, _starting = None, threading.Lock()


def _start_over(setting: str, **_: Any) -> None:
    """As when somebody's test overrides it; else a setting is what it is for a process's life."""
    if setting == "MAINTENANCE_FORCE":
        forget()


setting_changed.connect(_start_over)
# The thread did not come along into the child, and its locks may be held there for ever.
os.register_at_fork(after_in_child=_drop)
