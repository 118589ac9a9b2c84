"""What stays open and who passes while a site is closed, in the order in which it is asked."""

from collections.abc import Collection, Iterator
from functools import lru_cache

from django.conf import settings
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.contrib.staticfiles.views import serve as serve_static
from django.urls import Resolver404, ResolverMatch, get_resolver
from django.views.static import serve as serve_media

from maintenance_windows.conf import conf, until_settings_change
from maintenance_windows.core.decision import Exemption, Visit
from maintenance_windows.core.state import Level
from maintenance_windows.http.clients import client, is_within, read_networks
from maintenance_windows.http.tokens import is_admitted
from maintenance_windows.patterns.matching import any_matches
from maintenance_windows.patterns.paths import is_below, is_plain

# A container is not killed, a crawler not sent away for days, a certificate renewed.
ALWAYS_OPEN = frozenset({"/robots.txt", "/healthz", "/livez", "/readyz"})
ALWAYS_OPEN_BELOW = ("/.well-known/acme-challenge",)
LONGEST_PATH = 250  # characters of a path that is remembered, because clients choose it
OPEN_APPS = frozenset({"admin", "maintenance_windows"})
OPEN_VIEWS = (serve_static, serve_media)


def open_path(visit: Visit) -> bool:
    path = visit.path
    if path in ALWAYS_OPEN or path in conf.MAINTENANCE_EXEMPT_PATHS:
        return True
    return is_below(path, ALWAYS_OPEN_BELOW) or is_below(path, conf.MAINTENANCE_EXEMPT_PREFIXES)


def ignored_url(visit: Visit) -> bool:
    path, patterns = visit.path, visit.state.patterns
    regexes = conf.MAINTENANCE_ADMIN_IGNORED_URLS
    if not patterns and not regexes:
        return False
    site = visit.state.domain or "this project"
    return is_plain(path) and any_matches(path[1:], patterns, regexes, site=site)


def open_view(visit: Visit) -> bool:
    """The view that answers, wherever it is mounted: found as Django finds it."""
    find = _is_open if len(visit.path) <= LONGEST_PATH else _is_open.__wrapped__
    return find(
        visit.path,
        visit.urlconf,
        visit.language,
        visit.maintenance.level is Level.READ_ONLY,
        int(visit.now.timestamp()),
    )


@until_settings_change
@lru_cache(maxsize=1024)
def _is_open(
    path: str,
    urlconf: str | None,
    language: str | None,
    read_only: bool,  # noqa: FBT001
    second: int,
) -> bool:
    """Remembered within a second: to find a view takes as long as all else of an answer.

    No longer, as a converter of the project may look into its database.
    """
    if not is_plain(path):
        return False
    writable = conf.MAINTENANCE_WRITABLE_URL_NAMES if read_only else ()
    names = conf.MAINTENANCE_EXEMPT_URL_NAMES + writable
    return any(_stays_open(match, names) for match in _matches(path, urlconf, language))


def _stays_open(match: ResolverMatch, names: Collection[str]) -> bool:
    return (
        not OPEN_APPS.isdisjoint(match.app_names)
        or match.func in OPEN_VIEWS
        or match.view_name in names
        or getattr(match.func, "maintenance_exempt", False)
    )


def _matches(path: str, urlconf: str | None, language: str | None) -> Iterator[ResolverMatch]:
    """The view of a path, else those that Django's own middleware would send the client to."""
    if match := _resolve(path, urlconf):
        yield match
        return
    paths = [path]
    if settings.APPEND_SLASH and not path.endswith("/"):
        paths.append(f"{path}/")
    redirects = paths[1:]
    if is_language_prefix_patterns_used(urlconf or settings.ROOT_URLCONF)[0]:
        redirects += [f"/{language}{path}" for path in paths]
    yield from filter(None, (_resolve(path, urlconf) for path in redirects))


def _resolve(path: str, urlconf: str | None) -> ResolverMatch | None:
    try:
        return get_resolver(urlconf).resolve(path)
    except Resolver404:
        return None


def address(visit: Visit) -> bool:
    """INTERNAL_IPS, which may be anything with `in`, and MAINTENANCE_EXEMPT_NETWORKS."""
    internal, networks = conf.INTERNAL_IPS, conf.MAINTENANCE_EXEMPT_NETWORKS
    if not internal and not networks:
        return False
    found = client(visit.remote, visit.forwarded, conf.MAINTENANCE_TRUSTED_PROXIES)
    if found is None:
        return False
    return str(found) in internal or is_within(found, read_networks(networks))


def bypass(visit: Visit) -> bool:
    return is_admitted(visit.bypass, visit.state, visit.now)


URLS: tuple[Exemption, ...] = (open_path, ignored_url, open_view)
SENDERS: tuple[Exemption, ...] = (address, bypass)
