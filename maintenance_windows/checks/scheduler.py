"""Celery beat, where it is installed; else cron runs `maintenance tick`."""

from collections.abc import Collection
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.db import DatabaseError, router

from maintenance_windows.beat import MATERIALISE_TASK, TICK_TASK
from maintenance_windows.models import SiteMaintenance
from maintenance_windows.models.scheduler import is_unmigrated

OLDEST = (2, 9)
TASKS = {
    TICK_TASK: "sets and clears the maintenance flags",
    MATERIALISE_TASK: "makes the windows of series",
}


def check_beat(**_: Any) -> list[CheckMessage]:
    """W010: pip takes one of 2020, whose beat dies, where no newer one allows this Django."""
    if not apps.is_installed("django_celery_beat"):
        return []
    import django_celery_beat  # noqa: PLC0415

    if django_celery_beat.VERSION[:2] >= OLDEST:
        return []
    return [
        CheckWarning(
            f"django-celery-beat {django_celery_beat.__version__} is too old: its beat may die.",
            hint="Install django-celery-beat {}.{} or newer.".format(*OLDEST),
            id="maintenance_windows.W010",
        )
    ]


def check_tasks(*, databases: Collection[str] | None = None, **_: Any) -> list[CheckMessage]:
    """W001: beat has no entry for one of our tasks, or it is switched off."""
    using = router.db_for_read(SiteMaintenance)
    if using not in (databases or ()) or not apps.is_installed("django_celery_beat"):
        return []
    from django_celery_beat.models import PeriodicTask  # noqa: PLC0415

    entries = PeriodicTask.objects.using(using).filter(task__in=TASKS)
    try:
        found = list(entries.values_list("task", "enabled"))
    except DatabaseError:
        return []  # before the first migrate, which makes the entries
    if not found and is_unmigrated():
        return []  # our tables went, and the entries with them
    known = {task for task, _ in found}
    return [
        CheckWarning(
            f"The periodic task that {purpose} is {'disabled' if task in known else 'missing'}.",
            hint="Enable it under Periodic tasks in the admin."
            if task in known
            else "Run `manage.py migrate`: it makes the task.",
            id="maintenance_windows.W001",
        )
        for task, purpose in TASKS.items()
        if (task, True) not in found
    ]
