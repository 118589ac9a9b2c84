"""Occurrences of a series by the local time of its zone, written here in UTC."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from maintenance_windows.core.recurrence import Occurrence, Recurrence
from maintenance_windows.core.rrule import Rule
from maintenance_windows.exceptions import RuleError
from tests.helpers.times import HOUR, MINUTE, SECOND

pytestmark = pytest.mark.any_database

DAY = 24 * HOUR


def series(
    rule: str, start: str, zone: str = "UTC", length: timedelta = HOUR, excluded: str = ""
) -> Recurrence:
    return Recurrence(
        rule=Rule.parse(rule),
        start=datetime.fromisoformat(start),
        zone=ZoneInfo(zone),
        length=length,
        excluded=frozenset(map(date.fromisoformat, excluded.split())),
    )


def whole(repeats: Recurrence, number: int = 1000) -> list[Occurrence]:
    """The first occurrences of a series."""
    return list(islice(repeats.occurrences(repeats.start.replace(tzinfo=UTC) - 2 * DAY), number))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Zone, rule, start by the clock there, and the first starts in UTC.
TABLE = {
    # Berlin goes from +01:00 to +02:00 on Sunday 2027-03-28 at 02:00, so 02:30 does not exist: it
    # is taken as 02:30+01:00, which the clocks show as 03:30.
    "Berlin skips an hour": (
        "Europe/Berlin", "FREQ=DAILY", "2027-03-26T02:30",
        ["2027-03-26 01:30", "2027-03-27 01:30", "2027-03-28 01:30", "2027-03-29 00:30"],
    ),
    # Back to +01:00 on Sunday 2027-10-31 at 03:00: 02:30 is twice, the first at +02:00.
    "Berlin repeats an hour": (
        "Europe/Berlin", "FREQ=DAILY", "2027-10-29T02:30",
        ["2027-10-29 00:30", "2027-10-30 00:30", "2027-10-31 00:30", "2027-11-01 01:30"],
    ),
    # From -05:00 to -04:00 on Sunday 2027-03-14 at 02:00.
    "New York skips an hour": (
        "America/New_York", "FREQ=DAILY", "2027-03-13T02:30",
        ["2027-03-13 07:30", "2027-03-14 07:30", "2027-03-15 06:30", "2027-03-16 06:30"],
    ),
    # Back to -05:00 on Sunday 2027-11-07 at 02:00: 01:30 is twice, the first at -04:00.
    "New York repeats an hour": (
        "America/New_York", "FREQ=DAILY", "2027-11-06T01:30",
        ["2027-11-06 05:30", "2027-11-07 05:30", "2027-11-08 06:30", "2027-11-09 06:30"],
    ),
    # From +10:30 to +11:00 on Sunday 2027-10-03 at 02:00: 02:15 is taken as 02:15+10:30.
    "Lord Howe skips half an hour": (
        "Australia/Lord_Howe", "FREQ=DAILY", "2027-10-02T02:15",
        ["2027-10-01 15:45", "2027-10-02 15:45", "2027-10-03 15:15", "2027-10-04 15:15"],
    ),
    # Back to +10:30 on Sunday 2027-04-04 at 02:00: 01:45 is twice, the first at +11:00.
    "Lord Howe repeats half an hour": (
        "Australia/Lord_Howe", "FREQ=DAILY", "2027-04-03T01:45",
        ["2027-04-02 14:45", "2027-04-03 14:45", "2027-04-04 15:15", "2027-04-05 15:15"],
    ),
    # From -03:00 to -02:00 on Sunday 2018-11-04 at 00:00, which makes it 01:00.
    "Sao Paulo skips midnight": (
        "America/Sao_Paulo", "FREQ=DAILY", "2018-11-03T00:00",
        ["2018-11-03 03:00", "2018-11-04 03:00", "2018-11-05 02:00", "2018-11-06 02:00"],
    ),
    # Back to -03:00 on Sunday 2018-02-18 at 00:00, which makes it 23:00 of Saturday once more.
    "Sao Paulo repeats the hour before midnight": (
        "America/Sao_Paulo", "FREQ=DAILY", "2018-02-16T23:30",
        ["2018-02-17 01:30", "2018-02-18 01:30", "2018-02-19 02:30", "2018-02-20 02:30"],
    ),
    "midnight in Sao Paulo is once": (
        "America/Sao_Paulo", "FREQ=DAILY", "2018-02-17T00:00",
        ["2018-02-17 02:00", "2018-02-18 03:00", "2018-02-19 03:00"],
    ),
    "Sao Paulo has no summer time since 2019": (
        "America/Sao_Paulo", "FREQ=MONTHLY", "2027-10-04T00:00",
        ["2027-10-04 03:00", "2027-11-04 03:00", "2027-12-04 03:00"],
    ),
    # +05:45 all year. 2027-01-03 is a Sunday.
    "Kathmandu": (
        "Asia/Kathmandu", "FREQ=WEEKLY;BYDAY=SU", "2027-01-03T02:00",
        ["2027-01-02 20:15", "2027-01-09 20:15", "2027-01-16 20:15"],
    ),
    # From -10:00 to +14:00 at the end of 2011-12-29: the 30th is no day there. 02:00 on the 30th
    # is taken as 02:00-10:00, which is 02:00+14:00 on the 31st: one time, not two.
    "Apia skips a day": (
        "Pacific/Apia", "FREQ=DAILY", "2011-12-28T02:00",
        ["2011-12-28 12:00", "2011-12-29 12:00", "2011-12-30 12:00", "2011-12-31 12:00"],
    ),
    # 2011-12-30 would have been a Friday.
    "Apia skips a Friday": (
        "Pacific/Apia", "FREQ=WEEKLY;BYDAY=FR", "2011-12-23T02:00",
        ["2011-12-23 12:00", "2011-12-30 12:00", "2012-01-05 12:00"],
    ),
    # +09:00: Monday, but Sunday in UTC. 2027-01-04 is a Monday.
    "Monday in Tokyo": (
        "Asia/Tokyo", "FREQ=WEEKLY;BYDAY=MO", "2027-01-04T02:00",
        ["2027-01-03 17:00", "2027-01-10 17:00", "2027-01-17 17:00"],
    ),
    # -08:00: Sunday, but Monday in UTC; the last of the month, but the first in UTC.
    "Sunday in Los Angeles": (
        "America/Los_Angeles", "FREQ=WEEKLY;BYDAY=SU", "2027-01-03T22:00",
        ["2027-01-04 06:00", "2027-01-11 06:00"],
    ),
    "the last of the month in Los Angeles": (
        "America/Los_Angeles", "FREQ=MONTHLY;BYMONTHDAY=-1", "2026-11-30T22:00",
        ["2026-12-01 06:00", "2027-01-01 06:00", "2027-02-01 06:00", "2027-03-01 06:00"],
    ),
    "short months have no 31st": (
        "UTC", "FREQ=MONTHLY", "2027-01-31T02:00",
        ["2027-01-31 02:00", "2027-03-31 02:00", "2027-05-31 02:00", "2027-07-31 02:00",
         "2027-08-31 02:00", "2027-10-31 02:00", "2027-12-31 02:00", "2028-01-31 02:00"],
    ),
    # +01:00, and +02:00 in April.
    "second Tuesday": (
        "Europe/Berlin", "FREQ=MONTHLY;BYDAY=2TU", "2027-01-01T22:00",
        ["2027-01-12 21:00", "2027-02-09 21:00", "2027-03-09 21:00", "2027-04-13 20:00"],
    ),
    # 2026 has 53 weeks.
    "every second week over the end of a year": (
        "UTC", "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU", "2026-12-13T02:00",
        ["2026-12-13 02:00", "2026-12-27 02:00", "2027-01-10 02:00", "2027-01-24 02:00"],
    ),
    "a start that the rule does not name is none": (
        "UTC", "FREQ=WEEKLY;BYDAY=SU", "2027-01-05T02:00", ["2027-01-10 02:00", "2027-01-17 02:00"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("zone", "rule", "start", "expected"), TABLE.values(), ids=TABLE)
def test_occurrence_starts(zone, rule, start, expected):
    found = whole(series(rule, start, zone), len(expected))
    assert [f"{one.starts_at:%Y-%m-%d %H:%M %Z}" for one in found] == [f"{e} UTC" for e in expected]
    assert {one.ends_at - one.starts_at for one in found} == {HOUR}


# From 2027-03-26 on, 02:30 in Berlin: the 28th is at 01:30 in UTC, whatever clocks show there.
@pytest.mark.parametrize(
    ("ending", "last"),
    [
        ("UNTIL=20270328", 28),
        ("UNTIL=20270328T023000", 28),
        ("UNTIL=20270328T022959", 27),
        ("UNTIL=20270328T013000Z", 28),
        ("UNTIL=20270328T012959Z", 27),
        ("UNTIL=20270326", 26),
        ("UNTIL=20270325", 25),
        ("COUNT=1", 26),
        ("COUNT=3", 28),
    ],
)
def test_until_is_inclusive(ending, last):
    found = whole(series(f"FREQ=DAILY;{ending}", "2027-03-26T02:30", "Europe/Berlin"))
    assert [one.date.day for one in found] == list(range(26, last + 1))


def test_until_in_utc_may_be_another_local_day():
    """02:00 on the 4th in Tokyo is 17:00 on the 3rd."""
    found = whole(series("FREQ=DAILY;UNTIL=20270103T170000Z", "2027-01-01T02:00", "Asia/Tokyo"))
    assert [one.date.day for one in found] == [1, 2, 3, 4]


def test_excluded_dates_are_local_and_use_up_count():
    """02:00 on Monday the 11th in Tokyo, which is Sunday the 10th in UTC."""
    rule, start = "FREQ=WEEKLY;COUNT=3", "2027-01-04T02:00"
    found = whole(series(rule, start, "Asia/Tokyo", excluded="2027-01-11 2027-01-17"))
    assert [str(one.date) for one in found] == ["2027-01-04", "2027-01-18"]


@pytest.mark.parametrize(
    ("zone", "start", "length", "starts_at", "ends_at"),
    [
        # Friday 18:00+01:00 for two days, to Sunday 19:00+02:00
        ("Europe/Berlin", "2027-03-26T18:00", 48 * HOUR, "2027-03-26 17:00", "2027-03-28 17:00"),
        # to Sunday 17:00+01:00
        ("Europe/Berlin", "2027-10-29T18:00", 48 * HOUR, "2027-10-29 16:00", "2027-10-31 16:00"),
        # over midnight, without and with a change: to 03:00+01:00, to 04:00+02:00
        ("Europe/Berlin", "2027-01-01T23:00", 4 * HOUR, "2027-01-01 22:00", "2027-01-02 02:00"),
        ("Europe/Berlin", "2027-03-27T23:00", 4 * HOUR, "2027-03-27 22:00", "2027-03-28 02:00"),
        # 02:30 is skipped: 03:30+02:00 to 05:30+02:00
        ("Europe/Berlin", "2027-03-28T02:30", 2 * HOUR, "2027-03-28 01:30", "2027-03-28 03:30"),
        # from the first 02:30 to 03:30+01:00
        ("Europe/Berlin", "2027-10-31T02:30", 2 * HOUR, "2027-10-31 00:30", "2027-10-31 02:30"),
        # ends within the repeated half hour
        (
            "Australia/Lord_Howe", "2027-04-04T01:45", 30 * MINUTE,
            "2027-04-03 14:45", "2027-04-03 15:15",
        ),
        ("UTC", "2027-01-01T00:00:01", SECOND, "2027-01-01 00:00:01", "2027-01-01 00:00:02"),
    ],
)  # fmt: skip
def test_durations_are_exact(zone, start, length, starts_at, ends_at):
    (one,) = whole(series("FREQ=DAILY;COUNT=1", start, zone, length))
    assert (one.starts_at, one.ends_at) == (utc(starts_at), utc(ends_at))
    assert one.date == datetime.fromisoformat(start).date()


def test_occurrences_include_one_in_progress():
    repeats = series("FREQ=DAILY", "2027-01-01T02:00", length=2 * HOUR)

    def first(now: str, stop: str | None = None) -> list[str]:
        found = repeats.occurrences(utc(now), utc(stop) if stop else None)
        return [str(one.date) for one in islice(found, 1)]

    assert first("2026-06-01 00:00") == ["2027-01-01"]
    assert first("2027-01-01 02:00") == ["2027-01-01"]
    assert first("2027-01-01 03:59:59") == ["2027-01-01"]
    assert first("2027-01-01 04:00") == ["2027-01-02"]
    # The other end is open.
    assert first("2027-01-01 00:00", "2027-01-01 02:00") == []
    assert first("2027-01-01 00:00", "2027-01-01 02:00:01") == ["2027-01-01"]


# What is skipped: the last Sundays of March at 02:00, and the first of October.
@pytest.mark.parametrize(
    ("zone", "clock", "skipped"),
    [
        (
            "Europe/Berlin", "02:30",
            ["2027-03-28", "2028-03-26", "2029-03-25", "2030-03-31", "2031-03-30"],
        ),
        ("America/New_York", "01:30", []),
        (
            "Australia/Lord_Howe", "02:15",
            ["2027-10-03", "2028-10-01", "2029-10-07", "2030-10-06", "2031-10-05"],
        ),
    ],
)  # fmt: skip
def test_sundays_keep_their_time_for_five_years(zone, clock, skipped):
    repeats = series("FREQ=WEEKLY;BYDAY=SU", f"2027-01-03T{clock}", zone, 3 * HOUR)
    found = list(repeats.occurrences(utc("2027-01-01 00:00"), utc("2032-01-01 00:00")))
    assert (len(found), str(found[-1].date)) == (261, "2031-12-28")
    assert {later.date - earlier.date for earlier, later in pairwise(found)} == {7 * DAY}
    assert {one.ends_at - one.starts_at for one in found} == {3 * HOUR}
    shown = {one.date: one.starts_at.astimezone(ZoneInfo(zone)) for one in found}
    assert {day for day, start in shown.items() if start.date() != day} == set()
    assert [str(day) for day, start in shown.items() if f"{start:%H:%M}" != clock] == skipped


@pytest.mark.parametrize("time_zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_occurrences_ignore_time_zone_of_process(settings, time_zone):
    settings.TIME_ZONE = time_zone  # pytest-django sets the process's own along
    monday = whole(series("FREQ=WEEKLY;BYDAY=MO", "2027-01-04T02:00", "Asia/Kathmandu"), 2)
    assert [one.starts_at for one in monday] == [utc("2027-01-03 20:15"), utc("2027-01-10 20:15")]


@pytest.mark.parametrize(
    ("zone", "rule", "length", "overlaps"),
    [
        ("UTC", "FREQ=DAILY", DAY, False),
        ("UTC", "FREQ=DAILY", DAY + SECOND, True),
        # 23 hours from 02:30 on 2027-03-28 to 02:30 on the next day
        ("Europe/Berlin", "FREQ=DAILY", DAY, True),
        ("Europe/Berlin", "FREQ=DAILY", 23 * HOUR, False),
        ("UTC", "FREQ=WEEKLY;BYDAY=FR,SU", 48 * HOUR, False),
        ("UTC", "FREQ=WEEKLY;BYDAY=FR,SU", 48 * HOUR + MINUTE, True),
        ("UTC", "FREQ=DAILY;COUNT=1", 9 * DAY, False),
    ],
)
def test_overlaps(zone, rule, length, overlaps):
    repeats = series(rule, "2027-01-01T02:30", zone, length)
    assert repeats.overlaps(utc("2027-01-01 00:00")) is overlaps


# What is asked for long after the start is what was counted from the start.
@pytest.mark.parametrize(
    ("rule", "start", "length", "since", "expected"),
    [
        # 2027-06-01 is 151 days later, and 153 are the next that three divide.
        ("FREQ=DAILY;INTERVAL=3", "2027-01-01", 2, "2027-06-01 00:00", ["2027-06-03"]),
        ("FREQ=DAILY;COUNT=10", "2027-01-01", 2, "2027-01-09 00:00", ["2027-01-09", "2027-01-10"]),
        # 1997-08-05 is a Tuesday; 26 times two weeks later its week is that of 1998-08-04.
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=MO", "1997-08-05", 2, "1998-08-01 00:00",
            ["1998-08-04", "1998-08-09", "1998-08-18"],
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU", "1997-08-05", 2, "1998-08-01 00:00",
            ["1998-08-02", "1998-08-04", "1998-08-16"],
        ),
        # What began five days ago at 02:00 is over, what began four days ago is not.
        ("FREQ=DAILY", "2027-01-01", 5 * 24, "2027-01-20 02:00", ["2027-01-16", "2027-01-17"]),
        ("FREQ=YEARLY", "2000-02-29", 2, "2027-01-01 00:00", ["2028-02-29", "2032-02-29"]),
        # Of 2027 every fifth month since January 2000 is February, July and December.
        (
            "FREQ=MONTHLY;INTERVAL=5", "2000-01-31", 2, "2027-01-01 00:00",
            ["2027-07-31", "2027-12-31"],
        ),
        (
            "FREQ=MONTHLY;BYDAY=2TU", "2010-05-20", 2, "2027-01-13 00:00",
            ["2027-02-09", "2027-03-09"],
        ),
        # Every third year from 2000 is 2024 and 2027; the week 1 of 2025 begins in 2024.
        (
            "FREQ=YEARLY;INTERVAL=3;BYWEEKNO=1", "2000-06-05", 2, "2024-01-02 00:00",
            ["2024-12-30", "2027-01-04"],
        ),
        (
            "FREQ=YEARLY;INTERVAL=2;BYMONTH=3,10", "2001-05-20", 2, "2027-11-01 00:00",
            ["2029-03-20", "2029-10-20"],
        ),
    ],
)  # fmt: skip
def test_occurrences_long_after_start(rule, start, length, since, expected):
    repeats = series(rule, f"{start}T02:00", length=length * HOUR)
    found = islice(repeats.occurrences(utc(since)), len(expected) + ("COUNT" in rule))
    assert [str(one.date) for one in found] == expected


def test_far_future_series_has_no_current_occurrence():
    repeats = series("FREQ=DAILY", "2500-01-01T02:00")
    assert list(repeats.occurrences(utc("2027-01-01 00:00"), utc("2027-03-01 00:00"))) == []


def test_search_in_last_week_of_1999_finds_nothing():
    """The search maps 1999 to 9999, after which dateutil has no dates."""
    repeats = series("FREQ=WEEKLY;BYDAY=SU,TH;BYMONTH=1,3", "1991-06-12T05:00")
    assert list(repeats.occurrences(utc("1999-12-01 00:00"), utc("1999-12-30 00:00"))) == []


LASTS = "The duration must be positive, and at most 366 days."


@pytest.mark.parametrize(
    ("start", "length", "sentence"),
    [
        ("1969-12-31T23:59", HOUR, "The start must be in a year from 1970 to 9899."),
        ("0002-01-01T00:00", HOUR, "The start must be in a year from 1970 to 9899."),
        ("9900-01-01T00:00", HOUR, "The start must be in a year from 1970 to 9899."),
        ("9999-12-31T23:00", HOUR, "The start must be in a year from 1970 to 9899."),
        ("2027-01-01T02:00", 367 * DAY, LASTS),
        ("2027-01-01T02:00", timedelta.max, LASTS),
        ("2027-01-01T02:00", 0 * DAY, LASTS),
        ("2027-01-01T02:00", -DAY, LASTS),
    ],
)
def test_start_or_duration_out_of_range_raises_rule_error(start, length, sentence):
    with pytest.raises(RuleError) as refusal:
        next(series("FREQ=DAILY", start, "Asia/Kathmandu", length).occurrences(utc("2027-01-01")))
    assert str(refusal.value) == sentence


def test_search_beyond_calendar_raises_rule_error():
    with pytest.raises(RuleError, match="The date is out of range"):
        next(series("FREQ=DAILY", "2027-01-01T02:00").occurrences(utc("9990-01-01 00:00")))
