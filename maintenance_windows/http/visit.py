"""The site of a request, and what the decision needs to know about the request."""

from functools import lru_cache

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.utils.translation import get_language

from maintenance_windows.conf import conf, until_settings_change
from maintenance_windows.core.decision import Visit
from maintenance_windows.core.hosts import canonical
from maintenance_windows.core.state import SiteState, Snapshot
from maintenance_windows.http.exemptions import ALWAYS_OPEN
from maintenance_windows.http.tokens import COOKIE
from maintenance_windows.snapshot import clock

LONGEST_HOST = 253  # characters of a domain name (RFC 1035 section 2.3.4, without the last dot)
# Frameworks and proxies take the method from these headers, none of which is in RFC 9110.
OVERRIDES = ("HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_X_HTTP_METHOD", "HTTP_X_METHOD_OVERRIDE")


def read_visit(request: HttpRequest, snapshot: Snapshot) -> Visit | None:
    """Return the visit to a site in maintenance, or None if the site is up.

    Raises DisallowedHost, for which Django returns 400.
    """
    try:
        state = site_state(request, snapshot)
    except DisallowedHost:
        if request.path_info in ALWAYS_OPEN:  # health probes use hosts outside ALLOWED_HOSTS
            return None
        raise
    now = clock.now()
    maintenance = state.at(now) if state else None
    if state is None or maintenance is None:
        return None
    meta = request.META
    overrides = [meta[name].strip().upper() for name in OVERRIDES if name in meta]
    return Visit(
        state=state,
        maintenance=maintenance,
        now=now,
        # Another middleware may have overridden request.method.
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
    """Return the state of a request's site, or None if no maintenance of it is near.

    The site is found as django.contrib.sites finds it. Raises DisallowedHost.
    """
    if site_id := conf.SITE_ID:
        return snapshot.of(site_id)
    meta = request.META
    host: str | None = None
    if settings.USE_X_FORWARDED_HOST:
        host = meta.get("HTTP_X_FORWARDED_HOST")
    if host is None:
        host = meta.get("HTTP_HOST")
    if host is None:
        host = request.get_host()  # HTTP/1.0 allows requests without a host
    read = _read_host if len(host) <= LONGEST_HOST else _read_host.__wrapped__
    return snapshot.find(*read(host))


@until_settings_change
@lru_cache(maxsize=4096)
def _read_host(raw: str) -> tuple[str, str]:
    """Return a host as canonical() does, and its name without the port. Raises DisallowedHost.

    Cached because Django's validation takes longer than the rest of the work for a site that is up.
    """
    request = HttpRequest()
    request.META["HTTP_HOST"] = raw
    host = canonical(request.get_host())
    return host, split_domain_port(host)[0]
