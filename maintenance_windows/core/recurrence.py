"""The exact times of a recurrence rule in a time zone."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import islice, pairwise
from typing import NamedTuple

from dateutil import rrule

from maintenance_windows.core.rrule import Frequency, Rule
from maintenance_windows.exceptions import RuleError

DAY, MONTH = timedelta(days=1), timedelta(days=31)
# The calendar, with its weekdays and leap years, repeats after this many years.
CYCLE = 400
# A rule without an occurrence for this long never has one.
SEARCH = timedelta(days=50 * 366)
EARLIEST, LATEST = 1970, 9900  # years in which a series may start
FIRST, LAST = date(EARLIEST, 1, 1), date(LATEST, 1, 1)  # of the dates that people may name
LONGEST_WINDOW = timedelta(days=366)
SAMPLE = 400  # occurrences checked for overlaps

Days = Callable[[Rule, date, date, date], Iterable[date]]


class Occurrence(NamedTuple):
    """One occurrence, in UTC. `date`, the local date of its start, identifies it in its series."""

    date: date
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """A rule with its start, zone and length; `start` is a naive wall-clock time in `zone`.

    A start that the zone skips takes the offset from before the gap, and one that it repeats is
    the first of the two (RFC 5545, section 3.3.5). The length is exact even when the clock changes
    in between, except `by_clock`: then the end is that much later on the wall clock.
    """

    rule: Rule
    start: datetime
    zone: tzinfo
    length: timedelta
    by_clock: bool = False
    excluded: frozenset[date] = frozenset()

    def occurrences(self, since: datetime, stop: datetime | None = None) -> Iterator[Occurrence]:
        """Yield the occurrences that end after `since` and start before `stop`, in order.

        Without `stop` the search ends fifty years after `since`, or after the start if that is
        later. Raises RuleError if a date is beyond the calendar.
        """
        if not EARLIEST <= self.start.year < LATEST:
            raise RuleError(f"The start must be in a year from {EARLIEST} to {LATEST - 1}.")
        if not timedelta(0) < self.length <= LONGEST_WINDOW:
            raise RuleError("The duration must be positive, and at most 366 days.")
        try:
            if stop is not None:
                yield from self._between(since, stop, list_days)
            else:
                stop = max(since, self._utc(self.start.date(), self.start.time())) + SEARCH
                yield from self._between(since, stop, find_days)
        except OverflowError:
            raise RuleError("The date is out of range.") from None

    def _between(self, since: datetime, stop: datetime, days: Days) -> Iterator[Occurrence]:
        first, last = (
            (at + margin).astimezone(self.zone).date()
            for at, margin in ((since, -self.length - DAY), (stop, DAY))
        )
        clock, until, before = self.start.time().replace(fold=0), self.rule.until, None
        for day in days(self.rule, self.start.date(), first, last):
            starts_at = self._utc(day, clock)
            if starts_at >= stop:
                return
            if until and (starts_at if until.tzinfo else datetime.combine(day, clock)) > until:
                return
            # If the zone skips a whole day, two dates are the same time.
            if starts_at == before or day in self.excluded:
                continue
            before, ends_at = starts_at, self._end(day, clock, starts_at)
            if ends_at > since:
                yield Occurrence(day, starts_at, ends_at)

    def overlaps(self, since: datetime) -> bool:
        """Return whether an occurrence starts before the previous one has ended."""
        sample = islice(self.occurrences(since), SAMPLE)
        return any(later.starts_at < earlier.ends_at for earlier, later in pairwise(sample))

    def _end(self, day: date, clock: time, starts_at: datetime) -> datetime:
        exact = starts_at + self.length
        if not self.by_clock:
            return exact
        end = datetime.combine(day, clock) + self.length
        ends_at = self._utc(end.date(), end.time())
        return ends_at if ends_at > starts_at else exact  # the zone skips the whole window

    def has(self, day: date) -> bool:
        """Return whether the rule has a start on this local date, excluded or not."""
        return day in self._starts(day, day)

    def nearest(self, day: date) -> date | None:
        """Return the start that is nearest to a date, within a month. Of two the earlier one."""
        day = min(max(day, FIRST), LAST)
        starts = self._starts(day - MONTH, day + MONTH)
        return min(starts, key=lambda start: (abs(start - day), start), default=None)

    def misses(self, since: date) -> list[date]:
        """Return the excluded dates from `since` on that the rule does not have."""
        return [day for day in sorted(self.excluded) if day >= since and not self.has(day)]

    def _starts(self, first: date, last: date) -> list[date]:
        """Return the dates of all starts in a period, both ends included."""
        first, last = max(first, FIRST), min(last, LAST)
        since, stop = (datetime.combine(day, time(12), UTC) for day in (first, last))
        rule = replace(self, excluded=frozenset())
        found = rule.occurrences(since - 2 * DAY, stop + 2 * DAY)
        return [one.date for one in found if first <= one.date <= last]

    def _utc(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, self.zone).astimezone(UTC)


def find_days(rule: Rule, start: date, first: date, last: date) -> Iterator[date]:
    """Yield the days of a rule that starts on `start`, up to `last`; UNTIL is ignored.

    Days before `first` may be among them. dateutil searches up to the year 9999, so all dates are
    shifted towards that year by whole cycles of the calendar: a search then ends within one cycle.
    """
    near = _near(rule, start, first)
    if last < near:
        return
    away = (MAXYEAR - 1 - last.year) // CYCLE * CYCLE
    rule = rule.completed(start)
    weekdays = [rrule.weekday(day, nth or None) for nth, day in rule.by_day]
    midnights = rrule.rrule(
        getattr(rrule, rule.frequency),
        dtstart=near.replace(year=near.year + away),
        until=last.replace(year=last.year + away),
        interval=rule.interval,
        wkst=rule.week_start,
        bysetpos=rule.by_set_pos or None,
        bymonth=rule.by_month or None,
        bymonthday=rule.by_month_day or None,
        byyearday=rule.by_year_day or None,
        byweekno=rule.by_week_no or None,
        byweekday=weekdays or None,
    )
    for midnight in islice(midnights, rule.count):
        yield date(midnight.year - away, midnight.month, midnight.day)


@lru_cache(maxsize=256)
def list_days(rule: Rule, start: date, first: date, last: date) -> tuple[date, ...]:
    """See find_days(). Cached because each hour and each site needs the same days again."""
    return tuple(find_days(rule, start, first, last))


def _near(rule: Rule, start: date, first: date) -> date:
    """Return a day well before `first` from which the rule continues as from its start.

    It saves walking through the years since the start each time.
    """
    if rule.count is not None:
        return start
    if days := {Frequency.DAILY: 1, Frequency.WEEKLY: 7}.get(rule.frequency):
        period = timedelta(days=days * rule.interval)
        return start + max(0, (first - start) // period - 1) * period
    months = rule.interval * (12 if rule.frequency is Frequency.YEARLY else 1)
    away = (first.year - start.year) * 12 + first.month - start.month
    if (periods := away // months - 1) <= 0:
        return start
    years, month = divmod(start.month - 1 + periods * months, 12)
    return date(start.year + years, month + 1, 1)
