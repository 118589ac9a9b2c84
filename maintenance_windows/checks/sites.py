"""Checks of SITE_ID and ALLOWED_HOSTS against the Sites in the database."""

from collections.abc import Collection
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.sites.models import Site
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.db import DatabaseError, router
from django.db.models import Q, QuerySet

from maintenance_windows.conf import conf
from maintenance_windows.core.hosts import spellings
from maintenance_windows.http.clients import read_address

MADE_BY_DJANGO = "example.com"  # by the first migrate; most projects keep it


def check_site_id(*, databases: Collection[str] | None = None, **_: Any) -> list[CheckMessage]:
    """W011: SITE_ID belongs to one of several sites, or to no site."""
    sites = sites_in(databases)
    if sites is None or not isinstance(conf.SITE_ID, int):
        return []
    try:
        is_there = sites.filter(pk=conf.SITE_ID).exists()
        are_others = sites.exclude(pk=conf.SITE_ID).exclude(domain=MADE_BY_DJANGO).exists()
    except DatabaseError:
        return []  # before the first migrate
    if not is_there:
        said = f"SITE_ID is {conf.SITE_ID}, but this site does not exist: no site ever goes down."
        hint = "Set it to the id of a site, or remove it."
    elif are_others:
        said = f"SITE_ID is {conf.SITE_ID}: all requests belong to that site, on any host."
        hint = (
            "Remove it, so that the host of a request selects the site, or silence this check if "
            "each site has its own processes."
        )
    else:
        return []
    return [CheckWarning(said, hint=hint, id="maintenance_windows.W011")]


def check_hosts(*, databases: Collection[str] | None = None, **_: Any) -> list[CheckMessage]:
    """W012: ALLOWED_HOSTS, or Wagtail, has hosts without a Site, which are never in maintenance."""
    sites = sites_in(databases)
    if sites is None or conf.SITE_ID:
        return []
    hosts = [host for host in settings.ALLOWED_HOSTS if host == "*" or _is_public(host)]
    try:
        strays = [host for host in hosts if not _is_named(sites, host)]
        of_wagtail = [host for host in _wagtail_hosts(databases) if not _is_named(sites, host)]
    except DatabaseError:
        return []  # before the first migrate
    found: list[CheckMessage] = []
    if strays:
        said = f"ALLOWED_HOSTS has hosts without a Site, which never go down: {', '.join(strays)}."
        hint = (
            "Add a Site for each of them, or let the proxy redirect them to the domain of a site."
        )
        found.append(CheckWarning(said, hint=hint, id="maintenance_windows.W012"))
    if of_wagtail:
        said = f"Wagtail has sites without a Site, which never go down: {', '.join(of_wagtail)}."
        hint = "Wagtail has its own sites. Add a Site of django.contrib.sites for each domain."
        found.append(CheckWarning(said, hint=hint, id="maintenance_windows.W012"))
    return found


def _wagtail_hosts(databases: Collection[str] | None) -> list[str]:
    if not apps.is_installed("wagtail"):
        return []
    wagtail_site: Any = apps.get_app_config("wagtailcore").get_model("Site")
    using = router.db_for_read(wagtail_site)
    if using not in (databases or ()):
        return []
    hosts = wagtail_site._default_manager.using(using).values_list("hostname", flat=True)  # noqa: SLF001
    return sorted({host for host in hosts if _is_public(host)})


def sites_in(databases: Collection[str] | None) -> QuerySet[Site] | None:
    using = router.db_for_read(Site)
    return Site.objects.using(using) if using in (databases or ()) else None


def _is_public(host: str) -> bool:
    """Return whether a host is a full domain: no address, no bare host name, no `.example.com`."""
    return "." in host[1:] and not host.startswith(".") and read_address(host) is None


def _is_named(sites: QuerySet[Site], host: str) -> bool:
    named = Q()
    for name in spellings(host):
        named |= Q(domain__iexact=name) | Q(domain__istartswith=f"{name}:")
    return sites.filter(named).exists()
