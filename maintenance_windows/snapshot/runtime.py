"""The snapshot of this process, shared by all its threads and event loops."""

import os
import threading
from collections.abc import Callable, Hashable
from os import getpid
from typing import Any, TypeVar

from django.core.signals import setting_changed
from django.db import Error as DatabaseError
from django.db import transaction

from maintenance_windows.core.state import Snapshot
from maintenance_windows.snapshot import threads
from maintenance_windows.snapshot.clock import elapsed
from maintenance_windows.snapshot.connection import notify
from maintenance_windows.snapshot.inline import InlineReader
from maintenance_windows.snapshot.refresher import INTERVAL, Refresher

DATABASE_DEADLINE = 0.5  # seconds

T = TypeVar("T")


_refresher: Refresher | InlineReader | None = None
_starting = threading.Lock()
_abandoned: list[Refresher | InlineReader] = []


def _start() -> Refresher | InlineReader:
    global _refresher  # noqa: PLW0603 (one for each process)
    with _starting:
        if _refresher is None or _refresher.pid != getpid():
            if _refresher is not None:
                # A server written in C has forked. Its child inherits no thread, and must not
                # close the connection, which would end the parent's.
                _abandoned.append(_refresher)
            _refresher = Refresher() if threads.may_run() else InlineReader()
        return _refresher


def _reader() -> Refresher | InlineReader:
    refresher = _refresher
    return _start() if refresher is None or refresher.pid != getpid() else refresher


def current() -> Snapshot:
    """The snapshot to answer a request by: from memory, unless it is late or there is none."""
    refresher = _refresher
    if refresher is None or refresher.pid != getpid():
        refresher = _start()
    if elapsed() > refresher.late_at:
        refresher.catch_up()
    snapshot = refresher.snapshot
    return refresher.first() if snapshot is None else snapshot


async def acurrent() -> Snapshot:
    """See current()."""
    refresher = _refresher
    if refresher is None or refresher.pid != getpid():
        refresher = _start()
    if elapsed() > refresher.late_at:
        await refresher.acatch_up()
    snapshot = refresher.snapshot
    return await refresher.afirst() if snapshot is None else snapshot


def database_answers() -> bool:
    """Return whether the database answered this process recently, without a query."""
    return _reader().database_answers


def query_with_deadline(function: Callable[[], T], share: threads.Share, key: Hashable) -> T | None:
    """Return the result of a query, or None if the database is down or does not answer.

    Requests with the same key that wait at the same time share one query.
    """
    if not database_answers():
        return None
    try:
        return threads.call_with_timeout(function, DATABASE_DEADLINE, share, key)
    except (DatabaseError, RuntimeError, TimeoutError):  # RuntimeError: no thread can be started
        return None


def snapshot_age() -> float | None:
    """Seconds since this process last read the database; None before its first reading."""
    return _reader().age


def publish() -> None:
    """Show the next request in this process what was just committed.

    A process that never served a request reads nothing.
    """
    if _refresher is not None and _refresher.pid == getpid():
        _refresher.refresh(timeout=INTERVAL)


def publish_on_commit(using: str) -> None:
    """Have all processes read again once this transaction commits, and this one at once.

    Only PostgreSQL can notify the others; on other databases they follow within INTERVAL.
    """
    notify(using)
    transaction.on_commit(publish, using=using)


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
# A forked child inherits no threads, and a lock that another thread held is never released in it.
os.register_at_fork(after_in_child=_drop)
