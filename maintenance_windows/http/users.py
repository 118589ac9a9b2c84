"""Who sends a request, as far as the database and the project tell."""

import asyncio
import logging
from collections.abc import Awaitable
from inspect import isawaitable
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.conf import settings
from django.db import connections
from django.http import HttpRequest
from django.utils.functional import LazyObject, empty

from maintenance_windows.conf import conf
from maintenance_windows.snapshot import runtime, threads

logger = logging.getLogger(__name__)

# Seconds. A database that answers at all answers within them; one that is frozen never does.
DEADLINE = 0.25

DJANGOS = "django.contrib.auth.middleware"

_failing: set[type[Exception]] = set()  # how MAINTENANCE_MAY_PASS fails, as was said once


def may_pass(request: HttpRequest) -> bool:
    """Whether the sender of a request passes: staff, or whom MAINTENANCE_MAY_PASS lets."""
    if sent_by_staff(request):
        return True
    try:
        if (ask := conf.MAINTENANCE_MAY_PASS) is None:
            return False
        answer = ask(request)
        return bool(async_to_sync(_awaited)(answer) if isawaitable(answer) else answer)
    except Exception as error:  # noqa: BLE001 (the project's own code: closed is closed)
        return _cannot_tell(error)


async def amay_pass(request: HttpRequest) -> bool:
    """See may_pass()."""
    if await asent_by_staff(request):
        return True
    try:
        if (ask := conf.MAINTENANCE_MAY_PASS) is None:
            return False
        is_async = iscoroutinefunction(ask) or iscoroutinefunction(ask.__call__)  # type: ignore[operator]
        answer = await (ask if is_async else sync_to_async(ask))(request)
        return bool(await answer if isawaitable(answer) else answer)
    except Exception as error:  # noqa: BLE001 (see may_pass)
        return _cannot_tell(error)


async def _awaited(answer: Awaitable[Any]) -> Any:
    return await answer


def _cannot_tell(error: Exception) -> bool:
    """Nobody passes. Said once, with the traceback, not with each request."""
    if type(error) not in _failing:
        _failing.add(type(error))
        logger.error("MAINTENANCE_MAY_PASS fails: nobody passes by it.", exc_info=error)
    return False


def is_staff(user: Any) -> bool:
    """Superusers always, staff unless MAINTENANCE_BLOCK_STAFF."""
    if not getattr(user, "is_active", False):
        return False
    staff = getattr(user, "is_staff", False) and not conf.MAINTENANCE_BLOCK_STAFF
    return bool(staff or getattr(user, "is_superuser", False))


def is_stranger(request: HttpRequest) -> bool:
    """Whether nobody need be asked who it is: there is no session, and nothing else tells.

    Django's own middleware would find nobody in an empty session, and the look would be noted in
    the answer. The user may have been told by another one, which may know more than the session.
    """
    user = getattr(request, "user", None)
    if user is None:
        return True
    if not _is_to_load(user) or hasattr(request, "_cached_user"):
        return False
    by_django = user._setupfunc.__module__ == DJANGOS  # noqa: SLF001
    return by_django and request.session.is_empty()


def sent_by_staff(request: HttpRequest) -> bool:
    """Nobody is staff while the database is away: the session and the user are in there.

    Those who then ask for the user again, such as the template of the 503, get nobody.
    """
    if is_stranger(request):
        return False
    try:
        if _is_told_at_once(request):
            return is_staff(request.user)
        if runtime.database_answers():
            return threads.call_with_timeout(lambda: is_staff(request.user), DEADLINE)
    except Exception as error:  # noqa: BLE001 (sessions may be kept in anything that fails)
        logger.debug("Cannot tell who sends a request: %r", error)
    request.user = _nobody()
    return False


async def asent_by_staff(request: HttpRequest) -> bool:
    """See sent_by_staff()."""
    if is_stranger(request):
        return False
    try:
        if _is_told_at_once(request):
            return is_staff(await request.auser() if _is_to_load(request.user) else request.user)
        if runtime.database_answers():
            answer = threads.pool.submit(lambda: is_staff(request.user))
            return await asyncio.wait_for(asyncio.wrap_future(answer), DEADLINE)
    except Exception as error:  # noqa: BLE001 (sessions may be kept in anything that fails)
        logger.debug("Cannot tell who sends a request: %r", error)
    request.user = _nobody()
    return False


def _is_to_load(user: Any) -> bool:
    """Not one that another middleware has set, of which the session may know nothing."""
    return isinstance(user, LazyObject) and user._wrapped is empty  # noqa: SLF001


def _is_told_at_once(request: HttpRequest) -> bool:
    """Without a session nobody is asked; inside a transaction only this thread sees all of it."""
    return settings.SESSION_COOKIE_NAME not in request.COOKIES or any(
        connection.in_atomic_block for connection in connections.all(initialized_only=True)
    )


def _nobody() -> Any:
    # Not above: without django.contrib.auth installed its models cannot be imported.
    from django.contrib.auth.models import AnonymousUser  # noqa: PLC0415

    return AnonymousUser()
