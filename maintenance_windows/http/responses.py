"""The 503 and its headers, and the headers of responses that pass."""

import re
from contextlib import suppress
from functools import lru_cache
from http import HTTPStatus
from random import random
from typing import TypeVar

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import get_script_prefix
from django.utils.cache import get_conditional_response, set_response_etag
from django.utils.http import (
    escape_leading_slashes,
    parse_http_date_safe,
    url_has_allowed_host_and_scheme,
)

from maintenance_windows.conf import conf
from maintenance_windows.core.decision import Verdict, Visit, as_met
from maintenance_windows.core.intervals import rfc3339
from maintenance_windows.core.retry import retry_after, spread
from maintenance_windows.core.state import Level, Maintenance
from maintenance_windows.http import pages
from maintenance_windows.http.body import discard_body
from maintenance_windows.http.caching import changes_at, limit_storage, make_private
from maintenance_windows.http.exemptions import URLS
from maintenance_windows.http.pages import PROBLEM, Page
from maintenance_windows.http.representation import HTML, TEXT, VARY, representation
from maintenance_windows.http.visit import LONGEST_HOST
from maintenance_windows.snapshot import clock

# Seconds over which browsers spread their return; those without scripts return this much later.
PAGE_JITTER = 5
ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#]*", re.IGNORECASE)
LONGEST_HEADER = 1000  # characters of a header that is sent

Response = TypeVar("Response", bound=HttpResponseBase)


def refusal(request: HttpRequest, visit: Visit, verdict: Verdict) -> HttpResponse | None:
    """Return the response for a refused visit, or None if it passes.

    A preflight gets its response here, because a view may ignore the method.
    """
    if verdict is Verdict.PREFLIGHT:
        discard_body(request)
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    if verdict is not Verdict.DOWN:
        return None
    # The maintenance may have ended during the user lookup.
    visit = visit._replace(now=clock.now())
    if as_met(visit, URLS).is_over(visit.now):
        return None
    discard_body(request)
    return unavailable(request, visit)


def unavailable(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Return the 503 (RFC 9110 section 15.6.4), which caches must not store."""
    visit = visit._replace(maintenance=as_met(visit, URLS))
    seconds = retry_after(visit.maintenance, visit.now, conf.MAINTENANCE_RETRY_AFTER)
    later = None
    if seconds is not None:
        jitter, most = conf.MAINTENANCE_RETRY_AFTER_JITTER, conf.MAINTENANCE_RETRY_AFTER_MAX
        later = spread(seconds, jitter, most, random())  # noqa: S311
    kind = representation(request)
    page = _page(request, visit, kind)
    headers = {**page.headers, "Cache-Control": "no-store", "Vary": VARY}
    headers["Maintenance"] = describe_level(visit.maintenance)
    if later is not None:
        headers["Retry-After"] = str(later)
    if "HTTP_HX_REQUEST" in request.META and visit.maintenance.level is Level.FULL:
        # htmx 1 and 2 show no 503. Not while the site is read-only: the page around the form would
        # come back as it was, without what was typed.
        headers["HX-Refresh"] = "true"
    if seconds is not None and kind == HTML and visit.is_safe:
        # Browsers ignore Retry-After. If scripts run, the page's own reloads it earlier. After an
        # unsafe method nothing leaves the page, which says that nothing was saved.
        refresh = seconds + PAGE_JITTER + 1 + int(random() * PAGE_JITTER)  # noqa: S311
        headers["Refresh"] = f"{refresh}{_refresh_url(request)}"
    content = page.with_seconds(later if kind == PROBLEM else seconds)
    if not visit.is_safe:
        content = pages.with_way_back(content, _way_back(request))
    if request.method == "HEAD":
        headers["Content-Length"] = str(len(content))
        content = b""
    response = HttpResponse(content, status=HTTPStatus.SERVICE_UNAVAILABLE, headers=headers)
    _expose(request, response, "Maintenance", "Retry-After")
    return unlogged(response)


def unlogged(response: Response) -> Response:
    """Keep Django from logging a response as an error and mailing it to ADMINS."""
    # Private: django.utils.log.log_response() has no other way to skip a response.
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001
    return response


def revalidated(
    request: HttpRequest, response: HttpResponse, cache: str = "no-cache"
) -> HttpResponseBase:
    """Return the response with an ETag, or a 304 if the client has it already.

    A client that only knows the Last-Modified of the response gets a 304, too.
    """
    response.headers["Cache-Control"] = cache
    if "ETag" not in response.headers:
        set_response_etag(response)
    etag, modified = response.headers["ETag"], response.headers.get("Last-Modified")
    at = parse_http_date_safe(modified) if modified else None
    return get_conditional_response(request, etag, at, response) or response


def _page(request: HttpRequest, visit: Visit, kind: str) -> Page:
    maintenance, language = visit.maintenance, visit.language
    site = visit.state.domain or request.get_host()
    if len(site) > LONGEST_HOST and not visit.state.domain:
        # No site has such a name, and a page for each would be remembered.
        site, kind = "", PROBLEM if kind == PROBLEM else TEXT
    if kind == PROBLEM:
        starts_at = maintenance.since if visit.state.domain else None
        return pages.problem(maintenance, site, starts_at, language)
    if kind == HTML:
        return pages.html(
            maintenance,
            site,
            language,
            secure=request.is_secure(),
            refused=not visit.is_safe,
        )
    return pages.plain(maintenance, language)


def _refresh_url(request: HttpRequest) -> str:
    """Name the page in the Refresh header: without a URL, one with a fragment is not reloaded."""
    # ASGI servers pass the absolute form of a request target (RFC 9112 section 3.2.2) as a path.
    path = request.get_full_path()
    if absolute := ABSOLUTE.match(path):
        path = path[absolute.end() :]
    path = escape_leading_slashes(path if path.startswith("/") else f"/{path}")
    return f"; url={path}" if len(path) < LONGEST_HEADER else ""  # proxies limit headers


def _way_back(request: HttpRequest) -> str:
    """Return the page that sent a refused request: its Referer, if of the same origin."""
    referer: str = request.META.get("HTTP_REFERER", "")
    if len(referer) < LONGEST_HEADER and referer.startswith(f"{request.scheme}://"):
        with suppress(DisallowedHost):
            if url_has_allowed_host_and_scheme(referer, request.get_host()):
                return referer
    return conf.MAINTENANCE_BRAND.home or get_script_prefix()


def mark(
    request: HttpRequest, response: HttpResponseBase, visit: Visit, verdict: Verdict
) -> HttpResponseBase:
    """Add headers to a response that passed: the maintenance, and what caches may store."""
    maintenance = as_met(visit, URLS)
    if verdict is Verdict.TRUSTED:
        make_private(response)
    elif maintenance.level is Level.READ_ONLY and verdict is not Verdict.DOWN:
        limit_storage(request, response, changes_at(maintenance, visit.now))
    else:
        limit_storage(request, response)
        return response
    response.headers["Maintenance"] = describe_level(maintenance)
    _expose(request, response, "Maintenance")
    return response


@lru_cache(maxsize=256)
def describe_level(maintenance: Maintenance) -> str:
    """Return the value of the header `Maintenance`: a structured field (RFC 9651).

    It is a token with strings as its parameters.
    """
    level = maintenance.level.value.replace("_", "-")
    times = {"until": maintenance.until, "full-from": maintenance.full_from}
    return level + "".join(f'; {name}="{rfc3339(at)}"' for name, at in times.items() if at)


def _expose(request: HttpRequest, response: HttpResponseBase, *names: str) -> None:
    """Let scripts of other origins read headers (Fetch, CORS-safelisted response headers)."""
    if "HTTP_ORIGIN" in request.META:
        exposed = response.headers.get("Access-Control-Expose-Headers")
        names = (exposed, *names) if exposed else names
        response.headers["Access-Control-Expose-Headers"] = ", ".join(names)
