"""Checks of the project's URLs: ours lead to us, and staff can log in while a site is down."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.urls import ResolverMatch, resolve, reverse
from django.utils import translation

from maintenance_windows.checks.urlconf import is_exempt
from maintenance_windows.http.logins import is_home, logins, named, path_of
from maintenance_windows.http.marks import is_ours

APP = "maintenance_windows"
OURS = {"public": (), "status": (), "calendar": (), "bypass": ("a:signed:token",)}
# Where a log-in goes on: the second factor of allauth, and what single sign-on comes back to.
FURTHER = (
    "mfa_authenticate",
    "oidc_authentication_callback",
    "saml2_acs",
    "django_auth_adfs:callback",
)
HOME = "Give LOGIN_URL a page of its own: the home page is never exempt by itself. "


def check_own_urls(**_: Any) -> list[CheckMessage]:
    """W017: a pattern before ours, such as a catch-all, takes a URL of ours."""
    return [
        CheckWarning(
            f"{path} leads to {match.view_name if match else 'no view'}, "
            f"so {APP}:{name} cannot be reached.",
            hint='Put path("maintenance/", include("maintenance_windows.urls")) first in '
            "urlpatterns, before any catch-all pattern.",
            id="maintenance_windows.W017",
        )
        for name, path, match in _taken()
    ]


def check_logins(**_: Any) -> list[CheckMessage]:
    """W018: a page where staff log in gets the 503 while its site is down."""
    return [
        CheckWarning(
            f"{what} leads to {path}, which answers 503 while the site is down, so staff "
            "who are not logged in cannot log in there.",
            hint=f"{hint}Silence this check if staff log in elsewhere.",
            id="maintenance_windows.W018",
        )
        for what, path, hint in _closed_logins()
    ]


def _taken() -> Iterator[tuple[str, str, ResolverMatch | None]]:
    for name, arguments in OURS.items():
        path = _reverse(f"{APP}:{name}", *arguments)
        if path is None:
            continue  # a project need not serve them
        match = _resolve(path)
        if match is None or not is_ours(match.func):
            yield name, path, match


def _closed_logins() -> Iterator[tuple[str, str, str]]:
    """Yield what names a log-in, its path, and what to do about it."""
    with translation.override(settings.LANGUAGE_CODE):
        found = [*logins(), *((name, url) for name in FURTHER if (url := named(name)))]
    for what, url in found:
        path = path_of(url)
        match = None if url.netloc else _resolve(path)
        if match is None or is_exempt(path):
            continue
        if is_home(path, None, settings.LANGUAGE_CODE):
            yield what, path, HOME
        else:
            yield what, path, f'Add "{match.view_name}" to MAINTENANCE_EXEMPT_URL_NAMES. '


def _reverse(name: str, *arguments: str) -> str | None:
    try:
        with translation.override(settings.LANGUAGE_CODE):
            path = reverse(name, args=arguments)
    except Exception:  # noqa: BLE001 (also of a broken URLconf, which Django reports)
        return None
    return path_of(urlsplit(path))


def _resolve(path: str) -> ResolverMatch | None:
    try:
        with translation.override(settings.LANGUAGE_CODE):
            return resolve(path)
    except Exception:  # noqa: BLE001 (see _reverse)
        return None
