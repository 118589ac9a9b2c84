"""Checks of a deployment: `manage.py check --deploy`."""

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
from maintenance_windows.snapshot.connection import greenlet_problem


def check_forced(**_: Any) -> list[CheckMessage]:
    """W003: MAINTENANCE_FORCE overrides all windows and flags."""
    if (force := conf.MAINTENANCE_FORCE) is None:
        return []
    return [
        CheckWarning(
            f"MAINTENANCE_FORCE is set: every site is {'down' if force == 'on' else 'up'}.",
            hint="Remove it when it is no longer needed.",
            id="maintenance_windows.W003",
        )
    ]


def check_cache(**_: Any) -> list[CheckMessage]:
    """W009: a process that starts while the database is down cannot use the cache instead."""
    if connections[router.db_for_write(SiteMaintenance)].vendor == "sqlite":
        return []  # an SQLite file does not go down
    if DEFAULT_CACHE_ALIAS not in settings.CACHES:
        return []  # Django reports it
    cache: Any = caches[DEFAULT_CACHE_ALIAS]
    if isinstance(cache, LocMemCache | DummyCache):
        fault = "is not shared between processes"
    elif isinstance(cache, DatabaseCache):
        fault = "is unavailable while the database is"
    else:
        return []
    return [
        CheckWarning(
            f"The default cache {fault}: a process that starts while the database is down "
            "does not know which sites are down.",
            hint="Use a shared cache such as Redis. Without one, MAINTENANCE_WHEN_UNKNOWN decides "
            "whether such a process answers 503.",
            id="maintenance_windows.W009",
        )
    ]


def check_greenlets(**_: Any) -> list[CheckMessage]:
    """W016: with greenlets and mysqlclient, which waits in C, a process hangs with its database."""
    problem = greenlet_problem(router.db_for_write(SiteMaintenance))
    return [CheckWarning(problem, id="maintenance_windows.W016")] if problem else []
