"""The public status of a site: its present and coming maintenance, and nothing internal."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.contrib.sites.models import Site
from django.http import HttpRequest

from maintenance_windows.conf import conf
from maintenance_windows.core.intervals import Span, merge, rfc3339
from maintenance_windows.core.outages import Outage, outages
from maintenance_windows.core.retry import retry_after
from maintenance_windows.core.state import Closure, Level, Maintenance, SiteState
from maintenance_windows.http.visit import site_state
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.models.base import KNOWN_LEVEL
from maintenance_windows.overview.past import PastOutage, past_outages
from maintenance_windows.overview.repeated import Repeated, fold
from maintenance_windows.requests import site_or_404
from maintenance_windows.snapshot import runtime
from maintenance_windows.snapshot.loader import NOTHING
from maintenance_windows.snapshot.threads import Share
from maintenance_windows.wording.messages import message_in, with_message_in

AHEAD = timedelta(days=30)
MOST = 50  # coming windows, and outages
MOST_READ = 500  # windows, of which those of a recurring window are one line


class Stored(NamedTuple):
    """What the database has of a site: its windows to come, in order, and its past outages."""

    domain: str
    windows: tuple[MaintenanceWindow, ...] = ()
    past: tuple[PastOutage, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicStatus:
    """The status of one site, named `site`, at one moment; messages are in the active language.

    `since` is None if the start is unknown, as while a setting takes every site down. `coming`
    are windows, `outages` what they make together; one that the present maintenance ends in is
    part of that. `planned` and `repeated` are the same outages, those of a recurring window in one
    entry. `full_ahead` are the times at which the present outage is still to become full.
    `announced` is what the banner tells of. `past` is None unless the project shows it.

    Unless `is_complete`, the database is down, and only what starts within the hour or so is
    there. Unless `is_known`, not even the present state is known.
    """

    site: str
    maintenance: Maintenance | None
    since: datetime | None
    announced: Maintenance | None
    coming: tuple[Closure, ...]
    outages: tuple[Outage, ...]
    planned: tuple[Outage, ...]
    repeated: tuple[Repeated, ...]
    full_ahead: tuple[Span, ...]
    past: tuple[PastOutage, ...] | None
    is_complete: bool
    is_known: bool

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
            "full_until": rfc3339(maintenance.full_until if maintenance else None),
            "message": maintenance and maintenance.message,
            "retry_after": maintenance
            and retry_after(maintenance, now, conf.MAINTENANCE_RETRY_AFTER),
            "announced": self.announced
            and {
                **_times(Span(self.announced.since, self.announced.until)),
                "level": self.announced.level.value,
                "message": self.announced.message,
            },
            "coming": [
                {**_times(one.span), "level": one.level.value, "message": one.message}
                for one in self.coming
            ],
            "outages": [
                {
                    **_times(one.span),
                    "level": one.level.value,
                    "parts": [
                        {**_times(part.span), "level": part.level.value} for part in one.parts
                    ],
                    "messages": list(one.messages),
                }
                for one in self.outages
            ],
            "complete": self.is_complete,
        }


def public_status(
    request: HttpRequest, now: datetime, *, from_memory: bool = False
) -> PublicStatus:
    """Return the status of the request's site: the maintenance is the one that the 503 shows.

    Coming windows are read from the database, or from memory while it is down, or if that is
    enough. Raises Http404 if the database has no site for the host.
    """
    snapshot = runtime.current()
    state = site_state(request, snapshot)
    maintenance = state.at(now) if state else None
    announced = state.upcoming(now, conf.MAINTENANCE_BANNER_LEAD) if state else None
    host = conf.SITE_ID or request.get_host()
    stored = None
    if not from_memory:
        stored = runtime.query_with_deadline(lambda: _stored(request, now), Share.STATUS, key=host)
    domain = stored.domain if stored else state and state.domain
    rows = stored.windows if stored else ()
    closures = [row.closure(now) for row in rows] if stored else _known(state, now)
    coming = tuple(map(with_message_in, closures))
    joined = _joined(coming, maintenance, now)
    planned, repeated = fold(joined, {row.pk: row for row in rows})
    return PublicStatus(
        site=domain or request.get_host(),
        maintenance=maintenance and with_message_in(maintenance),
        since=maintenance.since if maintenance and state and state.domain else None,
        announced=announced and with_message_in(announced),
        coming=coming[:MOST],
        outages=tuple(joined[:MOST]),
        planned=tuple(planned[:MOST]),
        repeated=tuple(repeated[:MOST]),
        full_ahead=tuple(_full_ahead(coming, maintenance)[:MOST]),
        past=_told(stored.past) if stored else None,
        is_complete=stored is not None,
        is_known=stored is not None or snapshot is not NOTHING or conf.MAINTENANCE_FORCE == "off",
    )


def _times(span: Span) -> Mapping[str, str | None]:
    return {"starts_at": rfc3339(span.start), "ends_at": rfc3339(span.end)}


def _joined(
    coming: Iterable[Closure], maintenance: Maintenance | None, now: datetime
) -> list[Outage]:
    """Return the coming outages, without what the present maintenance ends in.

    One without an end may end at any time, so that what is planned meanwhile counts.
    """
    until = maintenance.until if maintenance else None
    later = [one for one in coming if until is None or one.span.start > until]
    return outages(one for one in later if one.span.start > now)


def _full_ahead(coming: Iterable[Closure], maintenance: Maintenance | None) -> list[Span]:
    """Return the full parts of the present outage that have not begun, in order of time."""
    if maintenance is None:
        return []
    stricter, until = maintenance.stricter, maintenance.until
    full = [one.span for one in coming if one.level is Level.FULL and until]
    full += [Span(stricter.since, stricter.until)] if stricter else []
    begun = maintenance.full_until
    return [
        span
        for span in merge(full)
        if (until is None or span.start < until) and (begun is None or span.start > begun)
    ]


def _told(past: tuple[PastOutage, ...] | None) -> tuple[PastOutage, ...] | None:
    if past is None:
        return None
    return tuple(
        one._replace(messages=tuple(dict.fromkeys(map(message_in, one.messages)))) for one in past
    )


def _stored(request: HttpRequest, now: datetime) -> Stored:
    site = site_or_404(request)
    return Stored(
        domain=site.domain,
        windows=_windows(site, now),
        past=past_outages(site, now) if conf.MAINTENANCE_PUBLIC_HISTORY else None,
    )


def _windows(site: Site, now: datetime) -> tuple[MaintenanceWindow, ...]:
    windows = (
        MaintenanceWindow.objects.public(now)
        .filter(KNOWN_LEVEL, site=site, starts_at__gt=now, starts_at__lte=now + AHEAD)
        .defer("title", "created_by")
        .select_related("series")
        .order_by("starts_at", "pk")
    )
    return tuple(windows[:MOST_READ])


def _known(state: SiteState | None, now: datetime) -> list[Closure]:
    known = state.public(now).closures if state else ()
    ahead = [closure for closure in known if closure.span.start > now]
    return sorted(ahead, key=lambda closure: closure.span.start)
