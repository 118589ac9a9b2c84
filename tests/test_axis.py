"""Positions of times on the timeline."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maintenance_windows.core.intervals import Span
from maintenance_windows.overview.axis import Axis, stack
from tests.helpers.times import FOUR, HOUR, TWO

pytestmark = pytest.mark.any_database

AXIS = Axis(TWO, TWO + 10 * HOUR)
MIRRORED = Axis(TWO, TWO + 10 * HOUR, mirrored=True)


def test_positions_follow_text_direction():
    assert (AXIS.at(TWO), AXIS.at(FOUR), AXIS.at(AXIS.end)) == (0, 20, 100)
    assert (MIRRORED.at(TWO), MIRRORED.at(FOUR), MIRRORED.at(AXIS.end)) == (100, 80, 0)
    assert AXIS.stretch(Span(FOUR, FOUR + HOUR)) == (20, 10)
    assert MIRRORED.stretch(Span(FOUR, FOUR + HOUR)) == (70, 10)


def test_stretch_clips_to_axis():
    assert AXIS.stretch(Span(TWO - HOUR, TWO + HOUR)) == (0, 10)
    assert AXIS.stretch(Span(FOUR, None)) == (20, 80)
    assert MIRRORED.stretch(Span(FOUR, None)) == (0, 80)
    assert AXIS.stretch(Span(TWO - 2 * HOUR, TWO - HOUR)) == (0, 0)


def test_midnights_follow_time_zone_across_dst_change():
    berlin = ZoneInfo("Europe/Berlin")  # 28 October 2029 has 25 hours there
    axis = Axis(datetime(2029, 10, 27, 12, tzinfo=UTC), datetime(2029, 10, 29, 12, tzinfo=UTC))
    midnights = [midnight.astimezone(UTC) for midnight in axis.midnights(berlin)]
    assert midnights == [
        datetime(2029, 10, 27, 22, tzinfo=UTC),
        datetime(2029, 10, 28, 23, tzinfo=UTC),
    ]


def test_around_lengthens_short_spans_only():
    short, long = Span(FOUR, FOUR + HOUR), Span(FOUR, FOUR + 3 * HOUR)
    assert AXIS.around(short, 0.2) == Span(FOUR - HOUR / 2, FOUR + 1.5 * HOUR)
    assert AXIS.around(long, 0.2) == long
    assert AXIS.around(Span(FOUR, None), 0.2) == Span(FOUR, AXIS.end)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9)), max_size=12))
def test_stack_separates_overlapping_bars(pairs):
    spans = [Span(TWO + start * HOUR, TWO + (start + hours) * HOUR) for start, hours in pairs]
    spans.sort(key=lambda span: span.start)
    rows = stack(spans)
    for n, (one, row) in enumerate(zip(spans, rows, strict=True)):
        for other, other_row in zip(spans[:n], rows[:n], strict=True):
            assert row != other_row or other.end <= one.start
    hours = [TWO + n * HOUR for n in range(30)]
    most = max((sum(span.covers(hour) for span in spans) for hour in hours), default=1)
    assert len(set(rows)) == max(rows, default=-1) + 1 == (most if spans else 0)
