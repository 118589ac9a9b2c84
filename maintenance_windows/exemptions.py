"""Who and what stays served while a site is closed, in the order in which it is asked."""

from collections.abc import Iterator

from django.conf import settings
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.urls import Resolver404, ResolverMatch, resolve
from django.utils.translation import get_language

from maintenance_windows.conf import conf
from maintenance_windows.decision import Exemption, Visit
from maintenance_windows.patterns import fault, matcher
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
    usable = (known for known in ignored if fault(*known) is None)  # check says which are not
    return any(matcher(kind, text)(path) for kind, text in (*state.patterns, *usable))


def admin(_: SiteState, visit: Visit) -> bool:
    """The admin, wherever it is mounted: found as Django finds the view, not by its path."""
    match = _resolve(visit.path, visit.urlconf)
    if match is not None:
        return "admin" in match.app_names
    return any(
        "admin" in redirected.app_names
        for path in _redirects(visit)
        if (redirected := _resolve(path, visit.urlconf))
    )


def _redirects(visit: Visit) -> Iterator[str]:
    """Where Django's own middleware would send the request, if it got to see it."""
    paths = [visit.path]
    if settings.APPEND_SLASH and not visit.path.endswith("/"):
        paths.append(f"{visit.path}/")
        yield paths[-1]
    if is_language_prefix_patterns_used(visit.urlconf or settings.ROOT_URLCONF)[0]:
        yield from (f"/{get_language()}{path}" for path in paths)


def _resolve(path: str, urlconf: str | None) -> ResolverMatch | None:
    try:
        return resolve(path, urlconf)
    except Resolver404:
        return None


EXEMPTIONS: tuple[Exemption, ...] = (internal_address, open_path, ignored_url, admin)
