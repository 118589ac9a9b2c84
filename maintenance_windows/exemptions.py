"""Who and what stays served while a site is closed, in the order in which it is asked."""

from typing import Any

from django.conf import settings
from django.urls import Resolver404, ResolverMatch, resolve

from maintenance_windows.conf import conf
from maintenance_windows.decision import Exemption, Visit
from maintenance_windows.patterns import matcher
from maintenance_windows.snapshot import PatternKind, SiteState

# A container is not killed, a crawler not sent away for days, a certificate renewed.
ALWAYS_OPEN = frozenset({"/robots.txt", "/healthz", "/livez", "/readyz"})
ACME_CHALLENGE = "/.well-known/acme-challenge/"


def internal_address(_: SiteState, visit: Visit) -> bool:
    return visit.address in conf.internal_ips


def open_path(_: SiteState, visit: Visit) -> bool:
    return visit.path in ALWAYS_OPEN or visit.path.startswith(ACME_CHALLENGE)


def ignored_url(state: SiteState, visit: Visit) -> bool:
    path = visit.path[1:]
    ignored = ((PatternKind.REGEX, regex) for regex in conf.admin_ignored_urls)
    return any(matcher(kind, text)(path) for kind, text in (*state.patterns, *ignored))


def admin(_: SiteState, visit: Visit) -> bool:
    """The admin, wherever it is mounted: found as Django finds the view, not by its path."""
    match = _resolve(visit.path, visit.urlconf)
    if match is None and settings.APPEND_SLASH and not visit.path.endswith("/"):
        # CommonMiddleware redirects /admin to /admin/, if it gets to see the request.
        match = _resolve(f"{visit.path}/", visit.urlconf)
    return match is not None and "admin" in match.app_names


def _resolve(path: str, urlconf: str | None) -> ResolverMatch | None:
    try:
        return resolve(path, urlconf)
    except Resolver404:
        return None


EXEMPTIONS: tuple[Exemption, ...] = (internal_address, open_path, ignored_url, admin)


def is_staff(user: Any) -> bool:
    """Superusers always, staff unless MAINTENANCE_BLOCK_STAFF."""
    if not getattr(user, "is_active", False):
        return False
    staff = getattr(user, "is_staff", False) and not conf.block_staff
    return bool(staff or getattr(user, "is_superuser", False))
