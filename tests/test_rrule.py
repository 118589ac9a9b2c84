"""Recurrence rules: parsing, errors, and the examples of RFC 5545."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from time import process_time
from zoneinfo import ZoneInfo

import pytest

from maintenance_windows.core.recurrence import Recurrence
from maintenance_windows.core.rrule import MAX_RULE_LENGTH, Rule
from maintenance_windows.exceptions import RuleError
from tests.helpers.times import HOUR

pytestmark = pytest.mark.any_database

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("FREQ=DAILY", "FREQ=DAILY"),
        ("RRULE:FREQ=WEEKLY;BYDAY=SU", "FREQ=WEEKLY;BYDAY=SU"),
        ("rrule:freq=weekly;byday=su,mo", "FREQ=WEEKLY;BYDAY=SU,MO"),
        (" FREQ=MONTHLY;BYDAY=-1SU; \n", "FREQ=MONTHLY;BYDAY=-1SU"),
        ("BYDAY=+2TU;FREQ=MONTHLY", "BYDAY=+2TU;FREQ=MONTHLY"),
        ("FREQ=YEARLY;BYWEEKNO=-53;BYDAY=MO;WKST=SU", "FREQ=YEARLY;BYWEEKNO=-53;BYDAY=MO;WKST=SU"),
        ("FREQ=DAILY;UNTIL=20271231T010000Z", "FREQ=DAILY;UNTIL=20271231T010000Z"),
        ("FREQ=DAILY;INTERVAL=9999;COUNT=9999", "FREQ=DAILY;INTERVAL=9999;COUNT=9999"),
    ],
)
def test_parse_returns_canonical_text(text, canonical):
    assert Rule.parse(text).text == canonical


EMPTY = "Enter a rule"
UNREADABLE = "Invalid "
ONE = "Enter a single rule"
FREQUENCY = "FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY."
NUMBER = "is not a number from 1 to "


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", EMPTY),
        ("  \n", EMPTY),
        ("RRULE:", EMPTY),
        ("every Sunday", UNREADABLE),
        ("FREQ", UNREADABLE),
        ("FREQ=", UNREADABLE),
        ("FREQ=DAILY;;COUNT=2", UNREADABLE),
        ("FREQ=DAILY;BYEASTER=1", UNREADABLE),
        ("FREQ=DAILY;X-NAME=1", UNREADABLE),
        ("FREQ=DAILY;TZID=Europe/Berlin", UNREADABLE),
        ("BYDAY=SU", FREQUENCY),
        ("FREQ=FORTNIGHTLY", FREQUENCY),
        ("FREQ=DAILY\0", FREQUENCY),
        # more often than daily
        ("FREQ=HOURLY", "is too frequent"),
        ("FREQ=MINUTELY;INTERVAL=1440", "is too frequent"),
        ("FREQ=SECONDLY", "is too frequent"),
        ("FREQ=DAILY;BYHOUR=2,14", "BYHOUR is not supported"),
        ("FREQ=DAILY;BYMINUTE=0,30", "BYMINUTE is not supported"),
        ("FREQ=DAILY;BYSECOND=0", "BYSECOND is not supported"),
        # what dateutil reads in its own way
        ("FREQ=WEEKLY;BYDAY=MO,WE;BYSETPOS=1", "BYSETPOS cannot be used with FREQ=WEEKLY."),
        ("FREQ=MONTHLY;BYDAY=SU,2TU", "must not mix days"),
        ("FREQ=MONTHLY;BYDAY=6MO", "BYDAY=6 is not a number from 1 to 5"),
        ("FREQ=YEARLY;BYMONTH=2;BYDAY=53TU", "BYDAY=53 is not a number from 1 to 5"),
        # twice, or too much
        ("FREQ=DAILY;FREQ=WEEKLY", "FREQ is in the rule twice."),
        ("FREQ=WEEKLY;BYDAY=SU;BYDAY=MO", "BYDAY is in the rule twice."),
        ("FREQ=DAILY;COUNT=3;UNTIL=20271231", "COUNT and UNTIL cannot be combined."),
        ("FREQ=DAILY\nFREQ=WEEKLY", ONE),
        ("FREQ=DAILY\u2028FREQ=WEEKLY", ONE),
        ("DTSTART:20270101T020000\nRRULE:FREQ=DAILY", ONE),
        ("DTSTART:20270101T020000", ONE),
        ("RRULE:RRULE:FREQ=DAILY", ONE),
        ("FREQ=DAILY;BYMONTHDAY=" + "1," * 120 + "1", "longer than 255 characters."),
        # numbers
        ("FREQ=DAILY;INTERVAL=0", NUMBER),
        ("FREQ=DAILY;INTERVAL=-1", NUMBER),
        ("FREQ=DAILY;INTERVAL=1.5", NUMBER),
        ("FREQ=DAILY;INTERVAL=1_0", NUMBER),
        ("FREQ=DAILY;INTERVAL= 1", NUMBER),
        ("FREQ=DAILY;INTERVAL=10000", NUMBER),
        ("FREQ=DAILY;INTERVAL=\u0663", NUMBER),  # Arabic-Indic three
        ("FREQ=DAILY;COUNT=0", NUMBER),
        ("FREQ=DAILY;COUNT=\uff13", NUMBER),  # full-width three
        ("FREQ=MONTHLY;BYMONTHDAY=32", NUMBER),
        ("FREQ=MONTHLY;BYMONTHDAY=0", NUMBER),
        ("FREQ=MONTHLY;BYMONTHDAY=-32", NUMBER),
        ("FREQ=MONTHLY;BYMONTHDAY=1,,2", NUMBER),
        ("FREQ=DAILY;BYMONTH=13", NUMBER),
        ("FREQ=DAILY;BYMONTH=-1", NUMBER),
        ("FREQ=YEARLY;BYYEARDAY=367", NUMBER),
        ("FREQ=YEARLY;BYWEEKNO=54", NUMBER),
        ("FREQ=YEARLY;BYDAY=54MO", NUMBER),
        ("FREQ=MONTHLY;BYDAY=6FR", NUMBER),
        ("FREQ=MONTHLY;BYDAY=-6FR", NUMBER),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=6FR", NUMBER),
        ("FREQ=MONTHLY;BYDAY=0MO", NUMBER),
        ("FREQ=MONTHLY;BYDAY=\u0662TU", NUMBER),
        # days and weeks
        ("FREQ=WEEKLY;BYDAY=XX", UNREADABLE),
        ("FREQ=WEEKLY;BYDAY=SU,", UNREADABLE),
        ("FREQ=WEEKLY;BYDAY=SUN", UNREADABLE),
        ("FREQ=WEEKLY;WKST=XX", "WKST=XX is not one of MO, TU"),
        ("FREQ=WEEKLY;BYDAY=2TU", "needs FREQ=MONTHLY"),
        ("FREQ=DAILY;BYDAY=1SU", "needs FREQ=MONTHLY"),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO", "needs FREQ=MONTHLY, or FREQ=YEARLY without weeks."),
        # what section 3.3.10 does not allow together
        ("FREQ=WEEKLY;BYMONTHDAY=13", "BYMONTHDAY cannot be used with FREQ=WEEKLY."),
        ("FREQ=MONTHLY;BYYEARDAY=100", "BYYEARDAY cannot be used with FREQ=MONTHLY."),
        ("FREQ=MONTHLY;BYWEEKNO=20", "BYWEEKNO cannot be used with FREQ=MONTHLY."),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS needs another BY part"),
        # ends
        ("FREQ=DAILY;UNTIL=2027-12-31", "Invalid UNTIL=2027-12-31"),
        ("FREQ=DAILY;UNTIL=20270230", "Invalid UNTIL="),
        ("FREQ=DAILY;UNTIL=20271231T250000Z", "Invalid UNTIL="),
        ("FREQ=DAILY;UNTIL=20271231T240000Z", "Invalid UNTIL="),
        ("FREQ=DAILY;UNTIL=20271231Z", "Invalid UNTIL="),
        ("FREQ=DAILY;UNTIL=\u0662\u0660\u0662\u0667\u0661\u0662\u0663\u0661", "Invalid UNTIL="),
    ],
)  # fmt: skip
def test_invalid_rule_raises_one_sentence(text, sentence):
    with pytest.raises(RuleError) as refusal:
        Rule.parse(text)
    said = str(refusal.value)
    assert sentence in said
    assert said.endswith(".")
    assert len(said.splitlines()) == 1


def test_longest_rule_fits_column():
    text = "FREQ=MONTHLY;BYMONTHDAY=" + ",".join(["1"] * 115) + ",1"
    assert len(text) == MAX_RULE_LENGTH
    assert Rule.parse(text).text == text


# Section 3.8.5.3, all that repeat daily or less often. Each starts on the first day listed, at
# 09:00 in New York; of rules that go on the section shows how they begin.
RFC_5545 = [
    ("FREQ=DAILY;COUNT=10", "1997-09 2 3 4 5 6 7 8 9 10 11"),
    ("FREQ=DAILY;INTERVAL=2", "1997-09 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30, 1997-10 2 4"),
    ("FREQ=DAILY;INTERVAL=10;COUNT=5", "1997-09 2 12 22, 1997-10 2 12"),
    ("FREQ=WEEKLY;COUNT=10", "1997-09 2 9 16 23 30, 1997-10 7 14 21 28, 1997-11 4"),
    (
        "FREQ=WEEKLY;UNTIL=19971224T000000Z",
        "1997-09 2 9 16 23 30, 1997-10 7 14 21 28, 1997-11 4 11 18 25, 1997-12 2 9 16 23",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
        "1997-09 2 16 30, 1997-10 14 28, 1997-11 11 25, 1997-12 9 23, 1998-01 6 20, 1998-02 3 17",
    ),
    (
        "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
        "1997-09 2 4 9 11 16 18 23 25 30, 1997-10 2",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
        "1997-09 1 3 5 15 17 19 29, 1997-10 1 3 13 15 17 27 29 31, 1997-11 10 12 14 24 26 28, "
        "1997-12 8 10 12 22",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
        "1997-09 2 4 16 18 30, 1997-10 2 14 16",
    ),
    (
        "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
        "1997-09 5, 1997-10 3, 1997-11 7, 1997-12 5, 1998-01 2, 1998-02 6, 1998-03 6, 1998-04 3, "
        "1998-05 1, 1998-06 5",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        "1997-09 7 28, 1997-11 2 30, 1998-01 4 25, 1998-03 1 29, 1998-05 3 31",
    ),
    (
        "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
        "1997-09 22, 1997-10 20, 1997-11 17, 1997-12 22, 1998-01 19, 1998-02 16",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=-3",
        "1997-09 28, 1997-10 29, 1997-11 28, 1997-12 29, 1998-01 29, 1998-02 26",
    ),
    (
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
        "1997-09 2 15, 1997-10 2 15, 1997-11 2 15, 1997-12 2 15, 1998-01 2 15",
    ),
    (
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
        "1997-09 30, 1997-10 1 31, 1997-11 1 30, 1997-12 1 31, 1998-01 1 31, 1998-02 1",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
        "1997-09 10 11 12 13 14 15, 1999-03 10 11 12 13",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
        "1997-09 2 9 16 23 30, 1997-11 4 11 18 25, 1998-01 6 13 20 27, 1998-03 3 10 17 24 31",
    ),
    (
        "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
        "1997-06 10, 1997-07 10, 1998-06 10, 1998-07 10, 1999-06 10, 1999-07 10, 2000-06 10, "
        "2000-07 10, 2001-06 10, 2001-07 10",
    ),
    (
        "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
        "1997-03 10, 1999-01 10, 1999-02 10, 1999-03 10, 2001-01 10, 2001-02 10, 2001-03 10, "
        "2003-01 10, 2003-02 10, 2003-03 10",
    ),
    (
        "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
        "1997-01 1, 1997-04 10, 1997-07 19, 2000-01 1, 2000-04 9, 2000-07 18, 2003-01 1, "
        "2003-04 10, 2003-07 19, 2006-01 1",
    ),
    ("FREQ=YEARLY;BYDAY=20MO", "1997-05 19, 1998-05 18, 1999-05 17"),
    ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "1997-05 12, 1998-05 11, 1999-05 17"),
    (
        "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
        "1997-03 13 20 27, 1998-03 5 12 19 26, 1999-03 4 11 18 25",
    ),
    (
        "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
        "1997-06 5 12 19 26, 1997-07 3 10 17 24 31, 1997-08 7 14 21 28, 1998-06 4 11 18 25",
    ),
    (
        "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
        "1997-09 13, 1997-10 11, 1997-11 8, 1997-12 13, 1998-01 10, 1998-02 7, 1998-03 7",
    ),
    (
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        "1996-11 5, 2000-11 7, 2004-11 2",
    ),
    ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09 4, 1997-10 7, 1997-11 6"),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
        "1997-09 29, 1997-10 30, 1997-11 27, 1997-12 30, 1998-01 29, 1998-02 26, 1998-03 30",
    ),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997-08 5 10 19 24"),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997-08 5 17 19 31"),
    ("FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007-01 15 30, 2007-02 15, 2007-03 15 30"),
]

# What the section says in words, and what it does not show. Weeks are those of ISO 8601.
MORE = [
    # A week without BYDAY has the weekday of the start, as section 3.3.10 says of parts that are
    # missing: Mondays of the weeks 20 of 2027 to 2029.
    ("FREQ=YEARLY;BYWEEKNO=20", "2027-05 17, 2028-05 15, 2029-05 14"),
    # Week 1 of 2025 and of 2026 begins in the December before.
    ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", "2024-01 1, 2024-12 30, 2025-12 29, 2027-01 4"),
    # The 53rd Monday, which few years have.
    ("FREQ=YEARLY;BYDAY=53MO", "2029-12 31, 2035-12 31"),
    # In a month of a year a number counts within the month.
    ("FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU", "2027-03 28, 2027-10 31, 2028-03 26, 2028-10 29"),
    # Leap days; 2100 is no leap year.
    ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2092-02 29, 2096-02 29, 2104-02 29"),
    ("FREQ=YEARLY", "2028-02 29, 2032-02 29"),
    ("FREQ=YEARLY;BYYEARDAY=-1,366", "2027-12 31, 2028-12 31, 2029-12 31"),
    # 2032 is the next year of 53 weeks after 2026.
    ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=TH", "2026-12 31, 2032-12 30"),
    ("FREQ=DAILY;BYMONTHDAY=-1;BYMONTH=2", "2027-02 28, 2028-02 29, 2029-02 28"),
    ("FREQ=DAILY;BYMONTHDAY=1,2;BYDAY=SU", "2027-05 2, 2027-08 1, 2028-01 2"),
]


def days(listed: str) -> Iterator[date]:
    for month in listed.split(", "):
        name, *numbers = month.split()
        yield from (date.fromisoformat(f"{name}-{number:0>2}") for number in numbers)


def series(rule: str, first: date, excluded: frozenset[date] = frozenset()) -> Recurrence:
    return Recurrence(
        rule=Rule.parse(rule),
        start=datetime(first.year, first.month, first.day, 9),
        zone=NEW_YORK,
        length=HOUR,
        excluded=excluded,
    )


def local_starts(repeats: Recurrence, number: int) -> list[datetime]:
    since = repeats.start.replace(tzinfo=UTC) - timedelta(days=1)
    found = islice(repeats.occurrences(since), number)
    return [one.starts_at.astimezone(NEW_YORK).replace(tzinfo=None) for one in found]


@pytest.mark.parametrize(("rule", "listed"), RFC_5545 + MORE)
def test_rfc_5545_examples(rule, listed):
    expected = [datetime(day.year, day.month, day.day, 9) for day in days(listed)]
    ends = "COUNT" in rule or "UNTIL" in rule
    repeats = series(rule, expected[0].date())
    assert local_starts(repeats, len(expected) + ends) == expected


def test_every_day_until_christmas_eve():
    """September has 29 days left, October 31, November 30; the 24th begins too late in UTC."""
    found = local_starts(series("FREQ=DAILY;UNTIL=19971224T000000Z", date(1997, 9, 2)), 1000)
    assert len(found) == 29 + 31 + 30 + 23
    assert found[-1] == datetime(1997, 12, 23, 9)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
        "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1",
    ],
)
def test_every_day_in_january_for_three_years(rule):
    """14:00 in UTC is 09:00 in New York: the last day counts."""
    found = local_starts(series(rule, date(1998, 1, 1)), 1000)
    assert [(day.year, day.month) for day in found[::31]] == [(1998, 1), (1999, 1), (2000, 1)]
    assert (len(found), found[-1]) == (93, datetime(2000, 1, 31, 9))


def test_every_friday_the_thirteenth():
    repeats = series(
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", date(1997, 9, 2), frozenset([date(1997, 9, 2)])
    )
    assert [f"{day:%Y-%m-%d}" for day in local_starts(repeats, 5)] == [
        "1998-02-13",
        "1998-03-13",
        "1998-11-13",
        "1999-08-13",
        "2000-10-13",
    ]


NEVER = [
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;BYDAY=MO;COUNT=9999",
    "FREQ=DAILY;BYMONTH=4,6,9,11;BYMONTHDAY=31",
    "FREQ=DAILY;INTERVAL=7;BYDAY=MO;BYMONTH=2;BYMONTHDAY=30,31",
    "FREQ=MONTHLY;BYMONTH=4,6,9,11;BYMONTHDAY=31",
    "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30;BYDAY=FR",
    "FREQ=MONTHLY;INTERVAL=9999;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
    "FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1",
    "FREQ=YEARLY;BYMONTHDAY=1,2,3;BYDAY=MO,TU,WE;BYSETPOS=366,-366",
    "FREQ=YEARLY;INTERVAL=9999;BYMONTH=2;BYMONTHDAY=30",
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "first", [date(1970, 1, 1), date(2027, 2, 1), date(2399, 1, 1), date(9899, 12, 1)], ids=str
)
def test_rules_without_occurrence_end_quickly(first):
    """A search until the year 9999 would take seconds for each rule."""
    begun = process_time()
    assert [rule for rule in NEVER if local_starts(series(rule, first), 1)] == []
    assert process_time() - begun < 5


@pytest.mark.slow
@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=9999",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=SA",
        "FREQ=YEARLY;BYDAY=" + ",".join(f"{n}MO" for n in range(-40, 0)),
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=" + ",".join(map(str, range(1, 50))),
        "FREQ=YEARLY;BYWEEKNO=" + ",".join(map(str, range(1, 54))),
        "FREQ=YEARLY;INTERVAL=49",
    ],
    ids=lambda rule: rule[:40],
)
def test_next_occurrence_of_old_series_is_fast(rule):
    """The series starts in 1970 and the search in 2399, with all occurrences in between."""
    repeats = series(rule, date(1970, 1, 1))
    begun = process_time()
    next(repeats.occurrences(datetime(2399, 1, 1, tzinfo=UTC)), None)
    assert process_time() - begun < 5
