"""The lock that lets one writer at a time change flags, in all processes of all hosts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from django.db import NotSupportedError, connections, router, transaction
from django.db.models import F
from django.utils import timezone

from maintenance_windows.models import Scheduler, SiteMaintenance
from maintenance_windows.snapshot import clock as database_clock
from maintenance_windows.snapshot.connection import notify

Clock = Callable[[], datetime]

LOCK_KEY = 0x6D77_696E  # arbitrary; no other application may lock this number
# PostgreSQL reads the common table expression first, so its clock is read under the lock.
LOCK = (
    f"WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock({LOCK_KEY}))"  # noqa: S608 (a number)
    " SELECT clock_timestamp() FROM held"
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
    with transaction.atomic(using=using):
        now = _take(using, limits, make_row=immediate)
        yield clock() if clock else now
        if immediate and not transaction.get_rollback(using):
            notify(using)


def _take(using: str, limits: str, *, make_row: bool) -> datetime:
    """Take the lock and return the time.

    Except on PostgreSQL the scheduler's row is the lock. A verb makes a missing row again; a tick
    must not, because a restore may be about to insert it.
    """
    if connections[using].vendor == "postgresql":
        with connections[using].cursor() as cursor:
            sent = timezone.now()
            cursor.execute(f"{limits}{LOCK}")
            with suppress(NotSupportedError):  # psycopg2 has the last result only
                while cursor.nextset():
                    pass
            return database_clock.observe(cursor.fetchone()[0], sent)
    # Write first: SQLite then locks the file, MariaDB the row.
    is_there = Scheduler.objects.update(last_tick=F("last_tick"))
    if not is_there and make_row:
        Scheduler.objects.get_or_create(pk=1)
        Scheduler.objects.update(last_tick=F("last_tick"))
    return database_clock.ask()
