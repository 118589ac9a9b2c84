"""Public functions: the maintenance of a request's site, now and soon."""

from django.contrib.sites.models import Site
from django.http import Http404, HttpRequest
from django.http.request import split_domain_port
from django.shortcuts import get_object_or_404

from maintenance_windows.conf import conf
from maintenance_windows.core.decision import SAFE_METHODS
from maintenance_windows.core.state import Maintenance, Snapshot
from maintenance_windows.http.caching import note_maintenance
from maintenance_windows.http.visit import site_state
from maintenance_windows.models import site_named
from maintenance_windows.snapshot import clock, runtime
from maintenance_windows.wording.messages import with_message_in


def get_maintenance(request: HttpRequest) -> Maintenance | None:
    """Return the present maintenance of the request's site, or None while it is up.

    `until` is when requests of this method are served again. The message is in the active language.
    """
    return _now(request, runtime.current())


async def aget_maintenance(request: HttpRequest) -> Maintenance | None:
    """See get_maintenance()."""
    return _now(request, await runtime.acurrent())


def get_upcoming_maintenance(request: HttpRequest) -> Maintenance | None:
    """Return the site's next public maintenance if its lead has begun.

    The lead is that of the window, by default MAINTENANCE_BANNER_LEAD. While the site is
    read-only, it may be the full part of the same outage.
    """
    return _soon(request, runtime.current())


async def aget_upcoming_maintenance(request: HttpRequest) -> Maintenance | None:
    """See get_upcoming_maintenance()."""
    return _soon(request, await runtime.acurrent())


def site_or_404(request: HttpRequest) -> Site:
    """Return the site of a request as django.contrib.sites finds it, but not from its cache."""
    if conf.SITE_ID:
        return get_object_or_404(Site, pk=conf.SITE_ID)
    host = request.get_host()
    for domain in dict.fromkeys((host, split_domain_port(host)[0])):
        if site := site_named(domain):
            return site
    raise Http404(f"{host} is no site.")


def _now(request: HttpRequest, snapshot: Snapshot) -> Maintenance | None:
    now = clock.now()
    state = site_state(request, snapshot) if snapshot else None
    maintenance = state.at(now) if state else None
    if maintenance is None:
        return None
    note_maintenance(request, maintenance, now)
    if request.method in SAFE_METHODS:
        maintenance = maintenance.for_readers()
    return with_message_in(maintenance)


def _soon(request: HttpRequest, snapshot: Snapshot) -> Maintenance | None:
    now = clock.now()
    state = site_state(request, snapshot) if snapshot else None
    upcoming = state.upcoming(now, conf.MAINTENANCE_BANNER_LEAD) if state else None
    if upcoming is None:
        return None
    note_maintenance(request, upcoming, now)
    return with_message_in(upcoming)
