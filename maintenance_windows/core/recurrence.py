"""When a series takes place: a rule in a time zone, worked out to exact times."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import islice, pairwise
from typing import NamedTuple

from dateutil import rrule

from maintenance_windows.core.rrule import Frequency, Rule
from maintenance_windows.exceptions import RuleError

DAY = timedelta(days=1)
# The calendar repeats itself, weekdays and leap years alike, after so many years.
CYCLE = 400
# A rule that does not fire for so long never does.
SEARCH = timedelta(days=50 * 366)
EARLIEST, LATEST = 1970, 9900  # years of a start
LONGEST = timedelta(days=366)  # length of one window
SAMPLE = 400  # occurrences that are looked at for overlaps

Days = Callable[[Rule, date, date, date], Iterable[date]]


class Occurrence(NamedTuple):
    """One time of a series, in UTC. Its name in the series is the local date of its start."""

    date: date
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """A rule with all it needs; `start` is naive, the wall clock's time in `zone`.

    A start that the zone skips takes the offset from before the gap, one that it repeats is the
    first of the two (RFC 5545, section 3.3.5). The length is exact, also over a change of clock.
    """

    rule: Rule
    start: datetime
    zone: tzinfo
    length: timedelta
    excluded: frozenset[date] = frozenset()

    def occurrences(self, since: datetime, stop: datetime | None = None) -> Iterator[Occurrence]:
        """Those that end after `since` and start before `stop`, in order.

        Without `stop` the search ends fifty years after `since`, or after the start if that is
        later. Raises RuleError where the calendar does not reach.
        """
        if not EARLIEST <= self.start.year < LATEST:
            raise RuleError(f"The start must be in the years from {EARLIEST} to {LATEST - 1}.")
        if not timedelta(0) < self.length <= LONGEST:
            raise RuleError("A window of a series lasts more than nothing and a year at most.")
        try:
            if stop is not None:
                yield from self._between(since, stop, list_days)
            else:
                stop = max(since, self._utc(self.start.date(), self.start.time())) + SEARCH
                yield from self._between(since, stop, find_days)
        except OverflowError:
            raise RuleError("That is further away than the calendar goes.") from None

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
            # Where the zone skips a whole day, two dates are one time.
            if starts_at == before or day in self.excluded:
                continue
            before, ends_at = starts_at, starts_at + self.length
            if ends_at > since:
                yield Occurrence(day, starts_at, ends_at)

    def overlaps(self, since: datetime) -> bool:
        """Whether an occurrence begins before the one before it has ended."""
        sample = islice(self.occurrences(since), SAMPLE)
        return any(later.starts_at < earlier.ends_at for earlier, later in pairwise(sample))

    def _utc(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, self.zone).astimezone(UTC)


def find_days(rule: Rule, start: date, first: date, last: date) -> Iterator[date]:
    """The days of a rule that starts on `start`, from before `first` up to `last`; no UNTIL.

    dateutil searches for the next one up to the year 9999. All is shifted towards that year by
    whole cycles of the calendar, so that no rule keeps it for more than one of them.
    """
    near = _near(rule, start, first)
    if last < near:
        return
    away = (MAXYEAR - 1 - last.year) // CYCLE * CYCLE
    weekdays = [rrule.weekday(day, nth or None) for nth, day in rule.by_day]
    months, month_days = rule.by_month, rule.by_month_day
    # What a rule leaves out its start says.
    if not (weekdays or month_days or rule.by_year_day):
        if rule.frequency is Frequency.WEEKLY or rule.by_week_no:
            weekdays = [rrule.weekday(start.weekday())]
        elif rule.frequency is not Frequency.DAILY:
            month_days = (start.day,)
            if rule.frequency is Frequency.YEARLY:
                months = months or (start.month,)
    midnights = rrule.rrule(
        getattr(rrule, rule.frequency),
        dtstart=near.replace(year=near.year + away),
        until=last.replace(year=last.year + away),
        interval=rule.interval,
        wkst=rule.week_start,
        bysetpos=rule.by_set_pos or None,
        bymonth=months or None,
        bymonthday=month_days or None,
        byyearday=rule.by_year_day or None,
        byweekno=rule.by_week_no or None,
        byweekday=weekdays or None,
    )
    for midnight in islice(midnights, rule.count):
        yield date(midnight.year - away, midnight.month, midnight.day)


@lru_cache(maxsize=256)
def list_days(rule: Rule, start: date, first: date, last: date) -> tuple[date, ...]:
    """See find_days(). The same are asked for again: hour after hour, and by site after site."""
    return tuple(find_days(rule, start, first, last))


def _near(rule: Rule, start: date, first: date) -> date:
    """A day well before `first` from which the rule goes on as from its start.

    Without it a rule of ten years ago is worked through from there, each time.
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
