"""Checks of the project's URLs: ours lead to us, and staff can log in while a site is down."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.shortcuts import resolve_url
from django.urls import ResolverMatch, get_script_prefix, resolve, reverse
from django.utils import timezone, translation

from maintenance_windows.core.decision import Visit
from maintenance_windows.core.state import Level, Maintenance, SiteState
from maintenance_windows.http.exemptions import URLS

APP = "maintenance_windows"
OURS = {"public": (), "status": (), "calendar": (), "bypass": ("a:signed:token",)}
# Where staff log in: of Django's admin, of Wagtail, and of Oscar.
LOGINS = ("admin:login", "wagtailadmin_login", "dashboard:login")


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
            "who are not logged in cannot log in.",
            hint=f'Add "{match.view_name}" to MAINTENANCE_EXEMPT_URL_NAMES, and the names of the '
            "URLs that it leads to, or silence this check if staff log in elsewhere.",
            id="maintenance_windows.W018",
        )
        for what, path, match in _closed_logins()
    ]


def _taken() -> Iterator[tuple[str, str, ResolverMatch | None]]:
    for name, arguments in OURS.items():
        path = _reverse(f"{APP}:{name}", *arguments)
        if path is None:
            continue  # a project need not serve them
        match = _resolve(path)
        if match is None or APP not in match.app_names:
            yield name, path, match


def _closed_logins() -> Iterator[tuple[str, str, ResolverMatch]]:
    paths = [("LOGIN_URL", _login_path()), *((name, _reverse(name)) for name in LOGINS)]
    seen = set()
    for what, path in paths:
        if path is None or path in seen:
            continue
        seen.add(path)
        match = _resolve(path)
        if match is not None and not _is_catch_all(match) and not _stays_open(path):
            yield what, path, match


def _login_path() -> str | None:
    """Return the path of LOGIN_URL, which may be a name; None on another host, or if it is none."""
    try:
        with translation.override(settings.LANGUAGE_CODE):
            url = urlsplit(resolve_url(settings.LOGIN_URL))
    except Exception:  # noqa: BLE001 (also of a broken URLconf, which Django reports)
        return None
    return None if url.netloc else _without_prefix(url.path)


def _is_catch_all(match: ResolverMatch) -> bool:
    """Return whether a view answers any path, so that LOGIN_URL, if unset, may be none of its."""
    other = _resolve("/no/page/of/any/site/")
    return other is not None and other.func is match.func


def _stays_open(path: str) -> bool:
    """Return whether a path is exempt on every site. Sites may have ignored URLs of their own."""
    now = timezone.now()
    visit = Visit(
        state=SiteState(site_id=0, domain=""),
        maintenance=Maintenance(
            since=now, until=None, level=Level.FULL, message="", window=None, held=True
        ),
        now=now,
        methods=("GET",),
        path=path,
        language=settings.LANGUAGE_CODE,
    )
    return any(is_exempt(visit) for is_exempt in URLS)


def _reverse(name: str, *arguments: str) -> str | None:
    try:
        with translation.override(settings.LANGUAGE_CODE):
            return _without_prefix(reverse(name, args=arguments))
    except Exception:  # noqa: BLE001 (see _login_path)
        return None


def _resolve(path: str) -> ResolverMatch | None:
    try:
        with translation.override(settings.LANGUAGE_CODE):
            return resolve(path)
    except Exception:  # noqa: BLE001 (see _login_path)
        return None


def _without_prefix(path: str) -> str:
    """Return a path as requests have it in path_info."""
    prefix = get_script_prefix()
    return f"/{path.removeprefix(prefix)}" if path.startswith(prefix) else path
