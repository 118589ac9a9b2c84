"""Checks of the page of the 503: it is rendered as visitors would get it."""

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any, NoReturn

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import DisallowedHost
from django.db import Error as DatabaseError
from django.db import connections
from django.http.request import split_domain_port, validate_host
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils import timezone, translation

from maintenance_windows.checks.sites import sites_in
from maintenance_windows.conf import conf
from maintenance_windows.core.hosts import canonical
from maintenance_windows.core.state import Level, Maintenance
from maintenance_windows.http import pages

W014 = "maintenance_windows.W014"
LONGEST = 200  # characters of an exception


class Unknown(Exception):
    """Whether the page can be rendered is not known without the database."""


def check_page(*, databases: Collection[str] | None = None, **_: Any) -> list[CheckMessage]:
    """W014: the template of the page is missing or cannot be rendered.

    A template that queries the database is judged only where the database is asked.
    """
    name = conf.MAINTENANCE_503_TEMPLATE
    if name and not _is_there(name):
        said = f"template {name!r} does not exist, so visitors get the default page."
        return [CheckWarning(f"MAINTENANCE_503_TEMPLATE: {said}", id=W014)]
    try:
        if databases:
            if (host := _known_host(databases)) is not None:
                _render(host)
        else:
            with _without_queries():
                _render(_any_host())
    except (DatabaseError, Unknown):
        return []
    except Exception as error:  # noqa: BLE001 (a template may raise anything)
        if isinstance(error, DisallowedHost) and not databases:
            return []
        lines = str(error).strip().splitlines() or [""]
        said = f"{type(error).__name__}: {lines[0][:LONGEST]}"
        return [
            CheckWarning(
                f"{name or '503.html'} cannot be rendered, so visitors get the default "
                f"page: {said}",
                hint="All visitors share it: it is rendered with a request that has no session, an "
                "AnonymousUser, and no attributes that other middleware sets.",
                id=W014,
            )
        ]
    return []


def _is_there(name: str) -> bool:
    try:
        get_template(name)
    except TemplateDoesNotExist:
        return False
    except Exception:  # noqa: BLE001 (check_page() reports it)
        return True
    return True


def _render(host: str) -> None:
    now = timezone.now()
    maintenance = Maintenance(
        since=now,
        until=now + timedelta(hours=1),
        level=Level.FULL,
        message="",
        window=None,
        held=False,
    )
    with translation.override(settings.LANGUAGE_CODE):
        for refused in (False, True):
            pages.make_html(maintenance, host, settings.LANGUAGE_CODE, secure=True, refused=refused)


def _known_host(databases: Collection[str]) -> str | None:
    """Return the domain of a site that visitors can reach, or None."""
    sites = sites_in(databases)
    if sites is None:
        return None
    domains = sites.order_by("pk").values_list("domain", flat=True)
    if site_id := conf.SITE_ID:  # it is shown whatever the host of a request is
        return domains.filter(pk=site_id).first() if isinstance(site_id, int) else None
    return next((one for one in domains[:100] if _is_allowed(one)), None)


def _is_allowed(domain: str) -> bool:
    return validate_host(split_domain_port(canonical(domain))[0], settings.ALLOWED_HOSTS)


def _any_host() -> str:
    named = [host.lstrip(".") for host in settings.ALLOWED_HOSTS if host != "*"]
    return named[0] if named else "localhost"


@contextmanager
def _without_queries() -> Iterator[None]:
    with ExitStack() as stack:
        for connection in connections.all():
            stack.enter_context(connection.execute_wrapper(_refuse))
        yield


def _refuse(*_: Any) -> NoReturn:
    raise Unknown
