"""What a tick does with an incomplete database: it waits, in case a restore is going on.

What is still missing after that was deleted. Then the scheduler's row is made again, and flags
whose windows are gone are cleared.
"""

from datetime import datetime
from time import monotonic

from django.db import connections, router
from django.db.models import Model, QuerySet

from maintenance_windows.models import (
    MaintenanceWindow,
    Scheduler,
    SiteMaintenance,
    Transition,
    all_sites,
)
from maintenance_windows.models.querysets import is_filled

# Seconds that something is missing before a tick takes it for deleted.
PATIENCE = 10.0

_waiting_since: float | None = None


def if_settled() -> QuerySet[Scheduler]:
    """Return the scheduler's row, if the database is whole and no flag has lost all windows."""
    windows = is_filled(MaintenanceWindow.objects.all())
    return Scheduler.objects.if_whole().filter(windows | ~is_filled(_ending()))


def may_go_on(now: datetime) -> bool:
    """Return whether a tick may write although the database is incomplete.

    Call it with each tick that finds it so; one that finds it whole calls reset().
    """
    global _waiting_since  # noqa: PLW0603 (one patience for each process)
    if not is_all_else_there():
        _waiting_since = None
        return False
    if _waiting_since is None:
        _waiting_since = monotonic()
    if monotonic() - _waiting_since < PATIENCE:
        return False
    Scheduler.objects.get_or_create(pk=1)
    if not MaintenanceWindow.objects.exists():
        # Web processes then believe the flags, although the windows that they know are gone.
        _ending().update(ordered_at=now)
    return True


def _ending() -> QuerySet[SiteMaintenance]:
    return SiteMaintenance.objects.down().filter(until__isnull=False)


def reset() -> None:
    global _waiting_since  # noqa: PLW0603
    _waiting_since = None


def is_all_else_there() -> bool:
    """Return whether sites, flags and keys are there. pg_restore makes keys at the end."""
    if all_sites().exists() != SiteMaintenance.objects.exists():
        return False
    return all(map(_has_primary_key, (Scheduler, SiteMaintenance, MaintenanceWindow, Transition)))


def _has_primary_key(model: type[Model]) -> bool:
    connection = connections[router.db_for_write(SiteMaintenance)]
    table = model._meta.db_table  # noqa: SLF001 (public, as the documentation says)
    with connection.cursor() as cursor:
        return connection.introspection.get_primary_key_column(cursor, table) is not None
