"""A recurrence in English words, read as a person reads it: nothing here knows RFC 5545.

A word that is not understood raises AssertionError.
"""

import calendar
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import islice

DAY = timedelta(days=1)
WEEKDAYS = list(calendar.day_name)
MONTHS = list(calendar.month_name)
ORDINALS = ["first", "second", "third", "fourth", "fifth"]
SENTENCE = re.compile(
    r"every (?:(?P<number>\d+) )?(?P<unit>day|week|month|year)s?"
    r"(?: \(weeks start on (?P<week_start>\w+)\))?(?P<where>.*?)"
    r"(?:, of these the (?P<places>.*?))?"
    r"(?:, (?P<times>once|\d+ times)|, until (?P<until>.*))?"
)
A_WEEKDAY, A_MONTH = "|".join(WEEKDAYS), "|".join(MONTHS[1:])
NTH = rf"(?:{'|'.join(ORDINALS)}|\d+\.)?(?: ?last)?"
JOIN = "(?:, | and | or )"

Test = Callable[[date], bool]


def listed(item: str) -> str:
    return f"({item}(?:{JOIN}{item})*)"


def parts(text: str) -> list[str]:
    return re.split(JOIN, text)


def ordinal(text: str) -> int:
    """Count from the end where it is "last": the second last is -2."""
    first = text.removesuffix("last").strip()
    number = ORDINALS.index(first) + 1 if first in ORDINALS else int(first.rstrip(".") or 1)
    return -number if text.endswith("last") else number


def place(day: date, of: list[date]) -> tuple[int, int]:
    """The place of a day among others, from the front and from the back."""
    at = of.index(day)
    return at + 1, at - len(of)


class Sentence:
    def __init__(self, words: str) -> None:
        found = SENTENCE.fullmatch(words)
        assert found, words
        self.said = found.groupdict()
        self.unit, self.every = self.said["unit"], int(self.said["number"] or 1)
        self.week_start = WEEKDAYS.index(self.said["week_start"] or "Monday")
        self.tests: list[Test] = []
        self.of_month = self.unit == "month"
        rest = self.said["where"]
        while rest:
            rest = self.take(rest)

    def take(self, text: str) -> str:
        for pattern, reader in READERS:
            if found := re.match(pattern, text):
                self.tests.append(reader(self, found))
                return text[found.end() :]
        raise AssertionError(f"{text!r} of {self.said}")

    def dates(self, start: datetime, zone: tzinfo, last: date) -> list[date]:
        times = self.said["times"]
        number = 1 if times == "once" else int(times.split()[0]) if times else None
        return list(islice(self.all(start, zone, last), number))

    def all(self, start: datetime, zone: tzinfo, last: date) -> Iterator[date]:
        day = start.date()
        while day <= last:
            if not self.is_before_end(datetime.combine(day, start.time()), zone):
                return
            if self.index(day, start.date()) % self.every == 0 and self.fits(day):
                yield day
            day += DAY

    def is_before_end(self, moment: datetime, zone: tzinfo) -> bool:
        until = self.said["until"]
        if not until:
            return True
        if not until[:4].isdigit():
            return moment.date() <= datetime.strptime(until, "%d %B %Y").date()  # noqa: DTZ007
        end = datetime.fromisoformat(until.removesuffix(" UTC"))
        if until.endswith(" UTC"):
            return moment.replace(tzinfo=zone) <= end.replace(tzinfo=UTC)
        return moment <= end

    def index(self, day: date, start: date) -> int:
        """Number the days, weeks, months or years since the start's."""
        if self.unit == "day":
            return (day - start).days
        if self.unit == "week":
            return (self.monday(day) - self.monday(start)).days // 7
        years = day.year - start.year
        return years if self.unit == "year" else 12 * years + day.month - start.month

    def monday(self, day: date) -> date:
        """The first day of the week."""
        return day - (day.weekday() - self.week_start) % 7 * DAY

    def fits(self, day: date) -> bool:
        if not all(test(day) for test in self.tests):
            return False
        if not self.said["places"]:
            return True
        around = [one for one in self.period(day) if all(test(one) for test in self.tests)]
        places = {ordinal(text) for text in parts(self.said["places"])}
        return not places.isdisjoint(place(day, around))

    def period(self, day: date) -> list[date]:
        """The days of the month or of the year."""
        first = day.replace(day=1) if self.of_month else day.replace(month=1, day=1)
        days = (first + number * DAY for number in range(366))
        return [one for one in days if one.year == day.year and one.month in self.months(day)]

    def months(self, day: date) -> set[int]:
        return {day.month} if self.of_month else set(range(1, 13))

    def week(self, day: date) -> tuple[int, int]:
        """The number of a week in the year that has most of it, from both ends."""
        middle = self.monday(day) + 3 * DAY
        weeks = [one for one in year_of(middle) if one.weekday() == middle.weekday()]
        return place(middle, weeks)


def year_of(day: date) -> list[date]:
    first = day.replace(month=1, day=1)
    return [first + number * DAY for number in range(365 + calendar.isleap(day.year))]


def month_of(day: date) -> list[date]:
    return [one for one in year_of(day) if one.month == day.month]


def in_months(sentence: Sentence, found: re.Match[str]) -> Test:
    sentence.of_month = True
    months = [MONTHS.index(name) for name in parts(found[1])]
    return lambda day: day.month in months


def in_weeks(sentence: Sentence, found: re.Match[str]) -> Test:
    names = [text.removeprefix("the ") for text in parts(found[1])]
    numbers = {
        int(name.split()[1]) if name.startswith("week") else ordinal(name.removesuffix(" week"))
        for name in names
    }
    return lambda day: not numbers.isdisjoint(sentence.week(day))


def days_of(text: str) -> set[int]:
    names = [name.removeprefix("the ") for name in parts(text)]
    return {
        int(name.split()[1]) if name.startswith("day") else ordinal(name.removesuffix(" day"))
        for name in names
    }


def on_year_days(_: Sentence, found: re.Match[str]) -> Test:
    numbers = days_of(found[1])
    return lambda day: not numbers.isdisjoint(place(day, year_of(day)))


def on_month_days(_: Sentence, found: re.Match[str]) -> Test:
    numbers = days_of(found[1])
    return lambda day: not numbers.isdisjoint(place(day, month_of(day)))


def on_weekdays(_: Sentence, found: re.Match[str]) -> Test:
    return lambda day: WEEKDAYS[day.weekday()] in parts(found[1])


def on_nth_weekdays(sentence: Sentence, found: re.Match[str]) -> Test:
    wanted = set()
    for name in parts(found[1]):
        nth, weekday = name.removeprefix("the ").rsplit(" ", 1)
        wanted.add((ordinal(nth), weekday))

    def test(day: date) -> bool:
        around = month_of(day) if sentence.of_month else year_of(day)
        same = [one for one in around if one.weekday() == day.weekday()]
        return any((at, WEEKDAYS[day.weekday()]) in wanted for at in place(day, same))

    return test


def after_weekday(_: Sentence, found: re.Match[str]) -> Test:
    def test(day: date) -> bool:
        before = day - int(found[1]) * DAY
        same = [one for one in month_of(before) if one.weekday() == before.weekday()]
        is_day = WEEKDAYS[before.weekday()] == found[3] and before.month == day.month
        return is_day and ordinal(found[2]) in place(before, same)

    return test


READERS: list[tuple[str, Callable[[Sentence, re.Match[str]], Test]]] = [
    (f" in {listed(f'(?:{A_MONTH})')}", in_months),
    (f" in {listed(f'(?:week [0-9]+|the {NTH} week)')} of the year", in_weeks),
    (f" on {listed(f'(?:day [0-9]+|the {NTH} day)')} of the year", on_year_days),
    (
        f" on {listed(f'(?:day [0-9]+|the {NTH} day)')}"
        r"(?: of each month)?(?: \(months without it are skipped\))?",
        on_month_days,
    ),
    (rf" (\d+) days? after the ({NTH}) ({A_WEEKDAY})", after_weekday),
    (f" on {listed(f'the {NTH} (?:{A_WEEKDAY})')}", on_nth_weekdays),
    (f" (?:on each|on|if that is) {listed(f'(?:{A_WEEKDAY})')}", on_weekdays),
]
