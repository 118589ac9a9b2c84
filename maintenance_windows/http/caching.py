"""What caches keep of responses that pass: nothing private, and nothing beyond its time."""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import get_max_age, patch_cache_control
from django.utils.http import http_date, parse_http_date_safe

from maintenance_windows.conf import conf
from maintenance_windows.core.intervals import SECOND
from maintenance_windows.core.state import Maintenance
from maintenance_windows.snapshot import clock

# Headers that a cache heeds before Cache-Control. By RFC 9213 each cache may have one of its own,
# whose name ends in -Cache-Control.
TARGETED = re.compile(r".+-cache-control|surrogate-control|edge-control", re.IGNORECASE)
TIMES = ("X-Accel-Expires", "Expires")
AGE = re.compile(
    r"(?P<name>\b(?:max-age|s-maxage|cache-maxage|stale-while-revalidate|stale-if-error))"
    r"\s*=\s*\"?(?P<age>[0-9]+)(?P<unit>[smhd]?)\"?(?:\+[0-9]+)?",
    re.IGNORECASE,
)
UNIT = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
# Attributes of a request: until when its response is true, and whether Django's caches store it.
TOLD, STORED = "_maintenance_told_until", "_cache_update_cache"


def refuse_storage(request: HttpRequest) -> None:
    """Keep Django's caches from storing the response, including `@cache_page` around the view.

    That decorator sets STORED on the way in and reads it before the middleware sees the response,
    so that only the class of the request can refuse.
    """
    kind: Any = type(request)
    if STORED not in vars(kind):
        request.__class__ = _unstored(kind)


@lru_cache(maxsize=16)
def _unstored(kind: Any) -> Any:
    # Private: Django's caches have no public switch for one request.
    def keep(request: Any, value: object) -> None:
        vars(request)[STORED] = value

    refused = property(lambda _: False, keep)
    return type(kind.__name__, (kind,), {STORED: refused, "__module__": kind.__module__})


def make_private(response: HttpResponseBase) -> None:
    """Keep all caches from storing a response."""
    for name in [*filter(TARGETED.fullmatch, response.headers), *TIMES]:
        del response[name]
    response.headers["Cache-Control"] = "private, no-store"


def note_maintenance(request: HttpRequest, maintenance: Maintenance, now: datetime) -> None:
    """Note that the response tells of a maintenance, for limit_storage().

    `@cache_page` keeps a response for a time of its own, so it does not keep this one.
    """
    request = getattr(request, "_request", request)  # of Django REST framework's
    until = changes_at(maintenance, now)
    setattr(request, TOLD, min(until, vars(request).get(TOLD, until)))
    refuse_storage(request)


def changes_at(maintenance: Maintenance, now: datetime) -> datetime:
    """Return when that which is said about a maintenance at `now` may no longer be true."""
    if maintenance.since > now:
        return maintenance.since
    change = maintenance.full_from or maintenance.full_until or maintenance.until
    return change or now + timedelta(seconds=conf.MAINTENANCE_RETRY_AFTER or 0)


def limit_storage(
    request: HttpRequest, response: HttpResponseBase, until: datetime | None = None
) -> None:
    """Keep caches from storing a response beyond `until`, and beyond what was noted.

    A response that names no age gets none, because it would be stored where it is not otherwise.
    Towards the end no cache stores it for a time of its own.
    """
    if told := vars(request).pop(TOLD, None):
        until = min(told, until or told)
        # The caches around this middleware keep to the headers.
        request.__class__ = type(request).__base__  # type: ignore[assignment]
    if until is None:
        return
    headers, seconds = response.headers, max(0, (until - clock.now()) // SECOND)
    for name, value in [*headers.items()]:
        if name == "Cache-Control" or TARGETED.fullmatch(name):
            headers[name] = _limited(value, seconds)
    if get_max_age(response) is not None:
        # Varnish serves what is stale for ten seconds unless this says otherwise.
        patch_cache_control(response, stale_while_revalidate=0)
    elif seconds < settings.CACHE_MIDDLEWARE_SECONDS:
        # Django's cache heeds no-cache only since some 5.2 release.
        patch_cache_control(response, no_cache=True, max_age=0)
    expires = parse_http_date_safe(headers.get("Expires", ""))
    if expires is not None and expires > until.timestamp():
        headers["Expires"] = http_date(until.timestamp())
    accelerated = headers.get("X-Accel-Expires", "")
    if accelerated.isdecimal():
        headers["X-Accel-Expires"] = str(min(int(accelerated), seconds))
    elif accelerated.startswith("@"):  # a time
        headers["X-Accel-Expires"] = str(seconds)


def _limited(directives: str, seconds: int) -> str:
    """Limit all ages; a response that is stale is not served any longer."""

    def limit(found: re.Match[str]) -> str:
        age = int(found["age"]) * UNIT[found["unit"].lower()]
        most = 0 if found["name"].lower().startswith("stale-") else seconds
        return f"{found['name']}={min(age, most)}"

    return AGE.sub(limit, directives)
