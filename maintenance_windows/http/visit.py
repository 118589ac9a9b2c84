"""The reading of a request: its site, its method, its path and its sender."""

from datetime import UTC, datetime
from functools import lru_cache

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.utils.translation import get_language

from maintenance_windows.conf import conf, until_settings_change
from maintenance_windows.core.decision import Visit
from maintenance_windows.core.state import SiteState, Snapshot
from maintenance_windows.http.exemptions import ALWAYS_OPEN
from maintenance_windows.http.tokens import COOKIE

LONGEST_HOST = 253  # characters of a domain name (RFC 1035 section 2.3.4, without the last dot)
# Frameworks and proxies take these headers instead of the method; RFC 9110 has none of them.
OVERRIDES = ("HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_X_HTTP_METHOD", "HTTP_X_METHOD_OVERRIDE")


def read_visit(request: HttpRequest, snapshot: Snapshot) -> Visit | None:
    """The request as a visit to a site in maintenance; None where its site is up.

    Raises DisallowedHost, which Django answers with 400.
    """
    try:
        state = site_state(request, snapshot)
    except DisallowedHost:
        if request.path_info in ALWAYS_OPEN:  # probes send the address of a container as the host
            return None
        raise
    now = datetime.now(UTC)
    maintenance = state.at(now) if state else None
    if state is None or maintenance is None:
        return None
    meta = request.META
    overrides = [meta[name].strip().upper() for name in OVERRIDES if name in meta]
    return Visit(
        state=state,
        maintenance=maintenance,
        now=now,
        # Another middleware may have changed the method already.
        methods=(request.method or "", meta.get("REQUEST_METHOD", "").upper(), *overrides),
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


def site_state(request: HttpRequest, snapshot: Snapshot) -> SiteState | None:
    """The state of a request's site, found as django.contrib.sites does; None where it stays up.

    Raises DisallowedHost.
    """
    if site_id := conf.SITE_ID:
        return snapshot.of(site_id)
    raw = request._get_raw_host()  # type: ignore[attr-defined]  # noqa: SLF001
    host, name = (_read_host if len(raw) <= LONGEST_HOST else _read_host.__wrapped__)(raw)
    return snapshot.find(host, name)


@until_settings_change
@lru_cache(maxsize=4096)
def _read_host(raw: str) -> tuple[str, str]:
    """A host in lower case, and its name without the port. Raises DisallowedHost.

    Django's own reading takes longer than everything else while another site is down.
    """
    request = HttpRequest()
    request.META["HTTP_HOST"] = raw
    host = request.get_host().lower()
    return host, split_domain_port(host)[0]
