"""What becomes of the events without a window when freezes are made or ended."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

from maintenance_windows.core.freezes import FreezeCalendar, Freezing
from maintenance_windows.core.recurrence import LONGEST_WINDOW, Occurrence
from maintenance_windows.models import Freeze, WindowSeries
from maintenance_windows.models.querysets import among
from maintenance_windows.planning import frozen
from maintenance_windows.planning.series.dates import since_when
from maintenance_windows.planning.series.events import (
    DAY,
    OccurrenceEvent,
    cancelled_by_series,
    coming,
    drop,
    due,
    end_of,
    named_rows,
)

APART = timedelta(days=31)  # frozen times that are farther apart are looked at one by one

Times = list[tuple[datetime, datetime]]


@contextmanager
def follow_freezes(now: datetime) -> Iterator[None]:
    """Cancel the events that freezes made inside take away, and announce those that return.

    Use it inside `locked()`: the calendar then never shows a freeze without them.
    """
    before = _read(now)
    yield
    after = _read(now)
    changed = set(before) ^ set(after)
    times = _joined(time[:2] for one in changed for time in one.times(now, end_of(now)))
    if times:
        calendars = FreezeCalendar(before), FreezeCalendar(after)
        if differences := _differences(_concerned(changed), times, *calendars, now):
            _follow(differences, now)


def _read(now: datetime) -> list[Freezing]:
    return frozen.freezings(Freeze.objects.after(since_when(now)))


def _concerned(changed: Collection[Freezing]) -> list[WindowSeries]:
    found = WindowSeries.objects.going_on().select_related("site").order_by("pk")
    if all(one.sites is not None for one in changed):
        found = found.filter(site__in=among({pk for one in changed for pk in one.sites or ()}))
    return list(found)


def _joined(times: Iterable[tuple[datetime, datetime]]) -> Times:
    """Return times that contain all of these, few enough to expand every rule over them."""
    joined: Times = []
    for start, end in sorted(times):
        if joined and start < joined[-1][1] + APART:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined


class Difference(NamedTuple):
    """The occurrences of a series that freezes take away, and those that they give back."""

    taken: list[Occurrence]
    returned: list[Occurrence]


def _differences(
    series: Iterable[WindowSeries],
    times: Times,
    before: FreezeCalendar,
    after: FreezeCalendar,
    now: datetime,
) -> dict[WindowSeries, Difference]:
    found: dict[WindowSeries, Difference] = {}
    for each in series:
        site, differ = [each.site_id], Difference([], [])
        for one in _within(each, times, now):
            was, is_now = (freezes.first(site, *one[1:]) is not None for freezes in (before, after))
            if was is not is_now:
                (differ.taken if is_now else differ.returned).append(one)
        if differ.taken or differ.returned:
            found[each] = differ
    return found


def _within(series: WindowSeries, times: Times, now: datetime) -> Collection[Occurrence]:
    stop = end_of(now)
    spans = ((max(start, now), min(end, stop)) for start, end in times)
    found = (one for start, end in spans for one in due(series, start, end, FreezeCalendar()))
    return {one.date: one for one in found}.values()


def _follow(differences: dict[WindowSeries, Difference], now: datetime) -> None:
    ids = [series.pk for series in differences]
    rows = named_rows(ids, (now - LONGEST_WINDOW - 4 * DAY).date())
    cancelled = cancelled_by_series(ids)
    dropped: list[tuple[WindowSeries, OccurrenceEvent]] = []
    returning = []
    for series, (taken, returned) in differences.items():
        windows, numbers = rows.get(series.pk, []), cancelled.get(series.pk, {})
        dropped += ((series, one) for one in coming(series, windows, numbers, taken))
        if any(one.uid in numbers for one in coming(series, windows, numbers, returned)):
            returning.append(series.pk)
    drop(dropped, now)
    WindowSeries.objects.filter(pk__in=returning).update(changed_at=now)
