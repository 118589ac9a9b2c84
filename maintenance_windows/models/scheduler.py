"""The scheduler's row."""

from django.db import connections, models, router
from django.utils.translation import gettext_lazy as _

from maintenance_windows.models.querysets import PrimaryQuerySet
from maintenance_windows.models.times import readable


class SchedulerKind(models.TextChoices):
    """What ticks. The values stand in `maintenance status --json`."""

    CELERY = "celery", "Celery"
    PROCESS = "scheduler", "maintenance scheduler"
    CRON = "cron", "cron"
    CODE = "", ""


class Scheduler(models.Model):
    """The one row that says when the last tick was; on SQLite and MariaDB it is the lock too."""

    last_tick = models.DateTimeField(null=True)
    # Database defaults: during a release the old code still makes this row.
    kind = models.CharField(max_length=20, default="", db_default="", blank=True)
    # Beat found its queue full for a while; the next tick, whoever makes it, takes this back.
    is_unconsumed = models.BooleanField(default=False, db_default=False)

    objects = PrimaryQuerySet.as_manager()

    class Meta:
        verbose_name = _("scheduler")
        constraints = [
            models.CheckConstraint(condition=readable(["last_tick"]), name="mw_scheduler_readable"),
        ]

    def __str__(self) -> str:
        return str(self.last_tick)


def is_unmigrated() -> bool:
    """Whether the database answers and has no tables of ours."""
    connection = connections[router.db_for_read(Scheduler)]
    if connection.connection is None:
        return False  # and to ask again would take as long again
    try:
        names = connection.introspection.table_names()
    except Exception:  # noqa: BLE001 (whatever kept the windows from being read, most likely)
        return False
    return Scheduler._meta.db_table not in names  # noqa: SLF001 (public, as documented)
