"""The snapshot in a test of a project: read by the request itself, where the test has written.

A thread would not see what a TestCase has not committed, could meet the flush between two tests in
a deadlock, and would take what one test did into the next.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from math import inf
from os import getpid
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from maintenance_windows.core.state import Snapshot
from maintenance_windows.logonce import get_logger
from maintenance_windows.models import SiteMaintenance
from maintenance_windows.snapshot import clock
from maintenance_windows.snapshot.loader import NOTHING, domains_with_port, forced, load

# A request that a browser left behind gives up, and the flush of its test continues.
LIMIT = "SET LOCAL lock_timeout = '250ms'"

logger = get_logger(__name__)

# The threads of a LiveServerTestCase share one connection on SQLite in memory.
_one_at_a_time = threading.Lock()


class InlineReader:
    """Reads for each request, and keeps nothing."""

    age = 0.0
    database_answers = True
    late_at = inf
    snapshot: Snapshot | None = None

    def __init__(self) -> None:
        self.pid = getpid()

    def catch_up(self) -> None:
        pass

    async def acatch_up(self) -> None:
        pass

    def first(self) -> Snapshot:
        """Return what the test's connection sees; nothing if the test may not use the database."""
        known = forced()
        return _read() if known is None else known

    async def afirst(self) -> Snapshot:
        """See first()."""
        return await sync_to_async(self.first)()

    def refresh(self, timeout: float) -> None:
        pass

    def stop(self) -> None:
        pass


def _read() -> Snapshot:
    connection: Any = connections[router.db_for_write(SiteMaintenance)]
    try:
        with _unobserved(connection):
            found = load(clock.now())
            return Snapshot(found.by_id.values(), domains_with_port()) if found else NOTHING
    except Exception as error:  # noqa: BLE001 (Django and pytest-django forbid queries differently)
        logger.debug("Sites are up in this test, which cannot read the database: %s", error)
        return NOTHING


@contextmanager
def _unobserved(connection: Any) -> Iterator[None]:
    """Keep our queries out of assertNumQueries, of wrappers and of the test's transaction."""
    with _one_at_a_time, ExitStack() as undo:
        if connection.connection is None:
            # Not its own close(), which keeps a database in memory open.
            undo.callback(BaseDatabaseWrapper.close, connection)
        instead = {
            "queries_log": deque(maxlen=1),
            "execute_wrappers": [],
            "force_debug_cursor": False,
        }
        before = {name: getattr(connection, name) for name in instead}
        undo.callback(vars(connection).update, before)
        vars(connection).update(instead)
        if connection.vendor == "postgresql":
            # There an error ends a transaction, but not if it is that of a savepoint.
            is_open = connection.in_atomic_block
            undo.enter_context(transaction.atomic(using=connection.alias))
            if not is_open:
                with connection.cursor() as cursor:
                    cursor.execute(LIMIT)
        yield
