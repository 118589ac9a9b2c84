"""The lock that lets one writer at a time change flags, in all processes of all hosts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connections, router, transaction
from django.db.models import F
from django.utils import timezone

from maintenance_windows.models import Scheduler, SiteMaintenance
from maintenance_windows.reconcile.isolation import fresh_transaction, open_fresh
from maintenance_windows.snapshot.connection import notify

Clock = Callable[[], datetime]

LOCK_KEY = 0x6D77_696E  # arbitrary; no other application may lock this number


@contextmanager
def locked(
    clock: Clock = timezone.now, limits: str = "", *, immediate: bool = True
) -> Iterator[datetime]:
    """Open a transaction under the lock and yield its `now`.

    The clock is read after the lock is taken: before, it could be older than what another pass
    has recorded. `limits` are PostgreSQL settings for this transaction. With `immediate`, all
    processes reload their snapshot on commit; a tick needs no reload, because snapshots already
    hold the times that it records.
    """
    using = router.db_for_write(SiteMaintenance)
    with fresh_transaction(using) as opening:
        _take(using, opening, limits)
        yield clock()
        if immediate and not transaction.get_rollback(using):
            notify(using)


def lock_transaction(using: str) -> None:
    """Take the lock until the open transaction of somebody else ends, such as of a deleted Site."""
    _take(using, open_fresh(connections[using]) or "")


def _take(using: str, opening: str, limits: str = "") -> None:
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"{opening} {limits} SELECT pg_advisory_xact_lock({LOCK_KEY})")
        return
    if opening:
        with connection.cursor() as cursor:
            cursor.execute(opening)
    # Write first: SQLite then locks the file, MariaDB the row.
    Scheduler.objects.using(using).update(last_tick=F("last_tick"))
