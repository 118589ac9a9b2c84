"""Checks of the scheduler: Celery beat and a worker, `maintenance scheduler`, or cron."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.db import DatabaseError, router

from maintenance_windows.beat import MATERIALISE_TASK, QUEUE, TICK_TASK
from maintenance_windows.models import SchedulerKind, SiteMaintenance
from maintenance_windows.models.scheduler import is_unmigrated
from maintenance_windows.overview import status
from maintenance_windows.snapshot import clock

OLDEST = (2, 9)
TASKS = {
    TICK_TASK: "sets and clears the maintenance flags",
    MATERIALISE_TASK: "makes the windows of series",
}
# A release may take a while. `status` and /readyz report earlier that nothing ticks.
SILENCE = timedelta(hours=1)
NEVER_MADE = "Run `manage.py migrate`: it makes the task."
NAME_TAKEN = "A periodic task of yours has its name: make one for {} by another name."


def check_beat(**_: Any) -> list[CheckMessage]:
    """W010: pip installs a crashing version of 2020 if no newer one supports this Django."""
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
    """W001: beat's entry for one of our tasks is missing or disabled."""
    using = router.db_for_write(SiteMaintenance)
    if using not in (databases or ()) or not apps.is_installed("django_celery_beat"):
        return []
    from django_celery_beat.models import PeriodicTask  # noqa: PLC0415

    entries = PeriodicTask.objects.using(using)
    try:
        found = list(entries.filter(task__in=TASKS).values_list("task", "enabled"))
        taken = set(entries.filter(name__in=TASKS).values_list("name", flat=True))
    except DatabaseError:
        return []  # before the first migrate, which creates the entries
    if is_unmigrated():
        return []  # `migrate maintenance_windows zero` deleted the entries with our tables
    seen = status.scheduler(clock.now())
    if seen["healthy"] and seen["kind"] in {SchedulerKind.PROCESS, SchedulerKind.CRON}:
        return []  # the project uses beat for other tasks
    known = {task for task, _ in found}
    return [
        CheckWarning(
            f"The periodic task that {purpose} is {'disabled' if task in known else 'missing'}.",
            hint="Enable it under Periodic tasks in the admin."
            if task in known
            else (NAME_TAKEN.format(task) if task in taken else NEVER_MADE),
            id="maintenance_windows.W001",
        )
        for task, purpose in TASKS.items()
        if (task, True) not in found
    ]


def check_ticks(*, databases: Collection[str] | None = None, **_: Any) -> list[CheckMessage]:
    """W020: nothing consumes beat's queue, or the scheduler has stopped."""
    using = router.db_for_write(SiteMaintenance)
    if using not in (databases or ()):
        return []
    try:
        complaints = list(_complaints(clock.now()))
    except DatabaseError:
        return []  # before migrate
    return [
        CheckWarning(said, hint=hint, id="maintenance_windows.W020") for said, hint in complaints
    ]


def _complaints(now: datetime) -> Iterator[tuple[str, str]]:
    scheduler = status.scheduler(now)
    if not scheduler["consumed"]:
        yield (
            f"Beat runs, and nobody consumes its queue {QUEUE}: nothing keeps the flags.",
            f"Start a worker with `-Q {QUEUE}`, or disable the task and run "
            "`manage.py maintenance scheduler`.",
        )
    elif scheduler["last_tick"] and now - datetime.fromisoformat(scheduler["last_tick"]) > SILENCE:
        kind = SchedulerKind(scheduler["kind"] or "")
        last = f"the last tick, by {kind.label}," if kind else "the last tick"
        yield (
            f"Nothing keeps the flags: {last} was at {scheduler['last_tick']}.",
            "Start worker and beat, or `manage.py maintenance scheduler`, or look after cron.",
        )
