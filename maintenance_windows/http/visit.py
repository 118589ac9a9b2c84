"""A request as the decision sees it: its site, its method, its path and its sender."""

from functools import lru_cache

from django.http import HttpRequest
from django.http.request import split_domain_port
from django.utils.translation import get_language

from maintenance_windows.conf import conf, until_settings_change
from maintenance_windows.core.decision import Visit
from maintenance_windows.core.state import SiteState, Snapshot
from maintenance_windows.http.tokens import COOKIE

LONGEST = 253  # characters of a domain name (RFC 1035 section 2.3.4, without the last dot)
# What frameworks and proxies take instead of the method; RFC 9110 knows none of them.
OVERRIDES = ("HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_X_HTTP_METHOD", "HTTP_X_METHOD_OVERRIDE")


def site_state(request: HttpRequest, snapshot: Snapshot) -> SiteState | None:
    """The site of a request, told as django.contrib.sites does; None where it is up for long.

    Raises DisallowedHost, which Django answers with 400.
    """
    if site_id := conf.site_id:
        return snapshot.of(site_id)
    raw = request._get_raw_host()  # type: ignore[attr-defined]  # noqa: SLF001
    host, name = (_read_host if len(raw) <= LONGEST else _read_host.__wrapped__)(raw)
    return snapshot.find(host, name)


@until_settings_change
@lru_cache(maxsize=4096)
def _read_host(raw: str) -> tuple[str, str]:
    """A host in lower case, and its name without the port. Raises DisallowedHost.

    By Django's own reading, which takes longer than all else while another site is closed.
    """
    request = HttpRequest()
    request.META["HTTP_HOST"] = raw
    host = request.get_host().lower()
    return host, split_domain_port(host)[0]


def visit_of(request: HttpRequest) -> Visit:
    meta = request.META
    wanted = [meta[name].strip().upper() for name in OVERRIDES if name in meta]
    return Visit(
        # Another middleware may have changed the method already.
        methods=(request.method or "", meta.get("REQUEST_METHOD", "").upper(), *wanted),
        path=request.path_info,
        remote=meta.get("REMOTE_ADDR", ""),
        forwarded=meta.get("HTTP_X_FORWARDED_FOR", ""),
        urlconf=getattr(request, "urlconf", None),
        language=get_language(),
        preflight=request.method == "OPTIONS"
        and "HTTP_ORIGIN" in meta
        and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in meta,
        bypass=request.COOKIES.get(COOKIE, ""),
    )
