"""What `manage.py check` says about this app."""

from collections.abc import Callable, Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Tags, register
from django.core.checks import Error as CheckError
from django.core.checks import Warning as CheckWarning
from django.db import DatabaseError, router

from maintenance_windows.addresses import UNIX, read_network
from maintenance_windows.conf import MATERIALISE_TASK, TICK_TASK, conf
from maintenance_windows.models import SiteMaintenance
from maintenance_windows.patterns import fault
from maintenance_windows.snapshot import PatternKind

MOST_DAYS = 3660
SECONDS = ("a number of seconds", lambda value: value is not None and value >= 0)
SECONDS_OR_NONE = ("a number of seconds or None", lambda value: value is None or value >= 0)
NUMBERS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "MAINTENANCE_BANNER_LEAD": SECONDS,
    "MAINTENANCE_RETRY_AFTER": SECONDS_OR_NONE,
    "MAINTENANCE_RETRY_AFTER_JITTER": SECONDS,
    "MAINTENANCE_RETRY_AFTER_MAX": SECONDS_OR_NONE,
    "MAINTENANCE_SERIES_HORIZON": (
        f"whole days from 1 to {MOST_DAYS}",
        lambda value: isinstance(value, int) and 1 <= value <= MOST_DAYS,
    ),
    "MAINTENANCE_TICK_MAX_AGE": SECONDS,
}
TASKS = {
    TICK_TASK: "sets and clears the maintenance flags",
    MATERIALISE_TASK: "makes the windows of series",
}
MIDDLEWARE = "maintenance_windows.middleware.MaintenanceModeMiddleware"
CORS_MIDDLEWARE = "corsheaders.middleware.CorsMiddleware"
CHOICES = {
    "MAINTENANCE_FORCE": ("on", "off"),
    "MAINTENANCE_WHEN_UNKNOWN": ("open", "closed"),
}


def check_tasks(**_: Any) -> list[CheckMessage]:
    """maintenance_windows.W001: beat has no entry for one of our tasks, or it is switched off."""
    if not apps.is_installed("django_celery_beat"):
        return []  # cron runs `maintenance tick` instead
    from django_celery_beat.models import PeriodicTask  # noqa: PLC0415

    entries = PeriodicTask.objects.using(router.db_for_read(SiteMaintenance))
    try:
        found = list(entries.filter(task__in=TASKS).values_list("task", "enabled"))
    except DatabaseError:
        return []  # before the first migrate, which makes the entries
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


def check_numbers(**_: Any) -> list[CheckMessage]:
    """maintenance_windows.E002: a setting that takes a number has none; its default counts."""
    return [
        CheckError(f"{name} must be {wanted}, not {value!r}.", id="maintenance_windows.E002")
        for name, (wanted, is_good) in NUMBERS.items()
        if hasattr(settings, name) and not _is_good(value := getattr(settings, name), is_good)
    ]


def _is_good(value: Any, is_good: Callable[[Any], bool]) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return (is_number or value is None) and is_good(value)


def check_choices(**_: Any) -> list[CheckMessage]:
    """maintenance_windows.E001: a setting that takes one of two words has another."""
    return [
        CheckError(
            f"{name} must be {' or '.join(map(repr, words))}, not {value!r}.",
            id="maintenance_windows.E001",
        )
        for name, words in CHOICES.items()
        if (value := getattr(settings, name, None)) is not None and value not in words
    ]


def check_forced(**_: Any) -> list[CheckMessage]:
    """maintenance_windows.W003: MAINTENANCE_FORCE overrules all windows and switches."""
    if conf.forced is None:
        return []
    return [
        CheckWarning(
            f"MAINTENANCE_FORCE is set: every site is {'closed' if conf.forced else 'open'}.",
            hint="Take it out when what it was set for is over.",
            id="maintenance_windows.W003",
        )
    ]


def check_networks(**_: Any) -> list[CheckMessage]:
    """maintenance_windows.E003: an entry in a list of networks is none, and counts for nothing."""
    named = [("MAINTENANCE_EXEMPT_NETWORKS", text) for text in conf.exempt_networks]
    named += [
        ("MAINTENANCE_TRUSTED_PROXIES", text) for text in conf.trusted_proxies if text != UNIX
    ]
    return [
        CheckError(f"{name}: {sentence}", id="maintenance_windows.E003")
        for name, text in named
        if (sentence := _no_network(text))
    ]


def _no_network(text: str) -> str | None:
    try:
        read_network(text)
    except ValueError as error:
        return f"{error}."
    return None


def check_may_pass(**_: Any) -> list[CheckMessage]:
    """maintenance_windows.E004: MAINTENANCE_MAY_PASS is no function, so nobody passes by it."""
    try:
        found = conf.may_pass
    except ImportError as error:
        said = str(error)
    else:
        if found is None or callable(found):
            return []
        said = f"it is {found!r}"
    return [
        CheckError(
            f"MAINTENANCE_MAY_PASS must be a function or the path of one: {said}.",
            id="maintenance_windows.E004",
        )
    ]


def check_cors(**_: Any) -> list[CheckMessage]:
    """maintenance_windows.W004: scripts of other origins cannot read the 503, or when it ends."""
    return [CheckWarning(text, id="maintenance_windows.W004") for text in _cors_complaints()]


def _cors_complaints() -> Iterator[str]:
    if CORS_MIDDLEWARE not in settings.MIDDLEWARE or MIDDLEWARE not in settings.MIDDLEWARE:
        return
    if settings.MIDDLEWARE.index(CORS_MIDDLEWARE) > settings.MIDDLEWARE.index(MIDDLEWARE):
        yield "Place corsheaders' middleware before MaintenanceModeMiddleware."
    exposed = [name.lower() for name in getattr(settings, "CORS_EXPOSE_HEADERS", ())]
    if exposed and "retry-after" not in exposed:
        yield 'Add "Retry-After" to CORS_EXPOSE_HEADERS, which replaces what the 503 exposes.'


def connect() -> None:
    register(check_tasks, Tags.database)
    register(check_patterns)
    register(check_numbers)
    register(check_choices)
    register(check_networks)
    register(check_may_pass)
    register(check_cors)
    register(check_forced, deploy=True)
