"""When a series takes place: a rule in a time zone, worked out to exact times."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, timedelta, tzinfo
from itertools import islice, pairwise

from dateutil import rrule

from maintenance_windows.rrule import Rule, RuleError

# The calendar repeats itself, weekdays and leap years alike, after so many years.
CYCLE = 400
# A rule that does not fire for so long never does.
SEARCH = timedelta(days=50 * 366)
EARLIEST, LATEST = 1970, 9900  # years of a start: what lies between is worked through, day by day
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
        try:
            stop = stop or max(since, self._utc(self.start)) + SEARCH
            last = stop.astimezone(self.zone).replace(tzinfo=None) + timedelta(days=1)
            yield from self._between(since, stop, last)
        except OverflowError:
            raise RuleError("That is further away than the calendar goes.") from None

    def _between(self, since: datetime, stop: datetime, last: datetime) -> Iterator[Occurrence]:
        until, before = self.rule.until, None
        if until is not None and until.tzinfo is None:
            last = min(last, until)
        for local in self._local(last):
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

    def _local(self, last: datetime) -> Iterator[datetime]:
        """Starts up to `last`, by the wall clock.

        dateutil looks for the next start until the calendar ends. So it is asked as late in the
        calendar as the same days come again: no rule keeps it for more than one cycle of years.
        """
        if not EARLIEST <= self.start.year < LATEST:
            raise RuleError(f"The start must be in the years from {EARLIEST} to {LATEST - 1}.")
        rule = self.rule
        away = (MAXYEAR - last.year) // CYCLE * CYCLE
        days = rrule.rrule(
            getattr(rrule, rule.frequency),
            dtstart=self.start.replace(year=self.start.year + away),
            until=last.replace(year=last.year + away),
            interval=rule.interval,
            wkst=rule.week_start,
            bysetpos=rule.by_set_pos or None,
            bymonth=rule.by_month or None,
            bymonthday=rule.by_month_day or None,
            byyearday=rule.by_year_day or None,
            byweekno=rule.by_week_no or None,
            byweekday=[rrule.weekday(day, nth or None) for nth, day in rule.by_day] or None,
        )
        for day in islice(days, rule.count):
            yield day.replace(year=day.year - away)
