"""The pages where people log in, found as Django finds them: exempt, whichever view answers there.

Otherwise staff without a session could not reach the button that ends a maintenance.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from urllib.parse import SplitResult, unquote, urlsplit

from django.conf import settings
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.urls import URLResolver, get_resolver, get_script_prefix, reverse

from maintenance_windows.conf import until_settings_change
from maintenance_windows.core.decision import Visit
from maintenance_windows.core.hosts import canonical

SETTINGS = ("LOGIN_URL", "WAGTAILADMIN_LOGIN_URL")
NAMES = ("account_login", "wagtailadmin_login", "dashboard:login")  # of allauth, Wagtail, and Oscar


def is_login(visit: Visit) -> bool:
    resolver, prefix = get_resolver(visit.urlconf), get_script_prefix()
    host = _hosts(resolver, visit.urlconf, visit.language, prefix).get(visit.path)
    return host is not None and host in {"", canonical(visit.state.domain)}


@until_settings_change
@lru_cache(maxsize=256)
def _hosts(
    resolver: URLResolver,  # Django makes another one when the URLs of a project change
    urlconf: str | None,
    language: str | None,
    prefix: str,
) -> Mapping[str, str]:
    """Return the host of each path where people log in, or "" for that of any site."""
    found: dict[str, str] = {}
    for _, url in logins(urlconf):
        path = path_of(url)
        if is_home(path, urlconf, language):
            continue
        paths = [path]
        if settings.APPEND_SLASH:
            paths.append(path.removesuffix("/") if path.endswith("/") else f"{path}/")
        if _has_language_prefixes(urlconf):
            paths += [f"/{language}{path}" for path in paths]
        found |= dict.fromkeys(paths, canonical(url.netloc))
    return found


def logins(urlconf: str | None = None) -> Iterator[tuple[str, SplitResult]]:
    """Yield what names a log-in, and its URL."""
    for setting in SETTINGS:
        if url := _set(setting, urlconf):
            yield setting, url
    # Packages replace the view of the admin's log-in by one above it.
    for name in (*(f"{site}:login" for site in _admin_sites(urlconf)), *NAMES):
        if url := named(name, urlconf):
            yield name, url


def named(name: str, urlconf: str | None = None) -> SplitResult | None:
    """Return the URL of a name, or None if there is none, or the URLconf is broken."""
    try:
        return urlsplit(reverse(name, urlconf=urlconf))
    except Exception:  # noqa: BLE001 (Django reports it)
        return None


def _admin_sites(urlconf: str | None) -> list[str]:
    try:
        return get_resolver(urlconf).app_dict.get("admin", [])
    except Exception:  # noqa: BLE001 (see named)
        return []


def path_of(url: SplitResult) -> str:
    """Return the path of a URL as requests have it in path_info."""
    prefix, path = get_script_prefix(), unquote(url.path)
    return f"/{path.removeprefix(prefix)}" if path.startswith(prefix) else path


def is_home(path: str, urlconf: str | None, language: str | None) -> bool:
    """Return whether a path is the home page, which visitors would take for the whole site."""
    return path == "/" or (path.strip("/") == language and _has_language_prefixes(urlconf))


def _has_language_prefixes(urlconf: str | None) -> bool:
    return is_language_prefix_patterns_used(urlconf or settings.ROOT_URLCONF)[0]


def _set(setting: str, urlconf: str | None) -> SplitResult | None:
    """Return the URL of a setting, which may be a name, or None if it leads nowhere."""
    try:
        given = str(getattr(settings, setting, None) or "")
        url = named(given, urlconf) or urlsplit(given)
    except Exception:  # noqa: BLE001 (a lazy one may raise anything)
        return None
    return url if url.path.startswith("/") else None
