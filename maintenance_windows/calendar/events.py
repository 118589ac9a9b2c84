"""The calendars of planned downtime, read from the rows.

They hold the windows that are not over for more than 90 days, cancelled ones among them, and all
that are to come; of series also the occurrences of a year for which no window was made yet. An
event has the times that were planned, or those that really were where somebody started or ended
the window by hand.

Where there are very many, they hold the 100 that were over last before today and the next 400.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.sites.models import Site
from django.db.models import Q, QuerySet

from maintenance_windows.calendar import uids
from maintenance_windows.calendar.ical import CalendarEvent, render
from maintenance_windows.core.intervals import Span
from maintenance_windows.core.recurrence import Occurrence
from maintenance_windows.core.state import Level
from maintenance_windows.exceptions import RuleError
from maintenance_windows.models import Change, MaintenanceWindow, WindowSeries
from maintenance_windows.models.base import KNOWN_LEVEL, Planned
from maintenance_windows.models.querysets import RUNNING

DAY = timedelta(days=1)
KEPT = 90 * DAY
AHEAD = 366 * DAY
MOST_OVER, MOST_AHEAD = 100, 400  # events
MOST = MOST_OVER + MOST_AHEAD
MOVES = frozenset({"starts_at", "ends_at", "started_at", "ended_at", "cancelled_at"})
# What gives other times to the dates that a series has.
MOVES_OF_SERIES = frozenset({"start_time", "length", "zone"})

Changes = Mapping[int, list[Change]]
Named = defaultdict[str, list[MaintenanceWindow]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLog:
    """The changes of windows and of series, by id, oldest first; for readers of titles or not."""

    windows: Changes
    series: Changes
    titles: bool

    def of_series_before(self, window: MaintenanceWindow) -> list[Change]:
        """What became of its series until the window was made."""
        changes = self.series.get(window.series_id or 0, [])
        return [change for change in changes if change.at <= window.created_at]

    def moves(self, windows: Iterable[MaintenanceWindow]) -> int:
        """How often they were moved or cancelled."""
        return sum(_number(self.windows.get(window.pk, []), MOVES) for window in windows)

    def uid(self, window: MaintenanceWindow) -> str:
        of_series = self.series.get(window.series_id or 0, [])
        return uids.of_window(window, self.windows.get(window.pk, []), of_series)

    def texts(self, planned: Planned) -> dict[str, Any]:
        title = planned.title if self.titles else ""
        return {"level": Level(planned.level), "title": title, "message": planned.message}


def of_site(site: Site, now: datetime) -> bytes:
    """For everyone: without titles, nor a trace of when one was changed."""
    return render(f"Maintenance: {site.domain}", _events(Q(site=site), now, titles=False))


def of_all_sites(now: datetime) -> bytes:
    """For staff: with titles."""
    return render("Maintenance of all sites", _events(Q(), now, titles=True))


def _events(chosen: Q, now: datetime, *, titles: bool) -> tuple[CalendarEvent, ...]:
    # Whole days, so that the bytes change once a day at the most when nothing else does.
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    windows = MaintenanceWindow.objects.filter(KNOWN_LEVEL, chosen)
    series = WindowSeries.objects.filter(KNOWN_LEVEL, chosen)
    period = Span(today - KEPT, None)
    ids = set(_near(period, chosen)[: MOST + 1])
    if len(ids) > MOST:
        period = _narrowed(period, windows, today)
        ids = set(_near(period, chosen))
    # Before the rows: where one is moved in between, its SEQUENCE goes up with the next answer.
    log = ChangeLog(
        windows=_changes("window_id", Change.objects.filter(window__in=ids), titles=titles),
        series=_changes("series_id", Change.objects.filter(series__in=series), titles=titles),
        titles=titles,
    )
    named = _named(windows.filter(pk__in=ids), log)
    events = {
        uid: _of_windows(uid, same, log)
        for uid, same in named.items()
        if (same[-1].ended_at or same[-1].ends_at) > period.start
    }
    made = {(window.series_id, window.occurs_on) for same in named.values() for window in same}
    stop = min(today + AHEAD, period.end or today + AHEAD)
    for one in series.filter(ended_at=None).select_related("site"):
        for occurrence in _occurrences(one, now, stop):
            if (one.pk, occurrence.date) not in made and occurrence.starts_at >= period.start:
                uid = uids.of_occurrence(one, occurrence.date)
                events[uid] = _of_occurrence(uid, one, occurrence, named[uid], log)
    return _nearest(events.values(), today)


def _narrowed(period: Span, windows: QuerySet[MaintenanceWindow], today: datetime) -> Span:
    """As much of the period as the number of its windows allows."""
    starts = windows.values_list("starts_at", flat=True)
    over = starts.filter(starts_at__gt=period.start, starts_at__lt=today).order_by("-starts_at")
    ahead = starts.filter(starts_at__gte=today).order_by("starts_at")
    first, last = over[MOST_OVER:][:1].first(), ahead[MOST_AHEAD:][:1].first()
    return Span(first or period.start, last)


def _near(period: Span, chosen: Q) -> QuerySet[Any, Any]:
    """The ids of windows of the period, and of those that series made for it and people moved.

    Some come twice: those of all sites are asked for in parts, for each of which is an index.
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
    # Django 5.2.0 does not slice a union of one.
    return found.union(*others, all=True) if others else found


def _nearest(events: Iterable[CalendarEvent], today: datetime) -> tuple[CalendarEvent, ...]:
    """As many as a calendar is good for; those that are to come first."""
    in_order = sorted(events, key=lambda event: (event.starts_at, event.uid))
    over = [event for event in in_order if event.ends_at <= today]
    ahead = [event for event in in_order if event.ends_at > today]
    return (*over[-MOST_OVER:], *ahead[:MOST_AHEAD])


def _named(windows: QuerySet[MaintenanceWindow], log: ChangeLog) -> Named:
    """The windows by UID: the last one, and cancelled ones whose date is back."""
    named: Named = defaultdict(list)
    for window in windows.select_related("site", "series").order_by("pk"):
        uid = log.uid(window)
        # Where a series left a zone and came back to it, one that people moved may have the date.
        if not all(earlier.cancelled_at for earlier in named[uid]):
            uid = uids.alone(window)
        named[uid].append(window)
    return named


def _of_windows(uid: str, same: list[MaintenanceWindow], log: ChangeLog) -> CalendarEvent:
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
        site=window.site.domain,
        **log.texts(window),
    )


def _of_occurrence(
    uid: str,
    series: WindowSeries,
    occurrence: Occurrence,
    cancelled: list[MaintenanceWindow],
    log: ChangeLog,
) -> CalendarEvent:
    """What the window will be, so that making it changes nothing."""
    changes = log.series.get(series.pk, [])
    moves = _number(changes, MOVES_OF_SERIES) + log.moves(cancelled)
    return CalendarEvent(
        uid=uid,
        sequence=moves + len(cancelled),
        changed_at=_last(series, changes),
        starts_at=occurrence.starts_at,
        ends_at=occurrence.ends_at,
        cancelled=False,
        site=series.site.domain,
        **log.texts(series),
    )


def _changes(owner: str, changes: QuerySet[Change], *, titles: bool) -> Changes:
    """Those of a title alone are there for readers of titles only."""
    by_owner = defaultdict(list)
    for change in changes.order_by("at", "pk"):
        if titles or change.changes.keys() != {"title"}:
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
        return  # somebody wrote it with SQL; no windows are made of it either
