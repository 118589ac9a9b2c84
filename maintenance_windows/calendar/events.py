"""The events of the calendars, read from the database.

A calendar holds the windows that ended within the last 90 days, including cancelled ones, all
coming windows, and a year of occurrences for which no window exists yet. An event has the planned
times, or the actual ones if somebody started or ended the window by hand.

A calendar holds at most the last 250 events before today and the next 1,000: those of two nightly
windows.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.sites.models import Site
from django.db.models import Q, QuerySet

from maintenance_windows.calendar.freezes import of_freezes
from maintenance_windows.calendar.ical import CalendarEvent, render
from maintenance_windows.core.intervals import Span
from maintenance_windows.core.recurrence import LONGEST_WINDOW, Occurrence
from maintenance_windows.core.state import Level
from maintenance_windows.models import CancelledOccurrence, MaintenanceWindow, WindowSeries
from maintenance_windows.models.base import KNOWN_LEVEL, Planned
from maintenance_windows.models.querysets import RUNNING
from maintenance_windows.planning import frozen
from maintenance_windows.planning.series.dates import since_when
from maintenance_windows.planning.series.events import (
    AHEAD,
    DAY,
    KEPT,
    NamedRow,
    OccurrenceEvent,
    coming,
    due,
    end_of,
    make_uid,
)
from maintenance_windows.wording.messages import message_in

MOST_OVER, MOST_AHEAD = 250, 1000  # events
MOST = MOST_OVER + MOST_AHEAD


def of_site(site: Site, now: datetime) -> bytes:
    """Return a site's calendar for everyone, without titles and without traces of their changes."""
    return render(f"Maintenance: {site.domain}", _events(Q(site=site), now, titles=False))


def of_all_sites(now: datetime) -> bytes:
    """Return the calendar of all sites for staff, with titles and freezes."""
    return render("Maintenance of all sites", _events(Q(), now, titles=True))


def _events(chosen: Q, now: datetime, *, titles: bool) -> tuple[CalendarEvent, ...]:
    # Whole days, so that the bytes of an unchanged calendar change at most once a day.
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    windows = MaintenanceWindow.objects.filter(KNOWN_LEVEL, chosen)
    near = Q(ended_at=None) | Q(ended_at__gt=now - AHEAD - KEPT)
    series = WindowSeries.objects.filter(near, KNOWN_LEVEL, chosen)
    period = Span(today - KEPT, None)
    ids = set(_near(period, chosen)[: MOST + 1])
    if len(ids) > MOST:
        period = _narrowed(period, windows, today)
        ids = set(_near(period, chosen))
    found = list(windows.filter(pk__in=ids).select_related("site").order_by("pk"))
    told = [
        _window_event(window, titles=titles)
        for window in found
        if (window.ended_at or window.ends_at) > period.start and (titles or window.is_public(now))
    ]
    unmade = _coming(list(series.select_related("site")), found, now, period)
    told += [
        _occurrence_event(one, event, cancelled_at, titles=titles)
        for one, event, cancelled_at in unmade
        if titles or one.is_public(cancelled_at or now)
    ]
    if titles:
        told += of_freezes(period, now, min(end_of(now), period.end or end_of(now)))
    return _nearest(told, today)


def _coming(
    all_series: list[WindowSeries], windows: list[MaintenanceWindow], now: datetime, period: Span
) -> Iterator[tuple[WindowSeries, OccurrenceEvent, datetime | None]]:
    """Yield events without a window, and when those that a series has dropped were cancelled."""
    rows, cancelled = defaultdict(list), defaultdict(list)
    for window in windows:
        rows[window.series_id].append(NamedRow(window.pk, window.uid, window.occurs_on))
    dropped = CancelledOccurrence.objects.filter(
        series__in=[one.pk for one in all_series], ends_at__gt=period.start
    )
    for one in dropped:
        cancelled[one.series_id].append(one)
    stop = min(end_of(now), period.end or end_of(now))
    freezes = frozen.read(since_when(now))
    for series in all_series:
        occurrences = due(series, now, stop, freezes)
        numbers = {one.uid: one.sequence for one in cancelled[series.pk]}
        served = {row.uid for row in rows[series.pk]}
        for event in coming(series, rows[series.pk], numbers, occurrences):
            served.add(event.uid)
            if event.occurrence.starts_at >= period.start:
                yield series, event, None
        for one in cancelled[series.pk]:
            if one.uid not in served:
                times = Occurrence(one.starts_at.date(), one.starts_at, one.ends_at)
                yield series, OccurrenceEvent(one.uid, one.sequence, times), one.changed_at


def _narrowed(period: Span, windows: QuerySet[MaintenanceWindow], today: datetime) -> Span:
    """Shorten the period until it has at most MOST windows."""
    starts = windows.values_list("starts_at", flat=True)
    over = starts.filter(starts_at__gt=period.start, starts_at__lt=today).order_by("-starts_at")
    ahead = starts.filter(starts_at__gte=today).order_by("starts_at")
    first, last = over[MOST_OVER:][:1].first(), ahead[MOST_AHEAD:][:1].first()
    return Span(first or period.start, last)


def _near(period: Span, chosen: Q) -> QuerySet[Any, Any]:
    """Return the ids of the windows in the period, or moved out of it from their occurrence.

    May yield duplicates, because all sites take one query for each index.
    """
    begins, on_date = Q(), Q(occurs_on__gte=(period.start - 2 * DAY).date())
    if period.end:
        begins = Q(starts_at__lt=period.end)
        on_date &= Q(occurs_on__lte=(period.end + 2 * DAY).date())
    ends = Q(ended_at__gt=period.start) | Q(ended_at=None, ends_at__gt=period.start)
    parts = [begins & ends | on_date]
    if not chosen:
        before = Q(starts_at__lt=period.start, ends_at__gt=period.start)
        over = Q(starts_at__gte=period.start - LONGEST_WINDOW, ended_at__gt=period.start)
        series = list(WindowSeries.objects.going_on().values_list("pk", flat=True))
        parts = [
            begins & Q(starts_at__gte=period.start),
            RUNNING & before,
            over & Q(starts_at__lt=period.start),
            on_date & Q(series__in=series),
        ]
    windows = MaintenanceWindow.objects.filter(KNOWN_LEVEL, chosen).values_list("pk", flat=True)
    found, *others = [windows.filter(part) for part in parts]
    # Django 5.2.0 cannot slice a union of a single query.
    return found.union(*others, all=True) if others else found


def _nearest(events: Iterable[CalendarEvent], today: datetime) -> tuple[CalendarEvent, ...]:
    """Keep the last MOST_OVER past events and the next MOST_AHEAD, ordered by start."""
    in_order = sorted(events, key=lambda event: (event.starts_at, event.uid))
    over = [event for event in in_order if event.ends_at <= today]
    ahead = [event for event in in_order if event.ends_at > today]
    return (*over[-MOST_OVER:], *ahead[:MOST_AHEAD])


def uid_of(window: MaintenanceWindow) -> UUID:
    return window.uid or make_uid("window", window.pk, window.created_at.isoformat())


def _window_event(window: MaintenanceWindow, *, titles: bool) -> CalendarEvent:
    return CalendarEvent(
        uid=str(uid_of(window)),
        sequence=window.sequence,
        changed_at=_changed_at(window, titles=titles),
        starts_at=window.begins_at,
        ends_at=window.ended_at or window.ends_at,
        cancelled=window.cancelled_at is not None,
        **_texts(window, titles=titles, cancelled=window.cancelled_at is not None),
    )


def _occurrence_event(
    series: WindowSeries, event: OccurrenceEvent, cancelled_at: datetime | None, *, titles: bool
) -> CalendarEvent:
    """Return the event that the window will have, so that creating the window changes nothing."""
    changed_at = _changed_at(series, titles=titles)
    return CalendarEvent(
        uid=str(event.uid),
        sequence=event.sequence,
        changed_at=max(changed_at, cancelled_at or changed_at),
        starts_at=event.occurrence.starts_at,
        ends_at=event.occurrence.ends_at,
        cancelled=cancelled_at is not None,
        **_texts(series, titles=titles, cancelled=cancelled_at is not None),
    )


def _changed_at(planned: Planned, *, titles: bool) -> datetime:
    """Return when the event last changed: to those who see no titles a new one is no change."""
    changes = [planned.changed_at, planned.retitled_at if titles else None]
    return max(filter(None, changes), default=planned.created_at)


def _texts(
    planned: MaintenanceWindow | WindowSeries, *, titles: bool, cancelled: bool
) -> dict[str, Any]:
    """Describe an event, in one language, so that every client gets the same bytes.

    Some programs overlook STATUS, so a cancelled event says so in its summary as well.
    """
    kind = "Read-only maintenance" if planned.level == Level.READ_ONLY else "Maintenance"
    title = f" ({planned.title})" if titles and planned.title else ""
    return {
        "summary": f"{'Cancelled: ' if cancelled else ''}{kind}: {planned.site.domain}{title}",
        "description": message_in(planned.message, settings.LANGUAGE_CODE),
        "busy": False,  # nobody is busy because a site is down
    }
