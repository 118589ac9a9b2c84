"""The scheduler's row."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from maintenance_windows.models.times import readable


class Scheduler(models.Model):
    """The one row that says when the last tick was; on SQLite and MariaDB it is the lock too."""

    last_tick = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("scheduler")
        constraints = [
            models.CheckConstraint(condition=readable(["last_tick"]), name="mw_scheduler_readable"),
        ]

    def __str__(self) -> str:
        return str(self.last_tick)
