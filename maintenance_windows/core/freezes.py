"""Freezes: times in which nothing may be planned, and the free times between them."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from maintenance_windows.core.intervals import Span
from maintenance_windows.core.recurrence import DAY, Recurrence
from maintenance_windows.exceptions import RuleError

# How far after the wanted start a free time is looked for.
SEARCH = timedelta(days=366)


class FrozenTime(NamedTuple):
    """One time of a freeze, half-open `[starts_at, ends_at)`, in UTC."""

    starts_at: datetime
    ends_at: datetime
    freeze: int
    reason: str

    def meets(self, starts_at: datetime, ends_at: datetime) -> bool:
        return self.starts_at < ends_at and starts_at < self.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Freezing:
    """A freeze with the number `id`, either once or by a recurrence. `sites` is None for all.

    The times of a recurrence start and end by local time: a freeze of a whole day lasts until
    midnight, also on a day of 23 or 25 hours. A freeze that somebody took back lasted until then.
    """

    id: int
    reason: str
    sites: frozenset[int] | None
    when: Span | Recurrence
    ended_at: datetime | None = None

    def times(self, since: datetime, stop: datetime) -> Iterator[FrozenTime]:
        """Yield the times that end after `since` and start before `stop`.

        Raises RuleError as Recurrence.occurrences() does.
        """
        for start, planned_end in self._spans(since, stop):
            end = min(planned_end, self.ended_at or planned_end)
            if start < stop and since < end and start < end:
                yield FrozenTime(start, end, self.id, self.reason)

    def _spans(self, since: datetime, stop: datetime) -> Iterator[tuple[datetime, datetime]]:
        if isinstance(self.when, Span):
            assert self.when.end is not None  # noqa: S101 (for mypy: a freeze has an end)
            yield self.when.start, self.when.end
            return
        # By local time a freeze may last a few hours longer than its exact length.
        for one in self.when.occurrences(since - DAY, stop):
            yield one.starts_at, self._local_end(self.when, one.starts_at)

    @staticmethod
    def _local_end(recurrence: Recurrence, starts_at: datetime) -> datetime:
        """Return the later reading of an end that the zone skips or repeats."""
        local = starts_at.astimezone(recurrence.zone) + recurrence.length
        return max(local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))


class _Line:
    """The frozen times of one site, in groups that overlap or touch."""

    def __init__(self, times: Iterable[FrozenTime]) -> None:
        self._groups: list[list[FrozenTime]] = []
        self._ends: list[datetime] = []
        for time in sorted(times):
            if self._ends and time.starts_at <= self._ends[-1]:
                self._groups[-1].append(time)
                self._ends[-1] = max(self._ends[-1], time.ends_at)
            else:
                self._groups.append([time])
                self._ends.append(time.ends_at)

    def first(self, starts_at: datetime, ends_at: datetime) -> FrozenTime | None:
        at = bisect_right(self._ends, starts_at)
        group = self._groups[at] if at < len(self._groups) else []
        return next((time for time in group if time.meets(starts_at, ends_at)), None)


class FreezeCalendar:
    """The times of some freezes, for many questions: those of a year are worked out once."""

    def __init__(self, freezes: Iterable[Freezing] = ()) -> None:
        self._freezes = list(freezes)
        self._named = frozenset[int]().union(*(one.sites or () for one in self._freezes))
        self._years: dict[int, list[FrozenTime]] = {}
        self._lines: dict[tuple[int, int | None], _Line] = {}
        self._sites = {one.id: one.sites for one in self._freezes}

    def __bool__(self) -> bool:
        return bool(self._freezes)

    def first(
        self, sites: Iterable[int], starts_at: datetime, ends_at: datetime
    ) -> FrozenTime | None:
        """Return the earliest frozen time of these sites that meets `[starts_at, ends_at)`."""
        if not self._freezes:
            return None
        asked = {site if site in self._named else None for site in sites}
        for year in _years(starts_at, ends_at):
            found = (self._line(year, site).first(starts_at, ends_at) for site in asked)
            if met := min(filter(None, found), default=None):
                return met
        return None

    def next_free(
        self, sites: Collection[int], starts_at: datetime, length: timedelta
    ) -> datetime | None:
        """Return the first start at or after `starts_at` at which the length is free.

        It is None if there is none within SEARCH.
        """
        try:
            stop = starts_at + SEARCH
            while starts_at < stop:
                if (frozen := self.first(sites, starts_at, starts_at + length)) is None:
                    return starts_at
                starts_at = frozen.ends_at
        except OverflowError:
            pass  # beyond the calendar
        return None

    def times(
        self, sites: Iterable[int | None], starts_at: datetime, ends_at: datetime
    ) -> Iterator[FrozenTime]:
        """Yield the frozen times of any of these sites that meet the span, ordered by start."""
        asked = set(sites)
        found = {
            one
            for year in _years(starts_at, ends_at)
            for one in self._of_year(year)
            if one.meets(starts_at, ends_at) and self._concerns(one, asked)
        }
        yield from sorted(found)

    def _concerns(self, time: FrozenTime, asked: set[int | None]) -> bool:
        sites = self._sites[time.freeze]
        return sites is None or not asked.isdisjoint(sites)

    def _of_year(self, year: int) -> list[FrozenTime]:
        if year not in self._years:
            first, last = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
            found: list[FrozenTime] = []
            self._years[year] = found
            for one in self._freezes:
                with suppress(OverflowError, RuleError):  # beyond the calendar
                    found += one.times(first, last)
        return self._years[year]

    def _line(self, year: int, site: int | None) -> _Line:
        """Return what is frozen; sites without a freeze of their own share a line."""
        if (line := self._lines.get((year, site))) is None:
            own = {site}
            line = _Line([one for one in self._of_year(year) if self._concerns(one, own)])
            self._lines[year, site] = line
        return line


def _years(starts_at: datetime, ends_at: datetime) -> range:
    return range(starts_at.astimezone(UTC).year, ends_at.astimezone(UTC).year + 1)
