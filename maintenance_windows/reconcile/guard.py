"""The scheduler's row: its absence means that the database is incomplete, until it stays away."""

from time import monotonic

from django.db import connections, router
from django.db.models import Model

from maintenance_windows.models import (
    MaintenanceWindow,
    Scheduler,
    SiteMaintenance,
    Transition,
    all_sites,
)

# Seconds that a tick waits before it makes the row again: a restore may be about to insert it.
PATIENCE = 10.0

_missing_since: float | None = None


def restore_row() -> bool:
    """Make the scheduler's row again if only it is missing; return whether it was made.

    Call it with each tick that finds the database incomplete.
    """
    global _missing_since  # noqa: PLW0603 (one patience for each process)
    if Scheduler.objects.exists() or not _is_all_else_there():
        _missing_since = None
        return False
    if _missing_since is None:
        _missing_since = monotonic()
    if monotonic() - _missing_since < PATIENCE:
        return False
    _missing_since = None
    Scheduler.objects.get_or_create(pk=1)
    return True


def _is_all_else_there() -> bool:
    """Return whether rows and keys are there. PostgreSQL's restores make the keys at the end."""
    if all_sites().exists() != SiteMaintenance.objects.exists():
        return False
    return all(map(_has_primary_key, (Scheduler, SiteMaintenance, MaintenanceWindow, Transition)))


def _has_primary_key(model: type[Model]) -> bool:
    connection = connections[router.db_for_write(SiteMaintenance)]
    table = model._meta.db_table  # noqa: SLF001 (public, as the documentation says)
    with connection.cursor() as cursor:
        return connection.introspection.get_primary_key_column(cursor, table) is not None
