"""The lock that lets one writer at a time change flags, in all processes of all hosts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from django.db import NotSupportedError, connections, router, transaction
from django.db.models import F
from django.utils import timezone

from maintenance_windows.models import Scheduler, SiteMaintenance
from maintenance_windows.reconcile import guard
from maintenance_windows.reconcile.isolation import fresh_transaction, open_fresh
from maintenance_windows.snapshot import clock as database_clock
from maintenance_windows.snapshot.connection import notify

Clock = Callable[[], datetime]

LOCK_KEY = 0x6D77_696E  # arbitrary; no other application may lock this number
# PostgreSQL reads the common table expression first, so its clock is read under the lock.
TABLE = Scheduler._meta.db_table  # noqa: SLF001 (public, as the documentation says)
LOCK = (
    f"WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock({LOCK_KEY}))"  # noqa: S608 (a number)
    f" SELECT clock_timestamp(), EXISTS (SELECT 1 FROM {TABLE}) FROM held"
)


@contextmanager
def locked(
    clock: Clock | None = None, limits: str = "", *, immediate: bool = True
) -> Iterator[datetime]:
    """Open a transaction under the lock and yield its `now`, the time of the database.

    It is read under the lock: before, it could be older than what another pass has recorded. A
    `clock` replaces it, for a verb inside another one's lock and for tests. `limits` are settings
    of PostgreSQL for this transaction. With `immediate`, all processes reload their snapshot on
    commit; a tick needs no reload, because snapshots already hold the times that it records.
    """
    using = router.db_for_write(SiteMaintenance)
    with fresh_transaction(using) as opening:
        now = _take(using, opening, limits, make_row=immediate)
        yield clock() if clock else now
        if immediate and not transaction.get_rollback(using):
            notify(using)


def lock_transaction(using: str) -> None:
    """Take the lock until the open transaction of somebody else ends, such as of a deleted Site."""
    _take(using, open_fresh(connections[using]) or "")


def _take(using: str, opening: str, limits: str = "", *, make_row: bool = True) -> datetime:
    """Take the lock and return the time.

    Except on PostgreSQL the scheduler's row is the lock. A verb makes a missing row again if all
    else is there; a tick waits, because a restore may be about to insert it.
    """
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            sent = timezone.now()
            cursor.execute(f"{opening}{limits}{LOCK}")
            with suppress(NotSupportedError):  # psycopg2 has the last result only
                while cursor.nextset():
                    pass
            told, is_there = cursor.fetchone()
        now = database_clock.observe(told, sent)
        if not is_there and make_row and guard.is_all_else_there():
            Scheduler.objects.using(using).get_or_create(pk=1)
        return now
    if opening:
        with connection.cursor() as cursor:
            cursor.execute(opening)
    # Write first: SQLite then locks the file, MariaDB the row.
    row = Scheduler.objects.using(using)
    if not row.update(last_tick=F("last_tick")) and make_row:
        row.get_or_create(pk=1)
        row.update(last_tick=F("last_tick"))
    return database_clock.ask()
