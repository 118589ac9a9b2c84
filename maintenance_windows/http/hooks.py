"""The functions of a project: who is staff, which requests may pass, and which only read."""

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.core.exceptions import PermissionDenied
from django.core.signing import BadSignature
from django.db import Error as DatabaseError
from django.http import HttpRequest

from maintenance_windows.conf import conf
from maintenance_windows.core.decision import Visit
from maintenance_windows.logonce import LogOnce, get_logger

# Of a REST framework's exceptions, which may be of any package.
DENIED = frozenset({401, 403})
# Exceptions without a status, of packages that need not be installed.
BAD_TOKENS = frozenset(
    {"jwt.exceptions.InvalidTokenError", "rest_framework_simplejwt.exceptions.TokenError"}
)

# The settings of functions that take a request.
MAY_PASS, ONLY_READS = "MAINTENANCE_MAY_PASS", "MAINTENANCE_ONLY_READS"
NOBODY_PASSES = "MAINTENANCE_MAY_PASS raised an exception; it lets nobody pass."
NOTHING_PASSES = "MAINTENANCE_ONLY_READS raised an exception; it lets no request pass."

logger = get_logger(__name__)

_failures = LogOnce(logger)


def accepts(setting: str, request: HttpRequest) -> bool:
    """Ask the function of a setting about a request; without one, or if it fails, it does not."""
    try:
        function: Callable[[Any], Any] | None = getattr(conf, setting)
        return function is not None and bool(resolve(function(request)))
    except Exception as error:  # noqa: BLE001 (a function of the project may raise anything)
        note(NOBODY_PASSES if setting == MAY_PASS else NOTHING_PASSES, error)
        return False


async def aaccepts(setting: str, request: HttpRequest) -> bool:
    """See accepts()."""
    try:
        function: Callable[[Any], Any] | None = getattr(conf, setting)
        if function is None:
            return False
        is_async = iscoroutinefunction(function) or iscoroutinefunction(function.__call__)  # type: ignore[operator]
        result = await (function if is_async else sync_to_async(function))(request)
        return bool(await result if isawaitable(result) else result)
    except Exception as error:  # noqa: BLE001 (see accepts)
        note(NOBODY_PASSES if setting == MAY_PASS else NOTHING_PASSES, error)
        return False


def only_reads(request: HttpRequest, visit: Visit) -> bool:
    """Return whether MAINTENANCE_ONLY_READS says so, where the answer depends on it."""
    return visit.may_only_read and accepts(ONLY_READS, request)


async def aonly_reads(request: HttpRequest, visit: Visit) -> bool:
    """See only_reads()."""
    return visit.may_only_read and await aaccepts(ONLY_READS, request)


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
