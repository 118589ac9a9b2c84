"""What everybody may know of a site: what is on and what is coming, and nothing internal."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest

from maintenance_windows.conf import conf
from maintenance_windows.core.intervals import rfc3339
from maintenance_windows.core.retry import retry_after
from maintenance_windows.core.state import Closure, Maintenance, SiteState
from maintenance_windows.http.visit import site_state
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.models.base import KNOWN_LEVEL
from maintenance_windows.requests import site_of
from maintenance_windows.snapshot import runtime
from maintenance_windows.snapshot.runtime import query_with_deadline

AHEAD = timedelta(days=30)
MOST = 50  # windows that are coming

Coming = tuple[Closure, ...]
Read = tuple[str, Coming]  # the domain, and what is coming


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What there is to say about one site, named `site`, at one moment.

    `since` is None where it is not known, as while every site is closed by a setting. Where not
    `is_complete`, the database is away: only what starts within the hour or so is in `coming`.
    """

    site: str
    maintenance: Maintenance | None
    since: datetime | None
    coming: Coming
    is_complete: bool


def outlook_of(request: HttpRequest, now: datetime) -> Outlook:
    """The site of a request at `now`: what is on there by what the middleware answers by.

    What is coming is read from the database, and from memory while that is away. Raises
    Site.DoesNotExist for a host that the database knows not.
    """
    state = site_state(request, runtime.current())
    maintenance = state.at(now) if state else None
    read = query_with_deadline(lambda: _read(request, now))
    domain, coming = read or (state and state.domain, _known(state, now))
    return Outlook(
        site=domain or request.get_host(),
        maintenance=maintenance,
        since=maintenance.since if maintenance and state and state.domain else None,
        coming=coming,
        is_complete=read is not None,
    )


def facts(outlook: Outlook, now: datetime) -> dict[str, Any]:
    """The same for programs. Times are RFC 3339 in UTC; `retry_after` is whole seconds.

    What is `complete` lists all windows of the next 30 days, of which the first 50.
    """
    on = outlook.maintenance
    return {
        "at": rfc3339(now),
        "site": outlook.site,
        "in_maintenance": on is not None,
        "level": on and on.level.value,
        "since": rfc3339(outlook.since),
        "until": rfc3339(on.until if on else None),
        "message": on and on.message,
        "retry_after": on and retry_after(on, now, conf.MAINTENANCE_RETRY_AFTER),
        "coming": [
            {
                "starts_at": rfc3339(window.span.start),
                "ends_at": rfc3339(window.span.end),
                "level": window.level.value,
                "message": window.message,
            }
            for window in outlook.coming
        ],
        "complete": outlook.is_complete,
    }


def _read(request: HttpRequest, now: datetime) -> Read:
    site = site_of(request)
    windows = (
        MaintenanceWindow.objects.waiting()
        .filter(KNOWN_LEVEL, site=site, starts_at__gt=now, starts_at__lte=now + AHEAD)
        .only("level", "message", "started_at", "starts_at", "ends_at")
        .order_by("starts_at", "pk")
    )
    return site.domain, tuple(window.closure(now) for window in windows[:MOST])


def _known(state: SiteState | None, now: datetime) -> Coming:
    ahead = [closure for closure in state.closures if closure.span.start > now] if state else []
    return tuple(sorted(ahead, key=lambda closure: closure.span.start))
