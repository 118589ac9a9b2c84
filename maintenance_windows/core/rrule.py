"""Parsing and validation of recurrence rules (RFC 5545, section 3.3.10), daily and rarer."""

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from enum import StrEnum
from functools import lru_cache

from maintenance_windows.exceptions import RuleError

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MAX_RULE_LENGTH = 255  # characters
WEEK, SHORTEST_MONTH = 7, 28  # days
MOST = 9999  # the largest INTERVAL and COUNT

# The largest number of each part. Those in TWO_SIDED also count from the end, as -1.
RANGES = {
    "BYMONTH": 12,
    "BYMONTHDAY": 31,
    "BYYEARDAY": 366,
    "BYWEEKNO": 53,
    "BYSETPOS": 366,
}
TWO_SIDED = RANGES.keys() - {"BYMONTH"}
TIME_OF_DAY = {"BYHOUR", "BYMINUTE", "BYSECOND"}
SUB_DAILY = {"HOURLY", "MINUTELY", "SECONDLY"}
KNOWN = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "WKST", *RANGES}

DAY = re.compile(rf"(?P<nth>[+-]?\d{{1,2}})?(?P<day>{'|'.join(WEEKDAYS)})")
UNTIL = re.compile(r"[0-9]{8}(T(?!24)[0-9]{6}Z?)?")  # fromisoformat() reads 24 as the next day


class Frequency(StrEnum):
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


# The parts that section 3.3.10 forbids with each frequency. It allows BYSETPOS everywhere, but a
# single day leaves nothing to choose from, and dateutil cuts the first week off at the start.
NOT_WITH = {
    Frequency.DAILY: {"BYWEEKNO", "BYYEARDAY", "BYSETPOS"},
    Frequency.WEEKLY: {"BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYSETPOS"},
    Frequency.MONTHLY: {"BYWEEKNO", "BYYEARDAY"},
    Frequency.YEARLY: set[str](),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A parsed rule. `by_day` pairs an ordinal (0: every) with a weekday (0: Monday).

    `until` is the latest start; a naive one is in the zone of the series.
    """

    text: str
    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: datetime | None = None
    by_day: tuple[tuple[int, int], ...] = ()
    by_month: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_week_no: tuple[int, ...] = ()
    by_set_pos: tuple[int, ...] = ()
    week_start: int = 0

    @classmethod
    @lru_cache(maxsize=256)  # the form, the verb and each site parse the same rule
    def parse(cls, text: str) -> "Rule":
        """Parse `FREQ=WEEKLY;BYDAY=SU`, also with a leading `RRULE:`. Raises RuleError."""
        parts = _parts(text)
        frequency = _frequency(parts.get("FREQ", ""))
        if wrong := sorted(NOT_WITH[frequency] & parts.keys()):
            raise RuleError(f"{wrong[0]} cannot be used with FREQ={frequency}.")
        if {"COUNT", "UNTIL"} <= parts.keys():
            raise RuleError("COUNT and UNTIL cannot be combined.")
        if "BYSETPOS" in parts and not parts.keys() & {"BYDAY", *RANGES} - {"BYSETPOS"}:
            raise RuleError("BYSETPOS needs another BY part to choose from.")
        numbers = {name: _numbers(name, parts[name]) for name in RANGES if name in parts}
        return cls(
            text=";".join(f"{name}={value}" for name, value in parts.items()),
            frequency=frequency,
            interval=_number("INTERVAL", parts.get("INTERVAL", "1"), 1, MOST),
            count=_number("COUNT", parts["COUNT"], 1, MOST) if "COUNT" in parts else None,
            until=_until(parts["UNTIL"]) if "UNTIL" in parts else None,
            by_day=_days(parts["BYDAY"], frequency, parts) if "BYDAY" in parts else (),
            by_month=numbers.get("BYMONTH", ()),
            by_month_day=numbers.get("BYMONTHDAY", ()),
            by_year_day=numbers.get("BYYEARDAY", ()),
            by_week_no=numbers.get("BYWEEKNO", ()),
            by_set_pos=numbers.get("BYSETPOS", ()),
            week_start=_week_start(parts.get("WKST", "MO")),
        )

    def completed(self, start: date) -> "Rule":
        """Return the rule with the days that it leaves to its start written out."""
        if self.by_day or self.by_month_day or self.by_year_day:
            return self
        if self.frequency is Frequency.WEEKLY or self.by_week_no:
            return replace(self, by_day=((0, start.weekday()),))
        if self.frequency is Frequency.MONTHLY:
            return replace(self, by_month_day=(start.day,))
        if self.frequency is Frequency.YEARLY:
            months = self.by_month or (start.month,)
            return replace(self, by_month=months, by_month_day=(start.day,))
        return self


@dataclass(frozen=True, slots=True)
class DayAfter:
    """Some days after the nth weekday of a month, as "5 days after the second Tuesday".

    A rule says it as a weekday within seven days of the month, so these have to be in every month.
    """

    days: int
    nth: int
    weekday: int

    @property
    def is_in_every_month(self) -> bool:
        return self.nth > 0 and WEEK * self.nth + self.days <= SHORTEST_MONTH

    def parts(self) -> list[str]:
        """Return the parts of a monthly rule."""
        first = WEEK * (self.nth - 1) + self.days + 1
        days = ",".join(map(str, range(first, first + WEEK)))
        return [f"BYDAY={WEEKDAYS[(self.weekday + self.days) % WEEK]}", f"BYMONTHDAY={days}"]

    @classmethod
    def of(cls, rule: Rule) -> "DayAfter | None":
        """Return what a rule says if it says that, counted from a second weekday if possible."""
        days = sorted(rule.by_month_day)
        in_a_row = len(days) == WEEK and days == list(range(days[0], days[0] + WEEK))
        if rule.frequency is not Frequency.MONTHLY or not in_a_row or len(rule.by_day) != 1:
            return None
        ((nth, weekday),) = rule.by_day
        if nth or rule.by_set_pos or days[0] < 1 or days[-1] > SHORTEST_MONTH:
            return None
        of_nth = min(2, (days[0] - 1) // WEEK + 1)
        after = days[0] - 1 - WEEK * (of_nth - 1)
        return cls(after, of_nth, (weekday - after) % WEEK)


def _parts(text: str) -> dict[str, str]:
    if len(text) > MAX_RULE_LENGTH:
        raise RuleError(f"The rule is longer than {MAX_RULE_LENGTH} characters.")
    content = text.strip().upper().removeprefix("RRULE:")
    if not content:
        raise RuleError("Enter a rule, for example FREQ=WEEKLY;BYDAY=SU.")
    if len(content.splitlines()) > 1 or ":" in content:
        raise RuleError("Enter a single rule: the start and skipped dates have their own fields.")
    parts: dict[str, str] = {}
    for part in content.removesuffix(";").split(";"):
        name, _, value = part.partition("=")
        if name in TIME_OF_DAY:
            raise RuleError(f"{name} is not supported: the start sets the time.")
        if name not in KNOWN or not value:
            raise RuleError(
                f"Invalid part {part!r} of the rule. Use for example FREQ=WEEKLY;BYDAY=SU."
            )
        if name in parts:
            raise RuleError(f"{name} is in the rule twice.")
        parts[name] = value
    return parts


def _frequency(value: str) -> Frequency:
    if value in SUB_DAILY:
        raise RuleError(f"FREQ={value} is too frequent: use DAILY, WEEKLY, MONTHLY or YEARLY.")
    try:
        return Frequency(value)
    except ValueError:
        raise RuleError("FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY.") from None


def _number(name: str, value: str, least: int, most: int) -> int:
    # int() accepts more than RFC 5545 does, such as spaces and underscores.
    number = int(value) if re.fullmatch(r"[+-]?[0-9]{1,4}", value) else None
    if number is None or not least <= number <= most or number == 0:
        two_sided = f", or -1 to {least}" if least < 0 else ""
        raise RuleError(f"{name}={value} is not a number from 1 to {most}{two_sided}.")
    return number


def _numbers(name: str, value: str) -> tuple[int, ...]:
    most = RANGES[name]
    least = -most if name in TWO_SIDED else 1
    return tuple(_number(name, number, least, most) for number in value.split(","))


def _week_start(value: str) -> int:
    if value not in WEEKDAYS:
        raise RuleError(f"WKST={value} is not one of {', '.join(WEEKDAYS)}.")
    return WEEKDAYS.index(value)


def _days(value: str, frequency: Frequency, names: dict[str, str]) -> tuple[tuple[int, int], ...]:
    days = []
    for text in value.split(","):
        match = DAY.fullmatch(text)
        if match is None:
            raise RuleError(
                f"Invalid day {text!r} in BYDAY. Use for example SU, or 2TU for the second Tuesday."
            )
        if match["nth"] is not None:
            if frequency in {Frequency.DAILY, Frequency.WEEKLY} or "BYWEEKNO" in names:
                raise RuleError(f"BYDAY={text} needs FREQ=MONTHLY, or FREQ=YEARLY without weeks.")
            # A month has each weekday at most five times.
            most = 53 if frequency is Frequency.YEARLY and "BYMONTH" not in names else 5
            _number("BYDAY", match["nth"], -most, most)
        days.append((int(match["nth"] or 0), WEEKDAYS.index(match["day"])))
    if len({bool(nth) for nth, _day in days}) > 1:  # dateutil would want a day to be both
        raise RuleError(f"BYDAY={value} must not mix days with and without a number.")
    return tuple(days)


def _until(value: str) -> datetime:
    """Parse UNTIL. A date includes that whole day, although the RFC wants the type of the start."""
    if UNTIL.fullmatch(value):
        with suppress(ValueError):
            until = datetime.fromisoformat(value)
            return until if "T" in value else datetime.combine(until, time.max)
    raise RuleError(f"Invalid UNTIL={value}. Use for example 20271231, or 20271231T010000Z in UTC.")
