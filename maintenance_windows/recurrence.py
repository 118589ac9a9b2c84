"""When a series takes place: a rule in a time zone, worked out to exact times."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, timedelta, tzinfo
from itertools import islice, pairwise

from dateutil import rrule

from maintenance_windows.rrule import Frequency, Rule, RuleError

DAY = timedelta(days=1)
# The calendar repeats itself, weekdays and leap years alike, after so many years.
CYCLE = 400
# A rule that does not fire for so long never does.
SEARCH = timedelta(days=50 * 366)
EARLIEST, LATEST = 1970, 9900  # years of a start
LONGEST = timedelta(days=366)  # length of one window
SAMPLE = 400  # occurrences that are looked at for overlaps


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
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
            stop = stop or max(since, self._utc(self.start)) + SEARCH
            yield from self._between(since, stop)
        except OverflowError:
            raise RuleError("That is further away than the calendar goes.") from None

    def _between(self, since: datetime, stop: datetime) -> Iterator[Occurrence]:
        first, last = (
            (at + margin).astimezone(self.zone).replace(tzinfo=None)
            for at, margin in ((since, -self.length - DAY), (stop, DAY))
        )
        until, before = self.rule.until, None
        if until is not None and until.tzinfo is None:
            last = min(last, until)
        for local in self._local(first, last):
            starts_at = self._utc(local)
            if starts_at >= stop or (until and until.tzinfo and starts_at > until):
                return
            # Where the zone skips a whole day, two dates are one time.
            if starts_at == before or local.date() in self.excluded:
                continue
            before, ends_at = starts_at, starts_at + self.length
            if ends_at > since:
                yield Occurrence(date=local.date(), starts_at=starts_at, ends_at=ends_at)

    def overlaps(self, since: datetime) -> bool:
        """Whether an occurrence begins before the one before it has ended."""
        sample = islice(self.occurrences(since), SAMPLE)
        return any(later.starts_at < earlier.ends_at for earlier, later in pairwise(sample))

    def _utc(self, local: datetime) -> datetime:
        return local.replace(tzinfo=self.zone, fold=0).astimezone(UTC)

    def _local(self, first: datetime, last: datetime) -> Iterator[datetime]:
        """Starts from before `first` up to `last`, by the wall clock.

        dateutil searches for the next start up to the year 9999. All is shifted towards that year
        by whole cycles of the calendar, so that no rule keeps it for more than one of them.
        """
        start, rule = self._near(first), self.rule
        if last < start:
            return
        away = (MAXYEAR - last.year) // CYCLE * CYCLE
        weekdays = [rrule.weekday(day, nth or None) for nth, day in rule.by_day]
        if rule.by_week_no and not (rule.by_day or rule.by_month_day or rule.by_year_day):
            weekdays = [rrule.weekday(start.weekday())]  # what a rule leaves out its start says
        days = rrule.rrule(
            getattr(rrule, rule.frequency),
            dtstart=start.replace(year=start.year + away),
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
        for day in islice(days, rule.count):
            yield day.replace(year=day.year - away)

    def _near(self, first: datetime) -> datetime:
        """A start well before `first` from which the rule goes on as from its own.

        Without it a daily rule of ten years ago is worked through day by day, each time.
        """
        days = {Frequency.DAILY: 1, Frequency.WEEKLY: 7}.get(self.rule.frequency)
        if days is None or self.rule.count is not None:
            return self.start
        period = timedelta(days=days * self.rule.interval)
        return self.start + max(0, (first - self.start) // period - 1) * period
