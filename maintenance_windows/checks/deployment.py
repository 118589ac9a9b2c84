"""What is said where a site is deployed: `manage.py check --deploy`."""

from typing import Any

from django.conf import settings
from django.core.cache import DEFAULT_CACHE_ALIAS, caches
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.db import connections, router

from maintenance_windows.conf import conf
from maintenance_windows.models import SiteMaintenance


def check_forced(**_: Any) -> list[CheckMessage]:
    """W003: MAINTENANCE_FORCE overrules all windows and switches."""
    if conf.forced is None:
        return []
    return [
        CheckWarning(
            f"MAINTENANCE_FORCE is set: every site is {'closed' if conf.forced else 'open'}.",
            hint="Take it out when what it was set for is over.",
            id="maintenance_windows.W003",
        )
    ]


def check_cache(**_: Any) -> list[CheckMessage]:
    """W009: the cache tells nothing to a process that starts while the database is down."""
    if connections[router.db_for_read(SiteMaintenance)].vendor == "sqlite":
        return []  # a file is not down
    if DEFAULT_CACHE_ALIAS not in settings.CACHES:
        return []  # Django itself says so
    cache: Any = caches[DEFAULT_CACHE_ALIAS]
    if isinstance(cache, LocMemCache | DummyCache):
        fault = "is not shared between processes"
    elif isinstance(cache, DatabaseCache):
        fault = "is away when the database is"
    else:
        return []
    return [
        CheckWarning(
            f"The default cache {fault}: a process that starts while the database is down "
            "cannot learn from it which sites are closed.",
            hint="Use one that all processes share, such as Redis. Without, "
            "MAINTENANCE_WHEN_UNKNOWN says what sites are then.",
            id="maintenance_windows.W009",
        )
    ]
