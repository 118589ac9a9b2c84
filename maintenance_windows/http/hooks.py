"""The functions of a project that say who passes: MAINTENANCE_IS_STAFF and MAINTENANCE_MAY_PASS."""

import logging
from collections.abc import Awaitable
from inspect import isawaitable
from typing import Any

from asgiref.sync import async_to_sync
from django.core.exceptions import PermissionDenied
from django.core.signing import BadSignature
from django.db import Error as DatabaseError

from maintenance_windows.conf import conf
from maintenance_windows.logonce import LogOnce

# Of a REST framework's exceptions, which may be of any package.
DENIED = frozenset({401, 403})
# Exceptions without a status, of packages that need not be installed.
BAD_TOKENS = frozenset(
    {"jwt.exceptions.InvalidTokenError", "rest_framework_simplejwt.exceptions.TokenError"}
)

logger = logging.getLogger(__name__)

_failures = LogOnce(logger)


def counts_as_staff(user: Any) -> bool:
    """Ask MAINTENANCE_IS_STAFF about an active user; by default `is_staff` says so.

    It may query the database. If it fails, nobody counts as staff by it.
    """
    try:
        if (function := conf.MAINTENANCE_IS_STAFF) is None:
            return bool(getattr(user, "is_staff", False))
        return bool(resolve(function(user)))
    except DatabaseError:
        raise  # the caller knows what that means
    except Exception as error:  # noqa: BLE001 (a function of the project may raise anything)
        note("MAINTENANCE_IS_STAFF raised an exception; only superusers count as staff.", error)
        return False


def note(text: str, error: Exception) -> None:
    """Log that a function fails, once, unless its exception only denies access."""
    if not denies(error):
        _failures.error(text, error)


def denies(error: Exception) -> bool:
    """Return whether an exception means no, such as that of an expired token."""
    if isinstance(error, PermissionDenied | BadSignature):
        return True
    if getattr(error, "status_code", None) in DENIED:
        return True
    kinds = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
    return not BAD_TOKENS.isdisjoint(kinds)


def resolve(result: Any) -> Any:
    """Await what an async function returned, in a thread without an event loop."""
    return async_to_sync(_await)(result) if isawaitable(result) else result


async def _await(result: Awaitable[Any]) -> Any:
    return await result
