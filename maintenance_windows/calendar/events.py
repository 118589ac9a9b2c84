"""The events of the calendars, read from the database.

A calendar holds the windows that ended within the last 90 days, including cancelled ones, all
coming windows, and a year of occurrences for which no window exists yet. An event has the planned
times, or the actual ones if somebody started or ended the window by hand.

A calendar holds at most the last 100 events before today and the next 400.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sites.models import Site
from django.db.models import Q, QuerySet

from maintenance_windows.calendar import uids
from maintenance_windows.calendar.freezes import of_freezes
from maintenance_windows.calendar.ical import CalendarEvent, render
from maintenance_windows.core.intervals import Span
from maintenance_windows.core.recurrence import Occurrence
from maintenance_windows.core.state import Level
from maintenance_windows.exceptions import RuleError
from maintenance_windows.models import Change, MaintenanceWindow, WindowSeries
from maintenance_windows.models.base import KNOWN_LEVEL, Planned
from maintenance_windows.models.querysets import RUNNING
from maintenance_windows.planning import frozen
from maintenance_windows.planning.series.plan import since_when
from maintenance_windows.wording.messages import message_in

DAY = timedelta(days=1)
KEPT = 90 * DAY
AHEAD = 366 * DAY
MOST_OVER, MOST_AHEAD = 100, 400  # events
MOST = MOST_OVER + MOST_AHEAD
MOVES = frozenset({"starts_at", "ends_at", "started_at", "ended_at", "cancelled_at"})
# The changes of a series that move all its occurrences.
MOVES_OF_SERIES = frozenset({"start_time", "length", "zone"})

# Facts that a site's calendar for everyone does not show.
INTERNAL = frozenset({"title", "freeze", "override"})

Changes = Mapping[int, list[Change]]
Named = defaultdict[str, list[MaintenanceWindow]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLog:
    """The changes of windows and of series by id, oldest first; `titles` shows titles."""

    windows: Changes
    series: Changes
    titles: bool

    def of_series_before(self, window: MaintenanceWindow) -> list[Change]:
        """Return the changes of the window's series before the window was created."""
        changes = self.series.get(window.series_id or 0, [])
        return [change for change in changes if change.at <= window.created_at]

    def moves(self, windows: Iterable[MaintenanceWindow]) -> int:
        """Count how often the windows were moved or cancelled."""
        return sum(_number(self.windows.get(window.pk, []), MOVES) for window in windows)

    def uid(self, window: MaintenanceWindow) -> str:
        of_series = self.series.get(window.series_id or 0, [])
        return uids.of_window(window, self.windows.get(window.pk, []), of_series)

    def texts(self, planned: MaintenanceWindow | WindowSeries) -> dict[str, Any]:
        """Describe an event, in one language, so that every client gets the same bytes."""
        read_only = planned.level == Level.READ_ONLY
        kind = "Read-only maintenance" if read_only else "Maintenance"
        title = f" ({planned.title})" if self.titles and planned.title else ""
        return {
            "summary": f"{kind}: {planned.site.domain}{title}",
            "description": message_in(planned.message, settings.LANGUAGE_CODE),
        }


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
    series = WindowSeries.objects.filter(KNOWN_LEVEL, chosen)
    period = Span(today - KEPT, None)
    ids = set(_near(period, chosen)[: MOST + 1])
    if len(ids) > MOST:
        period = _narrowed(period, windows, today)
        ids = set(_near(period, chosen))
    # Read the log before the windows: a move in between then raises SEQUENCE the next time.
    log = ChangeLog(
        windows=_changes("window_id", Change.objects.filter(window__in=ids), titles=titles),
        series=_changes("series_id", Change.objects.filter(series__in=series), titles=titles),
        titles=titles,
    )
    named = _named(windows.filter(pk__in=ids), log)
    events = {
        uid: _window_event(uid, same, log)
        for uid, same in named.items()
        if (same[-1].ended_at or same[-1].ends_at) > period.start
    }
    exist = {(window.series_id, window.occurs_on) for same in named.values() for window in same}
    stop = min(today + AHEAD, period.end or today + AHEAD)
    freezes = frozen.read(since_when(now))
    for one in series.filter(ended_at=None).select_related("site"):
        for occurrence in _occurrences(one, now, stop):
            if (one.pk, occurrence.date) not in exist and occurrence.starts_at >= period.start:
                if freezes.first([one.site_id], occurrence.starts_at, occurrence.ends_at):
                    continue  # no window will be made from it
                uid = uids.of_occurrence(one, occurrence.date)
                events[uid] = _occurrence_event(uid, one, occurrence, named[uid], log)
    if titles:
        events |= {event.uid: event for event in of_freezes(period, stop)}
    return _nearest(events.values(), today)


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
        series = list(WindowSeries.objects.going_on().values_list("pk", flat=True))
        parts = [
            begins & Q(starts_at__gte=period.start),
            RUNNING & before,
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


def _named(windows: QuerySet[MaintenanceWindow], log: ChangeLog) -> Named:
    """Group windows by UID: the last is current, earlier ones were cancelled before it."""
    named: Named = defaultdict(list)
    for window in windows.select_related("site", "series").order_by("pk"):
        uid = log.uid(window)
        # If a series returned to an earlier zone, a window that was moved may have the date.
        if not all(earlier.cancelled_at for earlier in named[uid]):
            uid = uids.alone(window)
        named[uid].append(window)
    return named


def _window_event(uid: str, same: list[MaintenanceWindow], log: ChangeLog) -> CalendarEvent:
    window = same[-1]
    before = log.of_series_before(window)
    moves = _number(before, MOVES_OF_SERIES) + log.moves(same)
    changes = before + log.windows.get(window.pk, [])
    return CalendarEvent(
        uid=uid,
        sequence=moves + len(same) - 1,
        changed_at=_last(window.series or window, changes),
        starts_at=window.begins_at,
        ends_at=window.ended_at or window.ends_at,
        cancelled=window.cancelled_at is not None,
        **log.texts(window),
    )


def _occurrence_event(
    uid: str,
    series: WindowSeries,
    occurrence: Occurrence,
    cancelled: list[MaintenanceWindow],
    log: ChangeLog,
) -> CalendarEvent:
    """Return the event that the window will have, so that creating the window changes nothing."""
    changes = log.series.get(series.pk, [])
    moves = _number(changes, MOVES_OF_SERIES) + log.moves(cancelled)
    return CalendarEvent(
        uid=uid,
        sequence=moves + len(cancelled),
        changed_at=_last(series, changes),
        starts_at=occurrence.starts_at,
        ends_at=occurrence.ends_at,
        cancelled=False,
        **log.texts(series),
    )


def _changes(owner: str, changes: QuerySet[Change], *, titles: bool) -> Changes:
    """Group changes by owner; leave out those of internal facts alone unless titles are shown."""
    by_owner = defaultdict(list)
    for change in changes.order_by("at", "pk"):
        if titles or change.changes.keys() - INTERNAL:
            by_owner[getattr(change, owner)].append(change)
    return by_owner


def _number(changes: Iterable[Change], moves: frozenset[str]) -> int:
    return sum(not moves.isdisjoint(change.changes) for change in changes)


def _last(planned: Planned, changes: Iterable[Change]) -> datetime:
    return max([planned.created_at, *(change.at for change in changes)])


def _occurrences(series: WindowSeries, now: datetime, stop: datetime) -> Iterator[Occurrence]:
    try:
        yield from series.recurrence().occurrences(now, stop)
    except RuleError:
        return  # an invalid rule, written with SQL; no windows are created from it either
