"""The public status of a site: its present and coming maintenance, and nothing internal."""

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
from maintenance_windows.requests import site_or_404
from maintenance_windows.snapshot import runtime
from maintenance_windows.snapshot.threads import Share
from maintenance_windows.wording.messages import with_message_in

AHEAD = timedelta(days=30)
MOST = 50  # coming windows


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicStatus:
    """The status of one site, named `site`, at one moment; messages are in the active language.

    `since` is None if the start is unknown, as while a setting takes every site down. Unless
    `is_complete`, the database is down, and `coming` holds only what starts within the hour or so.
    """

    site: str
    maintenance: Maintenance | None
    since: datetime | None
    coming: tuple[Closure, ...]
    is_complete: bool

    def as_json(self, now: datetime) -> dict[str, Any]:
        """Return plain values: times by RFC 3339 in UTC, `retry_after` in whole seconds.

        If `complete`, `coming` lists the first 50 windows of the next 30 days.
        """
        maintenance = self.maintenance
        return {
            "at": rfc3339(now),
            "site": self.site,
            "in_maintenance": maintenance is not None,
            "level": maintenance and maintenance.level.value,
            "since": rfc3339(self.since),
            "until": rfc3339(maintenance.until if maintenance else None),
            "message": maintenance and maintenance.message,
            "retry_after": maintenance
            and retry_after(maintenance, now, conf.MAINTENANCE_RETRY_AFTER),
            "coming": [
                {
                    "starts_at": rfc3339(window.span.start),
                    "ends_at": rfc3339(window.span.end),
                    "level": window.level.value,
                    "message": window.message,
                }
                for window in self.coming
            ],
            "complete": self.is_complete,
        }


def public_status(request: HttpRequest, now: datetime) -> PublicStatus:
    """Return the status of the request's site: the maintenance is the one that the 503 shows.

    Coming windows are read from the database, or from memory while it is down. Raises Http404 if
    the database has no site for the host.
    """
    state = site_state(request, runtime.current())
    maintenance = state.at(now) if state else None
    host = conf.SITE_ID or request.get_host()
    stored = runtime.query_with_deadline(lambda: _stored(request, now), Share.STATUS, key=host)
    domain, coming = stored or (state and state.domain, _known(state, now))
    return PublicStatus(
        site=domain or request.get_host(),
        maintenance=maintenance and with_message_in(maintenance),
        since=maintenance.since if maintenance and state and state.domain else None,
        coming=tuple(map(with_message_in, coming)),
        is_complete=stored is not None,
    )


def _stored(request: HttpRequest, now: datetime) -> tuple[str, tuple[Closure, ...]]:
    site = site_or_404(request)
    windows = (
        MaintenanceWindow.objects.waiting()
        .filter(KNOWN_LEVEL, site=site, starts_at__gt=now, starts_at__lte=now + AHEAD)
        .only("level", "message", "started_at", "starts_at", "ends_at")
        .order_by("starts_at", "pk")
    )
    return site.domain, tuple(window.closure(now) for window in windows[:MOST])


def _known(state: SiteState | None, now: datetime) -> tuple[Closure, ...]:
    ahead = [closure for closure in state.closures if closure.span.start > now] if state else []
    return tuple(sorted(ahead, key=lambda closure: closure.span.start))
