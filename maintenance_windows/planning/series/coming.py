"""The next windows of a recurring window as it is, and what ending it would do. Nothing is written.

Unlike a preview this includes the dates that are skipped, and windows that were cancelled.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import chain, islice

from maintenance_windows.core.freezes import FreezeCalendar, FrozenTime
from maintenance_windows.exceptions import RuleError
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.models.querysets import WAITING, Status
from maintenance_windows.planning import frozen
from maintenance_windows.planning.series.dates import first_date, since_when
from maintenance_windows.planning.series.plan import SeriesPlanner

MOST_SEARCHED = 1000  # dates


@dataclass(frozen=True, slots=True, kw_only=True)
class ComingWindow:
    """One of the next windows. `window` is None where it is not made yet, or never will be.

    `day` is the local date in the rule, None of a window that lost it to another one. `skipped`
    is set where the recurring window leaves the date out, `frozen` where a freeze is why.
    """

    day: date | None
    starts_at: datetime
    ends_at: datetime
    status: Status
    window: MaintenanceWindow | None = None
    skipped: bool = False
    frozen: FrozenTime | None = None

    @property
    def takes_place(self) -> bool:
        return not self.skipped and self.status is not Status.CANCELLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What ending would do: how many windows it cancels, and which edited ones stay."""

    cancelled: int
    kept: list[MaintenanceWindow]


def coming(
    series: WindowSeries, now: datetime, number: int
) -> tuple[list[ComingWindow], ComingWindow | None]:
    """Return the next windows that are not over, the skipped and cancelled ones among them.

    The second value is the window in progress, or else the next one that takes place, which may
    come after all those.
    """
    found, dates = _coming(series, now)
    near = list(islice(dates, number))
    later = chain(near, islice(dates, MOST_SEARCHED))
    due = [one for one in found if one.takes_place]
    due += islice((one for one in later if one.takes_place), 1)
    return sorted([*found, *near], key=_order)[:number], min(due, key=_order, default=None)


def _order(one: ComingWindow) -> tuple[datetime, datetime]:
    return one.starts_at, one.ends_at


def _coming(
    series: WindowSeries, now: datetime
) -> tuple[list[ComingWindow], Iterator[ComingWindow]]:
    """Return those that have a window, and the other dates of the rule.

    A cancelled window counts only if the rule still has its date.
    """
    made = _made(series, now)
    days = {window.occurs_on for window in made}
    freezes = frozen.read(since_when(now))
    own = [_of_window(window, now, freezes) for window in made]
    found = [
        one
        for one in own
        if one.status is not Status.COMPLETED
        and (one.status is not Status.CANCELLED or _has(series, one.day))
    ]
    if series.ended_at is not None:
        return found, iter(())
    return found, (one for one in _dates(series, now, freezes) if one.day not in days)


def _has(series: WindowSeries, day: date | None) -> bool:
    if series.ended_at is not None:
        return True
    try:
        return day is not None and series.recurrence().has(day)
    except RuleError:
        return True


def ending(series: WindowSeries, now: datetime) -> Ending:
    """Return what ending the recurring window now would do."""
    ended = copy(series)
    ended.ended_at = series.ended_at or now
    cancelled = set(SeriesPlanner([ended], now).plan(ended).cancel)
    rows = series.windows.filter(WAITING, starts_at__gt=now).exclude(edited="")
    kept = rows.filter(occurs_on__isnull=False).exclude(pk__in=cancelled)
    return Ending(cancelled=len(cancelled), kept=list(kept.order_by("starts_at", "pk")))


def _made(series: WindowSeries, now: datetime) -> list[MaintenanceWindow]:
    """Windows whose date the rule may name again, and moved ones that are still to come."""
    near = series.windows.filter(occurs_on__gte=first_date(series, now))
    live = series.windows.live(now)
    return list({window.pk: window for window in (*near, *live)}.values())


def _of_window(window: MaintenanceWindow, now: datetime, freezes: FreezeCalendar) -> ComingWindow:
    status = window.status_at(now)
    if status is Status.CANCELLED and window.ends_at <= now:
        status = Status.COMPLETED
    met = None
    if status is Status.CANCELLED:
        met = freezes.first([window.site_id], max(window.starts_at, now), window.ends_at)
    return ComingWindow(
        day=window.occurs_on,
        starts_at=window.begins_at,
        ends_at=window.ends_at,
        status=status,
        window=window,
        frozen=met,
    )


def _dates(series: WindowSeries, now: datetime, freezes: FreezeCalendar) -> Iterator[ComingWindow]:
    """The dates of the rule, the skipped ones, too. None where SQL wrote an invalid rule."""
    try:
        recurrence = series.recurrence()
        for one in replace(recurrence, excluded=frozenset()).occurrences(now):
            met = freezes.first([series.site_id], one.starts_at, one.ends_at)
            begun = one.starts_at <= now
            yield ComingWindow(
                day=one.date,
                starts_at=one.starts_at,
                ends_at=one.ends_at,
                status=Status.ACTIVE if begun else Status.SCHEDULED,
                skipped=one.date in recurrence.excluded or bool(met),
                frozen=met if one.date not in recurrence.excluded else None,
            )
    except RuleError:
        return
