"""Plans: the changes that make the windows of series match these. Nothing is written."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache, reduce
from operator import or_
from typing import NamedTuple

from django.db.models import BooleanField, ExpressionWrapper, Q

from maintenance_windows.conf import conf
from maintenance_windows.core.freezes import FreezeCalendar, FrozenTime
from maintenance_windows.core.recurrence import Occurrence
from maintenance_windows.exceptions import RuleError
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.models.querysets import WAITING
from maintenance_windows.models.series import zone
from maintenance_windows.planning import frozen
from maintenance_windows.planning.series.dates import first_date, past, renamed, since_when

DAY = timedelta(days=1)
# Of a window: WindowSeries.TEXTS, start and end.
Content = tuple[object, ...]


class ExistingWindow(NamedTuple):
    """A window that a series has. Thousands are read at once: a row costs four times as much."""

    id: int
    series_id: int
    occurs_on: date | None
    edited: str
    is_upcoming: bool
    cancelled_at: datetime | None
    level: str
    title: str
    message: str
    published_at: datetime | None
    banner_lead: timedelta | None
    starts_at: datetime
    ends_at: datetime

    @property
    def content(self) -> Content:
        return self[-7:]

    @property
    def is_own(self) -> bool:
        """Whether the series may change the window: it waits, or the series itself cancelled it."""
        if self.cancelled_at is None:
            return self.is_upcoming
        return "cancelled" not in self.edited

    @property
    def is_moved(self) -> bool:
        return "times" in self.edited

    def wanted(self, texts: Content, occurrence: Occurrence) -> Content:
        """What the series says of the window; what was edited of it stays."""
        times = occurrence.starts_at, occurrence.ends_at
        if not self.edited:
            return *texts, *times
        edits = self.edited.split()
        kept = zip(WindowSeries.TEXTS, texts, self.content[: len(texts)], strict=True)
        said = (own if name in edits else text for name, text, own in kept)
        return *said, *(self.content[len(texts) :] if self.is_moved else times)


class Skipped(NamedTuple):
    """An occurrence that meets a freeze, so that no window is made from it."""

    occurrence: Occurrence
    frozen: FrozenTime


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The changes that make the windows of a series match it; empty if they do.

    Existing windows are named by id. Its length is the number of windows to be written. The series
    restores those that it had cancelled itself. `taken` are dates whose window it leaves alone.
    """

    series: WindowSeries
    make: list[Occurrence] = field(default_factory=list)
    change: dict[int, Content] = field(default_factory=dict)
    restore: dict[int, Content] = field(default_factory=dict)
    cancel: list[int] = field(default_factory=list)
    # Those that another date of the series stands for now, or none.
    renamed: dict[int, date | None] = field(default_factory=dict)
    taken: frozenset[date | None] = frozenset()
    skipped: list[Skipped] = field(default_factory=list)
    # Why some of `cancel` are cancelled.
    frozen: dict[int, FrozenTime] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.make) + len(self.change) + len(self.restore) + len(self.cancel)

    @property
    def written(self) -> list[int]:
        return [*self.change, *self.restore, *self.cancel]


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
        existing = _named_anew(existing, new_names)
        own = [one for one in existing if one.is_own]
        due: dict[date, Occurrence] = {}
        met: dict[date, Skipped] = {}
        for one in self._due(series, own):
            if time := self._freezes and self._freezes.first(
                [series.site_id], one.starts_at, one.ends_at
            ):
                met[one.date] = Skipped(one, time)
            else:
                due[one.date] = one
        if stored and (freed := self._freed(existing, stored, due)):
            new_names |= freed
            existing = _named_anew(existing, freed)
        known, of_own = {one.occurs_on for one in existing}, {one.occurs_on for one in own}
        texts = tuple(getattr(series, name) for name in WindowSeries.TEXTS)
        plan = Plan(
            series=series,
            make=[
                one for day, one in due.items() if day not in known and one.starts_at < self.horizon
            ],
            renamed=new_names,
            taken=frozenset(known - of_own | {one.occurs_on for one in own if one.is_moved}),
        )
        plan.skipped.extend(
            skip
            for day, skip in met.items()
            if day not in plan.taken and skip.occurrence.starts_at < self.horizon
        )
        for window in own:
            occurrence = due.get(window.occurs_on) if window.occurs_on else None
            if occurrence is None:
                if window.is_upcoming and not window.is_moved:
                    plan.cancel.append(window.id)
                    if window.occurs_on in met:
                        plan.frozen[window.id] = met[window.occurs_on].frozen
            elif window.cancelled_at is not None:
                plan.restore[window.id] = window.wanted(texts, occurrence)
            elif window.content != (wanted := window.wanted(texts, occurrence)):
                plan.change[window.id] = wanted
        return plan

    def _due(self, series: WindowSeries, own: Iterable[ExistingWindow]) -> list[Occurrence]:
        if series.ended_at is not None:
            return []
        # Also those that were made when the horizon was farther away, or the zone at the other end.
        stop = max([self.horizon, *(one.starts_at + 3 * DAY for one in own)])
        return list(series.recurrence(self._zone).occurrences(self.now, stop))

    def _freed(
        self,
        existing: Iterable[ExistingWindow],
        stored: WindowSeries,
        due: Mapping[date, Occurrence],
    ) -> dict[int, None]:
        """Return past windows whose date has another time now, still to come: by id, no date.

        A nightly window that is moved at noon from 02:00 to 22:00 takes place tonight as well.
        """
        over = [
            one
            for one in existing
            if not one.is_own
            and one.ends_at <= self.now
            and one.occurs_on is not None
            and one.occurs_on in due
            and due[one.occurs_on].starts_at > self.now
        ]
        if not over:
            return {}
        stop = max(due[one.occurs_on].starts_at for one in over if one.occurs_on) + 3 * DAY
        try:
            before = {
                one.date: one.starts_at
                for one in stored.recurrence().occurrences(past(stored, self.now), stop)
            }
        except RuleError:
            before = {}
        return {
            one.id: None
            for one in over
            if one.occurs_on and before.get(one.occurs_on) != due[one.occurs_on].starts_at
        }


def _named_anew(
    existing: Iterable[ExistingWindow], names: Mapping[int, date | None]
) -> list[ExistingWindow]:
    return [one._replace(occurs_on=names.get(one.id, one.occurs_on)) for one in existing]


def _existing(series: Iterable[WindowSeries], now: datetime) -> Iterator[ExistingWindow]:
    """Those whose date the rule may name again, whatever people did to them."""
    since: defaultdict[date, list[int]] = defaultdict(list)
    for one in series:
        since[first_date(one, now)].append(one.pk)
    parts = (Q(series__in=ids, occurs_on__gte=day) for day, ids in since.items())
    windows = MaintenanceWindow.objects
    found = windows.filter(reduce(or_, parts)) if since else windows.none()
    is_upcoming = ExpressionWrapper(WAITING & Q(starts_at__gt=now), BooleanField())
    rows = found.annotate(is_upcoming=is_upcoming).order_by("pk")
    return map(ExistingWindow._make, rows.values_list(*ExistingWindow._fields))
