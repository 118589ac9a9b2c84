"""What series say beside what their windows say: many looked at together, nothing written."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache, reduce
from operator import or_
from typing import NamedTuple

from django.db import router
from django.db.models import BooleanField, ExpressionWrapper, Q

from maintenance_windows.conf import conf
from maintenance_windows.core.freezes import FreezeCalendar, FrozenTime
from maintenance_windows.core.recurrence import LONGEST_WINDOW, Occurrence
from maintenance_windows.exceptions import RuleError
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.models.querysets import WAITING
from maintenance_windows.models.series import zone
from maintenance_windows.planning import frozen

DAY = timedelta(days=1)


class ExistingWindow(NamedTuple):
    """A window that a series has. Thousands are read at once: a row costs four times as much."""

    id: int
    series_id: int
    occurs_on: date | None
    overridden: bool
    is_upcoming: bool
    level: str
    title: str
    message: str
    starts_at: datetime
    ends_at: datetime

    @property
    def content(self) -> tuple[object, ...]:
        return self[-5:]


class Skipped(NamedTuple):
    """An occurrence that meets a freeze, so that no window is made from it."""

    occurrence: Occurrence
    frozen: FrozenTime


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to become of a series' windows: nothing while they say what the series says.

    Windows that are there are named by id; its length is how many are to be written.
    """

    series: WindowSeries
    make: list[Occurrence]
    change: dict[int, Occurrence]
    cancel: list[int]
    # Those that another date of the series stands for now, or none.
    renamed: dict[int, date | None] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    # Why some of `cancel` are cancelled.
    frozen: dict[int, FrozenTime] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.make) + len(self.change) + len(self.cancel)


class SeriesPlanner:
    """Some series at one time: their windows, and their zones, are read once for all of them."""

    def __init__(
        self,
        series: Collection[WindowSeries],
        now: datetime,
        freezes: FreezeCalendar | None = None,
    ) -> None:
        """`freezes` are those since_when(), where they have been read already."""
        self.series, self.now, self.horizon = series, now, now + conf.MAINTENANCE_SERIES_HORIZON
        self._zone = cache(zone)
        self._existing: defaultdict[int, list[ExistingWindow]] = defaultdict(list)
        for window in _existing(series, now):
            self._existing[window.series_id].append(window)
        self._freezes = frozen.read(since_when(now)) if freezes is None else freezes

    def plans(self) -> list[Plan]:
        """Raises RuleError where one of the series cannot be worked out."""
        return [self.plan(one) for one in self.series]

    def plan(self, series: WindowSeries, stored: WindowSeries | None = None) -> Plan:
        """`stored` is the series as it was, where it is about to change. Raises RuleError."""
        existing = self._existing[series.pk]
        new_names = renamed(existing, stored, series, self.now) if stored else {}
        if new_names:
            dates_of = ((one, new_names.get(one.id, one.occurs_on)) for one in existing)
            existing = [one._replace(occurs_on=day) for one, day in dates_of]
        own = [one for one in existing if one.is_upcoming and not one.overridden]
        by_date, known = {one.occurs_on: one for one in own}, {one.occurs_on for one in existing}
        due, met = self._due(series, own), {}
        for one in due if self._freezes else ():
            if time := self._freezes.first([series.site_id], one.starts_at, one.ends_at):
                met[one.date] = Skipped(one, time)
        due = [one for one in due if one.date not in met]
        not_own = known - by_date.keys()
        dates = {one.date for one in due}
        texts = tuple(getattr(series, name) for name in WindowSeries.TEXTS)
        return Plan(
            series=series,
            make=[one for one in due if one.date not in known and one.starts_at < self.horizon],
            change={
                by_date[one.date].id: one
                for one in due
                if one.date in by_date
                and by_date[one.date].content != (*texts, one.starts_at, one.ends_at)
            },
            cancel=[one.id for one in own if one.occurs_on not in dates],
            renamed=new_names,
            skipped=[
                one
                for day, one in met.items()
                if day not in not_own and one.occurrence.starts_at < self.horizon
            ],
            frozen={by_date[day].id: one.frozen for day, one in met.items() if day in by_date},
        )

    def _due(self, series: WindowSeries, own: Iterable[ExistingWindow]) -> list[Occurrence]:
        if series.ended_at is not None:
            return []
        # Also those that were made when the horizon was farther away, or the zone at the other end.
        stop = max([self.horizon, *(one.starts_at + 3 * DAY for one in own)])
        return list(series.recurrence(self._zone).occurrences(self.now, stop))


def _existing(series: Iterable[WindowSeries], now: datetime) -> Iterator[ExistingWindow]:
    """Those whose date the rule may name again, whatever people did to them."""
    since: defaultdict[date, list[int]] = defaultdict(list)
    for one in series:
        since[first_date(one, now)].append(one.pk)
    parts = (Q(series__in=ids, occurs_on__gte=day) for day, ids in since.items())
    windows = MaintenanceWindow.objects.using(router.db_for_write(MaintenanceWindow))
    found = windows.filter(reduce(or_, parts)) if since else windows.none()
    is_upcoming = ExpressionWrapper(WAITING & Q(starts_at__gt=now), BooleanField())
    rows = found.annotate(is_upcoming=is_upcoming).values_list(*ExistingWindow._fields)
    return map(ExistingWindow._make, rows)


def since_when(now: datetime) -> datetime:
    """No occurrence that is not over at `now` met a freeze that ended before.

    A freeze that ended in the middle of an occurrence has kept it away for good.
    """
    return now - LONGEST_WINDOW - 2 * DAY


def first_date(series: WindowSeries, now: datetime) -> date:
    """What has an earlier date is over, and so far back that no date of another zone meets it."""
    return (_past(series, now) - 2 * DAY).date()


def _past(series: WindowSeries, now: datetime) -> datetime:
    """What started before, on whatever date of its zone, is over."""
    return now - min(series.length, LONGEST_WINDOW) - 2 * DAY


def renamed(
    windows: Collection[ExistingWindow] | Collection[MaintenanceWindow],
    stored: WindowSeries,
    series: WindowSeries,
    now: datetime,
) -> dict[int, date | None]:
    """The dates that the windows' instants have in another zone, by id, where they differ.

    Midnight in Berlin is the evening before in UTC: the night that somebody cancelled stays.
    """
    if stored.zone == series.zone:
        return {}
    since = _past(series, now)
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
