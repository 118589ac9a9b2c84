"""Checks of the scheduler: Celery beat and a worker, `maintenance scheduler`, or cron."""

import sys
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
    MATERIALISE_TASK: "creates the windows of recurring windows",
}
# A release may take a while. `status` and /readyz report earlier that nothing ticks.
SILENCE = timedelta(hours=1)
NEVER_MADE = "Run `manage.py migrate` to create it."
NAME_TAKEN = "Another periodic task has its name: create one for {} with a different name."


def check_beat(**_: Any) -> list[CheckMessage]:
    """W010: pip installs a crashing version of 2020 if no newer one supports this Django."""
    if not apps.is_installed("django_celery_beat"):
        return []
    import django_celery_beat  # noqa: PLC0415

    if django_celery_beat.VERSION[:2] >= OLDEST:
        return []
    return [
        CheckWarning(
            f"django-celery-beat {django_celery_beat.__version__} is too old: its beat may crash.",
            hint="Install django-celery-beat {}.{} or newer.".format(*OLDEST),
            id="maintenance_windows.W010",
        )
    ]


def check_queue(**_: Any) -> list[CheckMessage]:
    """W019: Celery creates no missing queues, and the project has not declared ours."""
    celery = sys.modules.get("celery")
    if celery is None:
        return []  # nothing of the project uses it here
    try:
        app = celery.current_app
        if app.conf.task_create_missing_queues or QUEUE in app.amqp.queues:
            return []
    except Exception:  # noqa: BLE001 (of the project's configuration, which Celery reports)
        return []
    return [
        CheckWarning(
            f"task_create_missing_queues is off and task_queues has no {QUEUE!r}: beat cannot send "
            "the tasks of maintenance_windows, and no worker receives them.",
            hint=f'Add Queue("{QUEUE}") to task_queues.',
            id="maintenance_windows.W019",
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
            f"Beat runs, but no worker consumes its queue {QUEUE}: flags are not updated.",
            f"Start a worker with `-Q {QUEUE}`, or disable the task and run "
            "`manage.py maintenance scheduler`.",
        )
    elif scheduler["last_tick"] and now - datetime.fromisoformat(scheduler["last_tick"]) > SILENCE:
        kind = SchedulerKind(scheduler["kind"] or "")
        last = f"it last ran with {kind.label}" if kind else "it last ran"
        yield (
            f"The scheduler is not running: {last} at {scheduler['last_tick']}.",
            "Start worker and beat, or `manage.py maintenance scheduler`, or repair the cron job.",
        )
