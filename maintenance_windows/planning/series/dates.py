"""The dates of occurrences: which of them still matter, and their names in another time zone."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

from maintenance_windows.core.recurrence import FIRST, LAST, LONGEST_WINDOW
from maintenance_windows.exceptions import RuleError
from maintenance_windows.models import WindowSeries

DAY = timedelta(days=1)


class Named(Protocol):
    """A window, as far as its date goes."""

    @property
    def id(self) -> int: ...

    @property
    def occurs_on(self) -> date | None: ...

    @property
    def starts_at(self) -> datetime: ...


def since_when(now: datetime) -> datetime:
    """Return the time since which freezes matter to occurrences that are not over at `now`.

    A freeze that ended in the middle of an occurrence has kept it away for good.
    """
    return now - LONGEST_WINDOW - 2 * DAY


def first_date(series: WindowSeries, now: datetime) -> date:
    """Return the first date that matters: a window of an earlier one is over in every zone."""
    return (past(series, now) - 2 * DAY).date()


def past(series: WindowSeries, now: datetime) -> datetime:
    """Return a time such that each window of the series that started before it is over."""
    return now - min(series.length, LONGEST_WINDOW) - 2 * DAY


def renamed(
    windows: Collection[Named],
    stored: WindowSeries,
    series: WindowSeries,
    now: datetime,
) -> dict[int, date | None]:
    """Return the new dates of windows whose instants have another date in a new zone, by id.

    Midnight in Berlin is the evening before in UTC: the night that somebody cancelled stays.
    """
    if stored.zone == series.zone:
        return {}
    since = past(series, now)
    stop = max((window.starts_at for window in windows), default=since) + 2 * DAY
    names = {one.starts_at: one.date for one in series.recurrence().occurrences(since, stop)}
    try:
        before = list(stored.recurrence().occurrences(since, stop))
    except RuleError:
        return {}  # of a zone that is no more nobody knows the instants
    others = {one.date: names[one.starts_at] for one in before if one.starts_at in names}
    dates = {window.id: window.occurs_on for window in windows}
    same = {pk: others[day] for pk, day in dates.items() if day in others}
    taken = set(same.values())
    new = {pk: same.get(pk, None if day in taken else day) for pk, day in dates.items()}
    return {pk: day for pk, day in new.items() if day != dates[pk]}


def rename_skipped(series: WindowSeries, stored: WindowSeries) -> None:
    """Give the skipped dates the names that their instants have in another zone, as renamed()."""
    if stored.zone == series.zone or not series.excluded:
        return
    days = [date.fromisoformat(day) for day in series.excluded]
    try:
        others = {day: new for day in days if (new := _name_in(series, stored, day))}
    except RuleError:
        return
    taken = set(others.values())
    kept = (others.get(day, None if day in taken else day) for day in days)
    series.excluded = sorted({day.isoformat() for day in kept if day})


def _name_in(series: WindowSeries, stored: WindowSeries, day: date) -> date | None:
    """Return the date that the instant of a stored date has in the series, if it has one."""
    if not FIRST < day < LAST:
        return None
    noon = datetime.combine(day, time(12), UTC)
    after, before = (
        replace(one.recurrence(), excluded=frozenset()).occurrences(noon - 3 * DAY, noon + 3 * DAY)
        for one in (series, stored)
    )
    starts = {one.date: one.starts_at for one in before}
    return next((one.date for one in after if one.starts_at == starts.get(day)), None)
