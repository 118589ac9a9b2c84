"""One writer at a time in the whole fleet."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connections, router, transaction
from django.db.models import F
from django.utils import timezone

from maintenance_windows.models import Scheduler, SiteMaintenance
from maintenance_windows.snapshot.connection import notify

Clock = Callable[[], datetime]

LOCK_KEY = 0x6D77_696E  # any number that nobody else locks


@contextmanager
def locked(
    clock: Clock = timezone.now, limits: str = "", *, immediate: bool = True
) -> Iterator[datetime]:
    """A transaction that is alone in the fleet, and its `now`, read after the lock was had.

    A clock that is read before can be older than what another pass has done meanwhile. `limits`
    are settings that PostgreSQL has for this transaction. An `immediate` one has all processes read
    anew once it commits; a tick need not, as they know the boundaries that it records.
    """
    using = router.db_for_write(SiteMaintenance)
    with transaction.atomic(using=using):
        if connections[using].vendor == "postgresql":
            with connections[using].cursor() as cursor:
                cursor.execute(f"{limits} SELECT pg_advisory_xact_lock({LOCK_KEY})")
        else:
            # A write comes first: SQLite then locks the file, MariaDB the row.
            Scheduler.objects.update(last_tick=F("last_tick"))
        yield clock()
        if immediate and not transaction.get_rollback(using):
            notify(using)
