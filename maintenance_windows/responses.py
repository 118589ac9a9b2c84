"""The 503 and its headers, and what answers to those who pass are marked with."""

from datetime import datetime
from http import HTTPStatus
from random import random

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.http import escape_leading_slashes

from maintenance_windows import pages
from maintenance_windows.conf import conf
from maintenance_windows.decision import Reason, Verdict, retry_after, spread
from maintenance_windows.patterns import is_below
from maintenance_windows.snapshot import Level, Maintenance, SiteState
from maintenance_windows.timeline import rfc3339

HTML, TEXT = "text/html", "text/plain"
PROBLEM, JSON = "application/problem+json", "application/json"
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
LONGEST = 1000  # characters of an address in a header


def unavailable(
    request: HttpRequest, state: SiteState, maintenance: Maintenance, now: datetime
) -> HttpResponse:
    """The answer for a closed site (RFC 9110 section 15.6.4), never to be stored."""
    seconds = retry_after(maintenance, now, conf.retry_after)
    later = None
    if seconds is not None:
        later = spread(seconds, conf.retry_after_jitter, conf.retry_after_max, random())  # noqa: S311
    kind = representation(request)
    if kind == PROBLEM:
        response = problem(request, state, maintenance, later)
    else:
        response = page(request, state, maintenance, seconds, html=kind == HTML)
    response.headers["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["Accept"])
    if later is not None:
        response.headers["Retry-After"] = str(later)
        if "Origin" in request.headers:
            # Scripts of other origins may not read it otherwise (Fetch, CORS-safelisted headers).
            response.headers["Access-Control-Expose-Headers"] = "Retry-After"
    if request.method == "HEAD":
        response.headers["Content-Length"] = str(len(response.content))
        response.content = b""
    # Planned, so no error to log or to mail to ADMINS; Django asks for this mark in log_response.
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001
    return response


def representation(request: HttpRequest) -> str:
    """HTML, PROBLEM or TEXT: what the client likes best; text where it likes none of them."""
    if is_below(request.path_info, conf.api_prefixes):
        return PROBLEM
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


def problem(
    request: HttpRequest, state: SiteState, maintenance: Maintenance, seconds: int | None
) -> HttpResponse:
    """The answer for programs (RFC 9457); `seconds` is the value of Retry-After."""
    said = pages.words(maintenance)
    content = {
        "type": "about:blank",
        "title": HTTPStatus.SERVICE_UNAVAILABLE.phrase,
        "status": HTTPStatus.SERVICE_UNAVAILABLE.value,
        "detail": maintenance.message or f"{said.title}. {said.text}",
        "retry_after": seconds,
        "starts_at": rfc3339(maintenance.since) if state.domain else None,
        "ends_at": rfc3339(maintenance.until),
        "site": state.domain or request.get_host(),
    }
    return JsonResponse(content, status=HTTPStatus.SERVICE_UNAVAILABLE, content_type=PROBLEM)


def page(
    request: HttpRequest,
    state: SiteState,
    maintenance: Maintenance,
    seconds: int | None,
    *,
    html: bool,
) -> HttpResponse:
    """The answer for people; `seconds` is the time until a browser may try again."""
    made = pages.render(
        maintenance,
        domain=state.domain or request.get_host(),
        secure=request.is_secure(),
        html=html,
    )
    left = b"" if seconds is None else str(seconds).encode()
    response = HttpResponse(
        made.content.replace(pages.SECONDS_LEFT.encode(), left),
        content_type=made.content_type,
        status=HTTPStatus.SERVICE_UNAVAILABLE,
    )
    response.headers["Content-Language"] = made.language
    if made.policy:
        response.headers["Content-Security-Policy"] = made.policy
    if html and seconds is not None:
        # Browsers ignore Retry-After. The page's script comes back earlier, where scripts run.
        refresh = seconds + PAGE_JITTER + 1 + int(random() * PAGE_JITTER)  # noqa: S311
        response.headers["Refresh"] = f"{refresh}{_here(request)}"
    return response


def _here(request: HttpRequest) -> str:
    """The address without the part behind #, to go to which again would be to stay."""
    path = escape_leading_slashes(request.get_full_path())
    return f"; url={path}" if len(path) < LONGEST else ""  # proxies bound the size of headers


def mark(response: HttpResponseBase, verdict: Verdict, *, trusted: bool) -> HttpResponseBase:
    """What a client must know, and a cache must not, of an answer that was let through."""
    if verdict.case is None:
        return response
    maintenance = verdict.case.maintenance
    if maintenance.level is Level.READ_ONLY:
        until = rfc3339(maintenance.until)
        # A structured field (RFC 9651): a token, and a string as its parameter.
        response.headers["Maintenance"] = f'read-only; until="{until}"' if until else "read-only"
    if trusted or verdict.reason is Reason.TRUSTED:
        for name in GOES_BEFORE:
            del response[name]
        response.headers["Cache-Control"] = "private, no-store"
    return response
