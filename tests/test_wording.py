"""Recurrences and durations in words."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from maintenance_windows.core.recurrence import Recurrence
from maintenance_windows.core.rrule import Rule
from maintenance_windows.wording.durations import format_duration, parse_duration
from maintenance_windows.wording.recurrences import format_recurrence, format_rule
from maintenance_windows.wording.spans import format_moment, format_times
from tests.helpers.spoken import Sentence
from tests.helpers.times import HOUR, MINUTE, SECOND
from tests.test_rrule import MORE, RFC_5545, days

pytestmark = pytest.mark.any_database

SUNDAY = datetime(2029, 11, 4, 2, 0)


RULES = pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=DAILY", "every day"),
        ("FREQ=DAILY;INTERVAL=2", "every 2 days"),
        ("FREQ=DAILY;BYMONTH=1", "every day in January"),
        ("FREQ=DAILY;BYMONTH=1,2,12", "every day in January, February and December"),
        ("FREQ=WEEKLY;BYDAY=SU", "every week on Sunday"),
        ("FREQ=WEEKLY;BYDAY=TU,TH", "every week on Tuesday and Thursday"),
        ("FREQ=WEEKLY;BYDAY=TU,TU", "every week on Tuesday"),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR;WKST=SU",
            "every 2 weeks (weeks start on Sunday) on Monday, Wednesday and Friday",
        ),
        ("FREQ=MONTHLY;BYDAY=2TU", "every month on the second Tuesday"),
        ("FREQ=MONTHLY;BYDAY=1SU,-1SU", "every month on the first Sunday and the last Sunday"),
        ("FREQ=MONTHLY;BYDAY=-2MO", "every month on the second last Monday"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "every month on the last day"),
        ("FREQ=MONTHLY;INTERVAL=18;BYMONTHDAY=10", "every 18 months on day 10"),
        ("FREQ=MONTHLY;BYMONTHDAY=28", "every month on day 28"),
        (
            "FREQ=MONTHLY;BYMONTHDAY=29",
            "every month on day 29 (months without it are skipped)",
        ),
        (
            "FREQ=MONTHLY;BYDAY=SU;BYMONTHDAY=13,14,15,16,17,18,19",
            "every month 5 days after the second Tuesday",
        ),
        (
            "FREQ=MONTHLY;BYMONTH=3;BYDAY=WE;BYMONTHDAY=2,3,4,5,6,7,8",
            "every month in March 1 day after the first Tuesday",
        ),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "every month on day 13 if that is Friday"),
        (
            "FREQ=MONTHLY;BYDAY=TU,WE,TH;BYSETPOS=3",
            "every month on Tuesday, Wednesday and Thursday, of these the third",
        ),
        ("FREQ=MONTHLY;BYMONTHDAY=-3", "every month on the third last day"),
        # rules that occur more often than they seem to
        ("FREQ=MONTHLY;BYDAY=TU", "every month on each Tuesday"),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "every year in March on each Thursday"),
        ("FREQ=YEARLY;BYMONTHDAY=15", "every year on day 15 of each month"),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "every year in March on the last Sunday"),
        ("FREQ=YEARLY;BYMONTH=6;BYMONTHDAY=15", "every year in June on day 15"),
        (
            "FREQ=YEARLY;INTERVAL=3;BYYEARDAY=1,100,-1",
            "every 3 years on day 1, day 100 and the last day of the year",
        ),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "every year in week 20 of the year on Monday"),
        ("FREQ=YEARLY;BYWEEKNO=20", "every year in week 20 of the year on Sunday"),
        ("FREQ=YEARLY;BYWEEKNO=-1", "every year in the last week of the year on Sunday"),
        ("FREQ=YEARLY;BYWEEKNO=-5", "every year in the 5. last week of the year on Sunday"),
        ("FREQ=YEARLY;BYDAY=7MO", "every year on the 7. Monday"),
        ("FREQ=YEARLY;BYDAY=-7MO", "every year on the 7. last Monday"),
        # parts that come from the start, Sunday the 4th of November
        ("FREQ=WEEKLY", "every week on Sunday"),
        ("FREQ=WEEKLY;BYMONTH=6", "every week in June on Sunday"),
        ("FREQ=MONTHLY", "every month on day 4"),
        ("FREQ=YEARLY", "every year in November on day 4"),
        ("FREQ=YEARLY;BYMONTH=6,7", "every year in June and July on day 4"),
        # ends
        ("FREQ=DAILY;COUNT=10", "every day, 10 times"),
        ("FREQ=DAILY;UNTIL=20271231", "every day, until 31 December 2027"),
        ("FREQ=DAILY;UNTIL=20271231T010000", "every day, until 2027-12-31 01:00"),
        ("FREQ=DAILY;UNTIL=20271231T010000Z", "every day, until 2027-12-31 01:00 UTC"),
    ],
)


@RULES
def test_format_rule(rule, words):
    assert format_rule(Rule.parse(rule), SUNDAY) == words


NEW_YORK = ZoneInfo("America/New_York")


def read_back(rule: str, start: datetime, years: int) -> tuple[list[date], list[date]]:
    """The dates of a rule, and those that its words say to who knows nothing but them."""
    recurrence = Recurrence(rule=Rule.parse(rule), start=start, zone=NEW_YORK, length=HOUR)
    last = start.date().replace(year=start.year + years, day=1)
    since = start.replace(tzinfo=UTC) - timedelta(days=2)
    stop = datetime.combine(last, start.time(), NEW_YORK) + HOUR
    said = Sentence(format_rule(recurrence.rule, start)).dates(start, NEW_YORK, last)
    return [one.date for one in recurrence.occurrences(since, stop)], said


@RULES
def test_words_of_a_rule_are_read_back_into_its_dates(rule, words):
    dates, said = read_back(rule, datetime(2025, 11, 2, 2), 5)
    assert dates == said != []


@pytest.mark.parametrize(("rule", "listed"), RFC_5545 + MORE)
def test_words_of_rfc_5545_examples_are_read_back(rule, listed):
    first = next(days(listed))
    dates, said = read_back(rule, datetime(first.year, first.month, first.day, 9), 5)
    assert dates == said != []


def test_format_rule_mentions_short_months():
    start = datetime(2027, 1, 31, 2, 0)
    assert format_rule(Rule.parse("FREQ=MONTHLY"), start) == (
        "every month on day 31 (months without it are skipped)"
    )


def test_format_recurrence_names_time_and_zone():
    repeats = Recurrence(
        rule=Rule.parse("FREQ=WEEKLY;INTERVAL=2"),
        start=SUNDAY,
        zone=ZoneInfo("Europe/Berlin"),
        length=90 * MINUTE,
    )
    assert format_recurrence(repeats) == (
        "every 2 weeks on Sunday, from 02:00 for 1h30m, time zone Europe/Berlin"
    )


@pytest.mark.parametrize(
    ("clock", "length", "words"),
    [
        (1, HOUR, "from 01:00 to 02:00"),
        (0, 24 * HOUR, "from 00:00 to 00:00 1 day later"),
        (22, 56 * HOUR, "from 22:00 to 06:00 3 days later"),
    ],
)
def test_format_recurrence_names_end_on_the_clock(clock, length, words):
    repeats = Recurrence(
        rule=Rule.parse("FREQ=WEEKLY"),
        start=SUNDAY.replace(hour=clock),
        zone=ZoneInfo("UTC"),
        length=length,
        by_clock=True,
    )
    assert format_recurrence(repeats) == f"every week on Sunday, {words}, time zone UTC"


def test_format_rule_translates_days_and_months():
    with translation.override("de"):
        words = format_rule(Rule.parse("FREQ=YEARLY;BYMONTH=3;BYDAY=SU"), SUNDAY)
    assert "Sonntag" in words
    assert "März" in words


LENGTHS = [
    (timedelta(days=1), "1d"),
    (48 * HOUR, "2d"),
    (26 * HOUR, "1d2h"),
    (2 * HOUR, "2h"),
    (90 * MINUTE, "1h30m"),
    (30 * MINUTE, "30m"),
    (90 * SECOND, "1m30s"),
    (timedelta(days=999, seconds=1), "999d1s"),
]


@pytest.mark.parametrize(("length", "words"), LENGTHS)
def test_durations_round_trip(length, words):
    assert format_duration(length) == words
    assert parse_duration(words) == length


@pytest.mark.parametrize("text", ["", "2", "h", "1h 30m", "1.5h", "-1h", "30m1h", "0s", "999999d"])
def test_parse_duration_rejects_invalid_text(text):
    with pytest.raises(ValueError, match="Invalid duration"):
        parse_duration(text)


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        ("2029-11-04T01:00Z", "2029-11-04T03:00Z", "Sun 4 Nov 02:00–04:00 CET"),
        ("2029-11-04T21:00Z", "2029-11-05T01:00Z", "Sun 4 Nov 22:00 – Mon 5 Nov 02:00 CET"),
        ("2030-01-01T01:00Z", "2030-01-01T03:00Z", "Tue 1 Jan 2030 02:00–04:00 CET"),
        (
            "2029-12-31T22:00Z",
            "2030-01-01T03:00Z",
            "Mon 31 Dec 23:00 – Tue 1 Jan 2030 04:00 CET",
        ),
        ("2029-10-27T23:00Z", "2029-10-28T03:00Z", "Sun 28 Oct 01:00 CEST – 04:00 CET"),
        (
            "2029-10-27T21:00Z",
            "2029-10-28T03:00Z",
            "Sat 27 Oct 23:00 CEST – Sun 28 Oct 04:00 CET",
        ),
    ],
)
def test_span_of_admin_is_in_one_zone_and_names_what_differs(start, end, text):
    times = map(datetime.fromisoformat, (start, end))
    assert format_times(*times, BERLIN, SUNDAY.replace(tzinfo=UTC)) == text


def test_time_of_admin_is_local_and_translated():
    now = datetime(2029, 12, 31, 22, 30, tzinfo=UTC)
    assert format_moment(now, BERLIN, now) == "Mon 31 Dec 23:30 CET"
    assert format_moment(now, BERLIN, now + HOUR) == "Mon 31 Dec 2029 23:30 CET"
    assert format_moment(now, BERLIN, now, seconds=True) == "Mon 31 Dec 23:30:00 CET"
    with translation.override("de"):
        text = format_moment(now, BERLIN, now)
    assert text.startswith("Mo ")
    assert "Dez" in text
