"""Recognition of staff and of the users whom MAINTENANCE_MAY_PASS lets pass."""

from hashlib import blake2b
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import LazyObject, SimpleLazyObject

from maintenance_windows.conf import conf
from maintenance_windows.http import hooks
from maintenance_windows.http.recent import Recent
from maintenance_windows.logonce import get_logger
from maintenance_windows.snapshot import runtime, threads

USER_DEADLINE = 0.25  # seconds for the user lookup; a hanging database never answers

logger = get_logger(__name__)

# Digests of session cookies that belong to no session, so that each costs one query. None of them
# becomes valid: a log-in gives a new one, and Django removes the old one from the browser.
nobodys = Recent(limit=20_000, seconds=60.0)


def may_pass(request: HttpRequest) -> bool:
    """Return whether staff sent the request, or MAINTENANCE_MAY_PASS lets it pass."""
    return sent_by_staff(request) or hooks.accepts(hooks.MAY_PASS, request)


async def amay_pass(request: HttpRequest) -> bool:
    """See may_pass()."""
    return await asent_by_staff(request) or await hooks.aaccepts(hooks.MAY_PASS, request)


def sent_by_staff(request: HttpRequest) -> bool:
    """Return whether staff sent the request.

    While the database is down nobody counts as staff, because it holds the sessions and users.
    Later readers of request.user, such as the template of the 503, then get an AnonymousUser.
    """
    if _needs_no_lookup(request):
        return False
    try:
        if _runs_here(request):
            return _is_staff(request)
        if not _is_nobodys(request) and runtime.database_answers():
            return threads.call_with_timeout(
                lambda: _look_up(request), USER_DEADLINE, threads.Share.USERS
            )
    except Exception as error:  # noqa: BLE001 (each session backend has exceptions of its own)
        logger.debug("Cannot tell who sends a request: %r", error)
    request.user = anonymous_user()
    return False


async def asent_by_staff(request: HttpRequest) -> bool:
    """See sent_by_staff()."""
    if _needs_no_lookup(request):
        return False
    try:
        if _runs_here(request):
            # A lazy user and a function of the project may query the database.
            is_quick = conf.MAINTENANCE_IS_STAFF is None and not issubclass(
                type(request.user), LazyObject
            )
            return _is_staff(request) if is_quick else await sync_to_async(_is_staff)(request)
        if not _is_nobodys(request) and runtime.database_answers():
            return await threads.acall_with_timeout(
                lambda: _look_up(request), USER_DEADLINE, threads.Share.USERS
            )
    except Exception as error:  # noqa: BLE001 (see sent_by_staff)
        logger.debug("Cannot tell who sends a request: %r", error)
    request.user = anonymous_user()
    return False


def _needs_no_lookup(request: HttpRequest) -> bool:
    """Return True if the session is empty and the user depends on nothing else.

    Django's lookup would mark the session as accessed, which adds `Vary: Cookie` to the 503.
    Another middleware's user may come from a token instead of the session.
    """
    user = getattr(request, "user", None)
    if user is None:
        return True
    return _is_djangos(user) and request.session.is_empty()


def _is_djangos(user: Any) -> bool:
    """Return whether this is the lazy user of Django's middleware, which depends on the session."""
    # Private: only its function tells Django's lazy user from another middleware's.
    return (
        issubclass(type(user), SimpleLazyObject)  # isinstance() may look up the user
        and user._setupfunc.__module__ == "django.contrib.auth.middleware"  # noqa: SLF001
    )


def _runs_here(request: HttpRequest) -> bool:
    """Return True if the user lookup needs no database, or needs this thread's transaction."""
    return settings.SESSION_COOKIE_NAME not in request.COOKIES or threads.stays_here()


def _look_up(request: HttpRequest) -> bool:
    """Look up whether staff sent the request; remember the cookie if it belongs to no session."""
    digest = _cookie_digest(request)
    if _is_staff(request):
        return True
    # Each session backend of Django that stores sessions drops a key that it does not find.
    if digest and request.session.session_key is None:
        nobodys.add(digest)
    return False


def _is_nobodys(request: HttpRequest) -> bool:
    digest = _cookie_digest(request)
    return digest is not None and digest in nobodys


def _cookie_digest(request: HttpRequest) -> bytes | None:
    """Return a digest of the host and the session cookie, or None if the user has another source.

    With the host, because tenants may keep the sessions of one cookie domain apart.
    """
    if not _is_djangos(request.user):
        return None
    named = f"{request.META.get('HTTP_HOST')} {request.COOKIES[settings.SESSION_COOKIE_NAME]}"
    return blake2b(named.encode(errors="surrogateescape"), digest_size=16).digest()


def _is_staff(request: HttpRequest) -> bool:
    """Return True for superusers, and for staff unless MAINTENANCE_BLOCK_STAFF is set."""
    user = request.user
    if not getattr(user, "is_active", False):
        return False
    if getattr(user, "is_superuser", False):
        return True
    return not conf.MAINTENANCE_BLOCK_STAFF and hooks.counts_as_staff(user)


def anonymous_user() -> Any:
    # Not at the top: without django.contrib.auth installed its models cannot be imported.
    from django.contrib.auth.models import AnonymousUser  # noqa: PLC0415

    return AnonymousUser()
