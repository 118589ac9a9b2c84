"""The scheduler's row: when the last tick was, and what made it."""

from typing import Self

from django.db import DatabaseError, connections, models, router
from django.utils.translation import gettext_lazy as _

from maintenance_windows.models.querysets import PrimaryQuerySet, is_filled
from maintenance_windows.models.site import SiteMaintenance, all_sites
from maintenance_windows.models.times import readable
from maintenance_windows.models.window import MaintenanceWindow


class SchedulerKind(models.TextChoices):
    """The kind of scheduler. `maintenance status --json` prints these values."""

    CELERY = "celery", "Celery"
    PROCESS = "scheduler", "maintenance scheduler"
    CRON = "cron", "cron"
    CODE = "", ""


class IncompleteDatabase(DatabaseError):
    """Rows are missing that every migrated database has, as while a backup is being restored."""

    def __init__(self) -> None:
        super().__init__("the database is incomplete: a restore is in progress, or migrate is due")


class SchedulerQuerySet(PrimaryQuerySet["Scheduler"]):
    def if_whole(self) -> Self:
        """The row, unless sites or their flags are missing as in a half-restored database.

        A migrated database has a flag for each site. The row itself is missing too until its table
        is filled.
        """
        sites, flags = is_filled(all_sites()), is_filled(SiteMaintenance.objects.all())
        has_nothing = ~sites & ~flags & ~is_filled(MaintenanceWindow.objects.all())
        return self.filter(sites & flags | has_nothing)


class Scheduler(models.Model):
    """The only row, with the time of the last tick. On SQLite and MariaDB it is also the lock."""

    last_tick = models.DateTimeField(null=True)
    # Database defaults, because old code may still create this row during a release.
    kind = models.CharField(max_length=20, default="", db_default="", blank=True)
    # Set if nobody consumes beat's queue. The next tick of any scheduler clears it.
    is_unconsumed = models.BooleanField(default=False, db_default=False)

    objects = SchedulerQuerySet.as_manager()

    class Meta:
        verbose_name = _("scheduler")
        constraints = [
            models.CheckConstraint(condition=readable(["last_tick"]), name="mw_scheduler_readable"),
        ]

    def __str__(self) -> str:
        return str(self.last_tick)


def is_unmigrated() -> bool:
    """Return whether the database answers but lacks the tables of this app."""
    connection = connections[router.db_for_write(Scheduler)]
    if connection.connection is None:
        return False  # a second attempt to connect would take as long again
    try:
        names = connection.introspection.table_names()
    except Exception:  # noqa: BLE001 (most likely the error that kept the windows from being read)
        return False
    return Scheduler._meta.db_table not in names  # noqa: SLF001 (public, as documented)
