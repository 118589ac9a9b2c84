"""What `manage.py check` says about this app."""

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import DatabaseError, router

from maintenance_windows.conf import TICK_TASK, conf
from maintenance_windows.models import SiteMaintenance
from maintenance_windows.patterns import fault
from maintenance_windows.snapshot import PatternKind


def check_tick(**_: Any) -> list[CheckMessage]:
    """maintenance_windows.W001: beat has no entry for the tick, or it is switched off."""
    if not apps.is_installed("django_celery_beat"):
        return []  # cron runs `maintenance tick` instead
    from django_celery_beat.models import PeriodicTask  # noqa: PLC0415

    using = router.db_for_read(SiteMaintenance)
    try:
        entries = list(
            PeriodicTask.objects.using(using)
            .filter(task=TICK_TASK)
            .values_list("enabled", flat=True)
        )
    except DatabaseError:
        return []  # before the first migrate, which makes the entry
    if any(entries):
        return []
    return [
        CheckWarning(
            f"The periodic task that sets and clears the maintenance flags is "
            f"{'disabled' if entries else 'missing'}.",
            hint="Enable it under Periodic tasks in the admin."
            if entries
            else "Run `manage.py migrate`: it makes the task.",
            id="maintenance_windows.W001",
        )
    ]


def check_patterns(**_: Any) -> list[CheckMessage]:
    """maintenance_windows.W002: a pattern of MAINTENANCE_ADMIN_IGNORED_URLS is left out."""
    return [
        CheckWarning(
            f"MAINTENANCE_ADMIN_IGNORED_URLS: {pattern!r} is left out. {sentence}",
            id="maintenance_windows.W002",
        )
        for pattern in conf.admin_ignored_urls
        if (sentence := fault(PatternKind.REGEX, pattern))
    ]


def connect() -> None:
    register(check_tick, Tags.database)
    register(check_patterns)
