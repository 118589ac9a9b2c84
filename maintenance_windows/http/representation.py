"""The type of the 503 that a client gets: a page, JSON or text."""

from functools import lru_cache

from django.http import HttpRequest
from django.http.request import MediaType

from maintenance_windows.conf import conf
from maintenance_windows.http.pages import PROBLEM
from maintenance_windows.patterns.paths import is_below

HTML, TEXT, JSON = "text/html", "text/plain", "application/json"
# For caches that are told to store a 503 in spite of no-store.
VARY = "Accept, Content-Type, HX-Request, Sec-Fetch-Dest, Sec-Fetch-Mode, X-Requested-With"
LONGEST_ACCEPT = 1000  # characters


def representation(request: HttpRequest) -> str:
    """Return the type that the client prefers: HTML, PROBLEM, or else TEXT.

    A script that names no type reads JSON; htmx takes pages.
    """
    if is_below(request.path_info, conf.MAINTENANCE_API_PREFIXES):
        return PROBLEM
    accept = request.META.get("HTTP_ACCEPT", "*/*")
    if len(accept) >= LONGEST_ACCEPT:
        # No real client sends this much, and parsing it can take longer than twenty responses.
        accept = accept[:LONGEST_ACCEPT].rpartition(",")[0] or "*/*"
    kind = _preferred(accept)
    return PROBLEM if kind == HTML and "*/*" in accept and _is_script(request, accept) else kind


def _is_script(request: HttpRequest, accept: str) -> bool:
    """Return whether fetch() or XMLHttpRequest sends this, or a program that posts JSON."""
    meta = request.META
    if "text/html" in accept.lower() or "HTTP_HX_REQUEST" in meta:
        return False
    sent = meta.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    is_json = sent == JSON or sent.endswith("+json")
    # The mode, because a service worker may pass on a navigation.
    is_fetch = meta.get("HTTP_SEC_FETCH_DEST") == "empty"
    is_fetch = is_fetch and meta.get("HTTP_SEC_FETCH_MODE") != "navigate"
    return is_json or is_fetch or meta.get("HTTP_X_REQUESTED_WITH") == "XMLHttpRequest"


def _ranges(accept: str) -> list[MediaType]:
    return [MediaType(part) for part in accept.split(",") if part.strip()]


@lru_cache(maxsize=256)
def _preferred(accept: str) -> str:
    """Parse Accept with Django. Cached because that takes longer than the rest of a response."""
    request = HttpRequest()
    request.META["HTTP_ACCEPT"] = accept
    # Django forgets the types of weight 0, which are not acceptable even beside */*.
    refused = {str(one).partition(";")[0] for one in _ranges(accept) if one.quality == 0}
    offered = [kind for kind in (HTML, PROBLEM, JSON, TEXT) if kind not in refused]
    preferred = request.get_preferred_type(offered)
    if preferred is not None:
        return PROBLEM if preferred == JSON else preferred
    # Types such as application/vnd.api+json, or with a parameter for a version.
    for kind in (accepted.sub_type for accepted in request.accepted_types):
        if kind == "html":
            return HTML
        if kind == "json" or kind.endswith("+json"):
            return PROBLEM
    return TEXT
