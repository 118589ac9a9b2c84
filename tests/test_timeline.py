from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from maintenance_windows.core.intervals import (
    Span,
    covering,
    from_local,
    merge,
    rfc3339,
    whole_seconds,
)
from maintenance_windows.exceptions import AmbiguousTime
from tests.helpers.times import FOUR, HOUR, MINUTE, SECOND, TWO

pytestmark = pytest.mark.any_database

TEN_PAST = TWO + 10 * MINUTE


@pytest.mark.parametrize(
    ("spans", "runs"),
    [
        ([], []),
        ([Span(TWO, FOUR)], [Span(TWO, FOUR)]),
        # touching
        ([Span(FOUR, FOUR + HOUR), Span(TWO, FOUR)], [Span(TWO, FOUR + HOUR)]),
        # a microsecond apart
        (
            [Span(TWO, FOUR - SECOND / 1_000_000), Span(FOUR, FOUR + HOUR)],
            [Span(TWO, FOUR - SECOND / 1_000_000), Span(FOUR, FOUR + HOUR)],
        ),
        # a short one inside a long one
        ([Span(TWO, FOUR), Span(TEN_PAST, TEN_PAST + MINUTE)], [Span(TWO, FOUR)]),
        # open-ended from the middle
        ([Span(TWO, FOUR), Span(TEN_PAST, None)], [Span(TWO, None)]),
        # nothing follows an open end
        ([Span(TWO, None), Span(FOUR, FOUR + HOUR)], [Span(TWO, None)]),
    ],
)
def test_merge(spans, runs):
    assert merge(spans) == runs


def test_covering_is_half_open():
    spans = [Span(TWO, FOUR)]
    assert covering(spans, TWO - SECOND) is None
    assert covering(spans, TWO) == Span(TWO, FOUR)
    assert covering(spans, FOUR) is None


@pytest.mark.parametrize(
    ("left", "seconds"),
    [
        (2 * HOUR, 7200),
        (SECOND, 1),
        (SECOND + SECOND / 1_000_000, 2),
        (SECOND / 1_000_000, 1),
        (0 * SECOND, 1),
        (-HOUR, 1),
    ],
)
def test_whole_seconds_rounds_up_to_at_least_one(left, seconds):
    assert whole_seconds(TWO, TWO + left) == seconds


# Berlin goes from +01:00 to +02:00 on 2027-03-28 at 02:00 and back on 2027-10-31 at 03:00;
# Lord Howe Island moves by half an hour, on 2027-10-03 at 02:00 and on 2027-04-04 at 02:00.
@pytest.mark.parametrize(
    ("zone", "naive", "utc"),
    [
        ("Europe/Berlin", datetime(2027, 3, 28, 1, 59), datetime(2027, 3, 28, 0, 59, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2027, 3, 28, 3, 0), datetime(2027, 3, 28, 1, 0, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2027, 10, 31, 3, 0), datetime(2027, 10, 31, 2, 0, tzinfo=UTC)),
        (
            "Australia/Lord_Howe",
            datetime(2027, 10, 3, 2, 30),
            datetime(2027, 10, 2, 15, 30, tzinfo=UTC),
        ),
        ("UTC", datetime(2027, 3, 28, 2, 30), datetime(2027, 3, 28, 2, 30, tzinfo=UTC)),
    ],
)
def test_from_local(zone, naive, utc):
    assert from_local(naive, ZoneInfo(zone)) == utc


@pytest.mark.parametrize(
    ("zone", "naive", "sentence"),
    [
        (
            "Europe/Berlin",
            datetime(2027, 3, 28, 2, 30),
            "2027-03-28 02:30:00 does not exist in Europe/Berlin because of DST: it could mean "
            "2027-03-28T01:30:00+01:00 or 2027-03-28T03:30:00+02:00.",
        ),
        (
            "Europe/Berlin",
            datetime(2027, 10, 31, 2, 30),
            "2027-10-31 02:30:00 occurs twice in Europe/Berlin because of DST: it could mean "
            "2027-10-31T02:30:00+02:00 or 2027-10-31T02:30:00+01:00.",
        ),
        (
            "Australia/Lord_Howe",
            datetime(2027, 10, 3, 2, 15),
            "2027-10-03 02:15:00 does not exist in Australia/Lord_Howe because of DST: it could "
            "mean 2027-10-03T01:45:00+10:30 or 2027-10-03T02:45:00+11:00.",
        ),
    ],
)
def test_from_local_rejects_skipped_or_repeated_times(zone, naive, sentence):
    with pytest.raises(AmbiguousTime) as refusal:
        from_local(naive, ZoneInfo(zone))
    assert str(refusal.value) == sentence
    # For translated messages.
    assert refusal.value.skipped is ("does not exist" in sentence)
    assert set(refusal.value.parts) == {"time", "zone", "first", "second"}
    assert all(part in sentence for part in refusal.value.parts.values())


def test_conversions_ignore_time_zone_of_process(settings):
    settings.TIME_ZONE = "Asia/Tokyo"  # Django also sets the zone of the process
    assert rfc3339(TWO) == "2029-11-04T02:00:00Z"
    local = from_local(datetime(2029, 11, 4, 2, 0), ZoneInfo("Europe/Berlin"))
    assert (local, local.tzinfo) == (TWO - HOUR, UTC)
