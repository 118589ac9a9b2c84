"""What series say beside what their windows say: many looked at together, nothing written."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import NamedTuple

from django.db.models import BooleanField, ExpressionWrapper, Q

from maintenance_windows.conf import conf
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.models.series import zone
from maintenance_windows.querysets import WAITING
from maintenance_windows.recurrence import LONGEST, Occurrence
from maintenance_windows.rrule import RuleError

DAY = timedelta(days=1)


class Made(NamedTuple):
    """A window that a series has. Thousands are read at once: a row costs twice as much."""

    pk: int
    series_id: int
    occurs_on: date | None
    overridden: bool
    coming: bool
    starts_at: datetime
    ends_at: datetime
    level: str
    title: str
    message: str

    @property
    def content(self) -> tuple[object, ...]:
        return (self.starts_at, self.ends_at, self.level, self.title, self.message)


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

    def __len__(self) -> int:
        return len(self.make) + len(self.change) + len(self.cancel)


class Survey:
    """Some series at one time: their windows, and their zones, are read once for all of them."""

    def __init__(self, series: Collection[WindowSeries], now: datetime) -> None:
        self.series, self.now, self.horizon = series, now, now + conf.horizon
        self._zone = cache(zone)
        self._made: defaultdict[int, list[Made]] = defaultdict(list)
        coming = ExpressionWrapper(WAITING & Q(starts_at__gt=now), output_field=BooleanField())
        rows = MaintenanceWindow.objects.filter(may_be_due(series, now)).annotate(coming=coming)
        for row in rows.values_list(*Made._fields):
            made = Made._make(row)
            self._made[made.series_id].append(made)

    def plans(self) -> list[Plan]:
        """Raises RuleError where one of the series cannot be worked out."""
        return [self.plan(one) for one in self.series]

    def plan(self, series: WindowSeries, stored: WindowSeries | None = None) -> Plan:
        """`stored` is the series as it was, where it is about to change. Raises RuleError."""
        made = self._made[series.pk]
        new_names = renamed(made, stored, series, self.now) if stored else {}
        if new_names:
            made = [one._replace(occurs_on=new_names.get(one.pk, one.occurs_on)) for one in made]
        own = [one for one in made if one.coming and not one.overridden]
        due = self._due(series, own)
        by_date, known = {one.occurs_on: one for one in own}, {one.occurs_on for one in made}
        dates = {one.date for one in due}
        texts = tuple(getattr(series, name) for name in WindowSeries.TEXTS)
        return Plan(
            series=series,
            make=[one for one in due if one.date not in known and one.starts_at < self.horizon],
            change={
                by_date[one.date].pk: one
                for one in due
                if one.date in by_date
                and by_date[one.date].content != (one.starts_at, one.ends_at, *texts)
            },
            cancel=[one.pk for one in own if one.occurs_on not in dates],
            renamed=new_names,
        )

    def _due(self, series: WindowSeries, own: Iterable[Made]) -> list[Occurrence]:
        if series.ended_at is not None:
            return []
        # Also those that were made when the horizon was farther away, or the zone at the other end.
        stop = max([self.horizon, *(one.starts_at + 3 * DAY for one in own)])
        return list(series.recurrence(self._zone).occurrences(self.now, stop))


def may_be_due(series: Iterable[WindowSeries], now: datetime) -> Q:
    """The windows whose date the rule may name again, whatever people did to them."""
    since: defaultdict[date, list[int]] = defaultdict(list)
    for one in series:
        since[_past(one, now).date()].append(one.pk)
    chosen = Q(pk__in=[])
    for day, ids in since.items():
        chosen |= Q(series__in=ids, occurs_on__gte=day)
    return chosen


def renamed(
    windows: Collection[Made] | Collection[MaintenanceWindow],
    stored: WindowSeries,
    series: WindowSeries,
    now: datetime,
) -> dict[int, date | None]:
    """The dates that the windows' instants have in another zone, by id, where they differ.

    Midnight in Berlin is the evening before in UTC: the night that somebody cancelled stays.
    """
    if stored.zone == series.zone:
        return {}
    past = _past(series, now)
    stop = max((window.starts_at for window in windows), default=past) + 2 * DAY
    names = {one.starts_at: one.date for one in series.recurrence().occurrences(past, stop)}
    try:
        before = list(stored.recurrence().occurrences(past, stop))
    except RuleError:
        return {}  # of a zone that is no more nobody knows the instants
    others = {one.date: names[one.starts_at] for one in before if one.starts_at in names}
    dates = {window.pk: window.occurs_on for window in windows}
    same = {pk: others[day] for pk, day in dates.items() if day in others}
    taken = set(same.values())
    new = {pk: same.get(pk, None if day in taken else day) for pk, day in dates.items()}
    return {pk: day for pk, day in new.items() if day != dates[pk]}


def _past(series: WindowSeries, now: datetime) -> datetime:
    """What started before is over."""
    return now - min(series.length, LONGEST) - 2 * DAY
