"""What is exempt and who passes while a site is down, in the order in which it is asked."""

import re
from collections.abc import Iterator
from functools import lru_cache

from django.conf import settings
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.contrib.staticfiles.views import serve as serve_static
from django.urls import Resolver404, ResolverMatch, URLResolver, get_resolver
from django.views.static import serve as serve_media

from maintenance_windows.conf import conf, until_settings_change
from maintenance_windows.core.decision import Exemption, Visit
from maintenance_windows.core.state import Level
from maintenance_windows.http.clients import client, is_within, read_networks
from maintenance_windows.http.logins import is_login
from maintenance_windows.http.marks import METHODS, is_marked
from maintenance_windows.http.tokens import is_admitted
from maintenance_windows.patterns.matching import any_matches
from maintenance_windows.patterns.names import compile_names
from maintenance_windows.patterns.paths import is_below, is_plain

# A container is not killed, a crawler not sent away for days, a certificate renewed. Of probes, the
# names that nobody gives to a page: those of Kubernetes, and of Dockerflow.
PROBES = ("/healthz", "/livez", "/readyz", "/__heartbeat__", "/__lbheartbeat__")
ALWAYS_OPEN = frozenset({"/robots.txt", *PROBES, *(f"{path}/" for path in PROBES)})
ALWAYS_OPEN_BELOW = ("/.well-known/acme-challenge", "/.well-known/pki-validation")
LONGEST_PATH = 250  # characters of a path that is remembered, because clients choose it
OPEN_VIEWS = (serve_static, serve_media)


def open_path(visit: Visit) -> bool:
    path, named = visit.path, conf.MAINTENANCE_EXEMPT_PATHS
    if path in ALWAYS_OPEN or path in named:
        return True
    bare = path.removesuffix("/")
    if settings.APPEND_SLASH and (f"{path}/" if bare == path else bare) in named:
        # Unless the path without its slash has a view of its own, it redirects to the other.
        return is_plain(path) and _resolve(bare, visit.urlconf) is None
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
        frozenset(visit.methods) if METHODS.issuperset(visit.methods) else frozenset(),
        int(visit.now.timestamp()),
    )


@until_settings_change
@lru_cache(maxsize=1024)
def _is_open(  # noqa: PLR0917 (lru_cache reads keywords more slowly)
    path: str,
    urlconf: str | None,
    language: str | None,
    read_only: bool,  # noqa: FBT001
    methods: frozenset[str],
    second: int,
) -> bool:
    """Remembered within a second: to find a view takes as long as all else of an answer.

    No longer, as a converter of the project may look into its database.
    """
    if not is_plain(path):
        return False
    writable = conf.MAINTENANCE_WRITABLE_URL_NAMES if read_only else ()
    names = compile_names(conf.MAINTENANCE_EXEMPT_URL_NAMES + writable)
    return any(_stays_open(match, names, methods) for match in _matches(path, urlconf, language))


def _stays_open(match: ResolverMatch, names: re.Pattern[str], methods: frozenset[str]) -> bool:
    return (
        _is_in_admin(match)
        or match.func in OPEN_VIEWS
        or names.fullmatch(match.view_name) is not None
        or is_marked(match.func, methods)
    )


def _is_in_admin(match: ResolverMatch) -> bool:
    """Tell the URLs of an AdminSite by its views: a project may name an app of its own "admin"."""
    if "admin" not in match.app_names or not match.tried:
        return False
    *including, _ = match.tried[-1]  # what led to the view
    return any(
        isinstance(one, URLResolver)
        and one.app_name == "admin"
        and any(hasattr(getattr(url, "callback", None), "admin_site") for url in one.url_patterns)
        for one in including
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


URLS: tuple[Exemption, ...] = (open_path, is_login, ignored_url, open_view)
SENDERS: tuple[Exemption, ...] = (address, bypass)
