"""Public functions: the maintenance of a request's site, now and soon."""

from datetime import UTC, datetime

from django.contrib.sites.models import Site
from django.http import HttpRequest
from django.http.request import split_domain_port

from maintenance_windows.conf import conf
from maintenance_windows.core.state import Maintenance, Snapshot
from maintenance_windows.http.visit import site_state
from maintenance_windows.snapshot import runtime


def get_maintenance(request: HttpRequest) -> Maintenance | None:
    """What is on at the request's site now, such as `read_only`; None while it is up."""
    return _now(request, runtime.current())


async def aget_maintenance(request: HttpRequest) -> Maintenance | None:
    """See get_maintenance()."""
    return _now(request, await runtime.acurrent())


def get_upcoming_maintenance(request: HttpRequest) -> Maintenance | None:
    """What is about to start there, within MAINTENANCE_BANNER_LEAD."""
    return _soon(request, runtime.current())


async def aget_upcoming_maintenance(request: HttpRequest) -> Maintenance | None:
    """See get_upcoming_maintenance()."""
    return _soon(request, await runtime.acurrent())


def site_of(request: HttpRequest) -> Site:
    """The site of a request, told as django.contrib.sites does, but never from its cache.

    Raises Site.DoesNotExist.
    """
    if conf.SITE_ID:
        return Site.objects.get(pk=conf.SITE_ID)
    host = request.get_host()
    for domain in dict.fromkeys((host, split_domain_port(host)[0])):
        # As most are written; to look for others is to look at all of them.
        for same in ({"domain": domain.lower()}, {"domain__iexact": domain}):
            if site := Site.objects.filter(**same).first():
                return site
    raise Site.DoesNotExist(f"{host} is no site.")


def _now(request: HttpRequest, snapshot: Snapshot) -> Maintenance | None:
    state = site_state(request, snapshot) if snapshot else None
    return state.at(datetime.now(UTC)) if state else None


def _soon(request: HttpRequest, snapshot: Snapshot) -> Maintenance | None:
    now = datetime.now(UTC)
    state = site_state(request, snapshot) if snapshot else None
    upcoming = state.upcoming(now) if state else None
    return upcoming if upcoming and upcoming.since <= now + conf.MAINTENANCE_BANNER_LEAD else None
