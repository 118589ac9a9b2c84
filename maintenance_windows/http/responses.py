"""The 503 and its headers, and what answers to those who pass are marked with."""

from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from random import random

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import escape_leading_slashes

from maintenance_windows.conf import conf
from maintenance_windows.core.decision import Verdict, Visit
from maintenance_windows.core.intervals import rfc3339
from maintenance_windows.core.retry import retry_after, spread
from maintenance_windows.core.state import Level
from maintenance_windows.http import pages
from maintenance_windows.http.pages import PROBLEM, Page
from maintenance_windows.patterns import is_below

HTML, TEXT, JSON = "text/html", "text/plain", "application/json"
# What caches and CDNs heed before Cache-Control (RFC 9213 for the first).
GOES_BEFORE = (
    "CDN-Cache-Control",
    "Cloudflare-CDN-Cache-Control",
    "Surrogate-Control",
    "X-Accel-Expires",
    "Expires",
)
# Seconds by which browsers differ, and after which the header brings back those without scripts.
PAGE_JITTER = 5
LONGEST = 1000  # characters of a header that is sent back or kept


def refusal(request: HttpRequest, visit: Visit, verdict: Verdict) -> HttpResponse | None:
    """The answer for a visit that does not pass; None for one that does.

    A preflight is answered without the view, which may not look at the method.
    """
    if verdict is Verdict.PREFLIGHT:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    if verdict is not Verdict.DOWN:
        return None
    # The maintenance may have ended while the database was asked for the sender.
    visit = visit._replace(now=datetime.now(UTC))
    return None if visit.maintenance.is_over(visit.now) else unavailable(request, visit)


def unavailable(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The answer for a closed site (RFC 9110 section 15.6.4), never to be stored."""
    seconds = retry_after(visit.maintenance, visit.now, conf.MAINTENANCE_RETRY_AFTER)
    later = None
    if seconds is not None:
        jitter, most = conf.MAINTENANCE_RETRY_AFTER_JITTER, conf.MAINTENANCE_RETRY_AFTER_MAX
        later = spread(seconds, jitter, most, random())  # noqa: S311
    kind = representation(request)
    page = _page(request, visit, kind)
    headers = {"Content-Type": page.content_type, "Cache-Control": "no-store", "Vary": "Accept"}
    if page.language:
        headers["Content-Language"] = page.language
    if page.policy:
        headers["Content-Security-Policy"] = page.policy
    if later is not None:
        headers["Retry-After"] = str(later)
        if "HTTP_ORIGIN" in request.META:
            # Scripts of other origins may not read it otherwise (Fetch, CORS-safelisted headers).
            headers["Access-Control-Expose-Headers"] = "Retry-After"
    if seconds is not None and kind == HTML:
        # Browsers ignore Retry-After. The page's script comes back earlier, where scripts run.
        refresh = seconds + PAGE_JITTER + 1 + int(random() * PAGE_JITTER)  # noqa: S311
        headers["Refresh"] = f"{refresh}{_here(request)}"
    content = page.with_seconds(later if kind == PROBLEM else seconds)
    if request.method == "HEAD":
        headers["Content-Length"] = str(len(content))
        content = b""
    response = HttpResponse(content, status=HTTPStatus.SERVICE_UNAVAILABLE, headers=headers)
    # Planned, so no error to log or to mail to ADMINS; Django asks for this mark in log_response.
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001
    return response


def _page(request: HttpRequest, visit: Visit, kind: str) -> Page:
    maintenance, language = visit.maintenance, visit.language
    site = visit.state.domain or request.get_host()
    if kind == PROBLEM:
        return pages.problem(
            maintenance, site, maintenance.since if visit.state.domain else None, language
        )
    if kind == HTML:
        return pages.html(maintenance, site, language, secure=request.is_secure())
    return pages.plain(maintenance, language)


def representation(request: HttpRequest) -> str:
    """HTML, PROBLEM or TEXT: what the client likes best; text where it likes none of them."""
    if is_below(request.path_info, conf.MAINTENANCE_API_PREFIXES):
        return PROBLEM
    accept = request.META.get("HTTP_ACCEPT", "*/*")
    if len(accept) >= LONGEST:
        # No client's own: all of it may take longer to read than twenty answers.
        accept = accept[:LONGEST].rpartition(",")[0] or "*/*"
    return _liked_best(accept)


@lru_cache(maxsize=256)
def _liked_best(accept: str) -> str:
    """By Django's own reading of the header, which takes longer than all else of an answer."""
    request = HttpRequest()
    request.META["HTTP_ACCEPT"] = accept
    best = request.get_preferred_type([HTML, PROBLEM, JSON, TEXT])
    if best is None:
        # Such as application/vnd.api+json, or what has a parameter for its version.
        liked = (accepted.sub_type for accepted in request.accepted_types)
        for kind in liked:
            if kind == "html":
                return HTML
            if kind == "json" or kind.endswith("+json"):
                return PROBLEM
        return TEXT
    return PROBLEM if best == JSON else best


def _here(request: HttpRequest) -> str:
    """The address without the part behind #, to go to which again would be to stay."""
    path = escape_leading_slashes(request.get_full_path())
    return f"; url={path}" if len(path) < LONGEST else ""  # proxies bound the size of headers


def mark(response: HttpResponseBase, visit: Visit, verdict: Verdict) -> HttpResponseBase:
    """An answer that was let through, with what clients must know of it and caches must not."""
    maintenance = visit.maintenance
    if maintenance.level is Level.READ_ONLY:
        until = rfc3339(maintenance.until)
        # A structured field (RFC 9651): a token, and a string as its parameter.
        response.headers["Maintenance"] = f'read-only; until="{until}"' if until else "read-only"
    if verdict is Verdict.TRUSTED:
        for name in GOES_BEFORE:
            del response[name]
        response.headers["Cache-Control"] = "private, no-store"
    return response
