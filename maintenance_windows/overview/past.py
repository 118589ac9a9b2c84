"""The past outages of a site, as the public page shows them: nothing internal."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from django.contrib.sites.models import Site
from django.db.models import Q

from maintenance_windows.core.intervals import Span, merge
from maintenance_windows.core.state import Level
from maintenance_windows.models import MaintenanceWindow, Transition
from maintenance_windows.models.base import KNOWN_LEVEL

KEPT = timedelta(days=30)
MOST = 50  # outages
MOST_READ = 500  # rows


class PastOutage(NamedTuple):
    """`level` is None for a site that was taken down by hand, of which none is recorded."""

    span: Span
    level: Level | None
    messages: tuple[str, ...]


def past_outages(site: Site, now: datetime) -> tuple[PastOutage, ...]:
    """Return the outages that ended within the last 30 days, the latest first.

    Status changes tell of the maintenance that was no window, and windows of the rest: they start
    and end for visitors while no scheduler records it.
    """
    since = now - KEPT
    windows = _windows(site, since, now)
    spans = {window.pk: _span(window) for window in windows}
    found = []
    for outage in merge([*spans.values(), *_recorded(site, since)]):
        if outage.end is None or outage.end > now:
            continue  # the present one
        inside = [window for window in windows if outage.covers(spans[window.pk].start)]
        levels = {Level(window.level) for window in inside}
        is_covered = outage in merge(spans[window.pk] for window in inside)
        level = Level.FULL if Level.FULL in levels else Level.READ_ONLY if is_covered else None
        messages = tuple(window.message for window in inside if window.message)
        found.append(PastOutage(outage, level, messages))
    return tuple(reversed(found[-MOST:]))


def _windows(site: Site, since: datetime, now: datetime) -> list[MaintenanceWindow]:
    ended = Q(ended_at__gt=since) | Q(ended_at=None, ends_at__gt=since)
    begun = Q(started_at__isnull=False) | Q(starts_at__lte=now)
    windows = MaintenanceWindow.objects.filter(
        KNOWN_LEVEL, ended, begun, site=site, cancelled_at=None
    )
    fields = ("level", "message", "started_at", "ended_at", "starts_at", "ends_at")
    return list(windows.only(*fields).order_by("-starts_at", "-pk")[:MOST_READ])[::-1]


def _span(window: MaintenanceWindow) -> Span:
    return Span(window.begins_at, window.ended_at or window.ends_at)


def _recorded(site: Site, since: datetime) -> Iterator[Span]:
    """Yield the spans between the changes of the flag. The last one may have no end yet."""
    rows = Transition.objects.filter(site=site).order_by("-done_at", "-pk")
    recent = list(rows.filter(done_at__gte=since)[:MOST_READ])[::-1]
    if recent and not recent[0].in_maintenance:
        recent = [*rows.filter(done_at__lt=since)[:1], *recent]
    start: datetime | None = None
    for row in recent:
        if row.in_maintenance:
            start = start or row.due_at
        elif start is not None:
            yield Span(start, max(start, row.due_at))
            start = None
    if start is not None:
        yield Span(start, None)
