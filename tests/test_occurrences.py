"""Single occurrences of recurring windows: skipped, restored, created early, and what stays."""

from collections.abc import Callable
from datetime import date, time

import pytest
from django.contrib.sites.models import Site

from maintenance_windows import signals
from maintenance_windows.exceptions import Refused
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.permissions import Rights
from maintenance_windows.planning import series, windows
from maintenance_windows.planning.series.preview import preview
from maintenance_windows.reconcile.tick import tick
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO
from tests.test_series import DAY, ONE, SUNDAYS, dates, starts, template, window

pytestmark = pytest.mark.usefixtures("beside_replica")

NOON = TWO + 10 * HOUR


@pytest.fixture
def begin(at) -> Callable[..., WindowSeries]:
    def begin(site: Site, **fields: object) -> WindowSeries:
        at(ONE)
        (outcome,) = series.repeat([site], template(**fields), start_now=True, actor="bob")
        return outcome.series

    return begin


@pytest.fixture
def sundays(acme, begin) -> WindowSeries:
    return begin(acme)


def day(text: str) -> date:
    return date.fromisoformat(f"2029-{text}")


def live(of: WindowSeries) -> list[str]:
    return [f"{one.starts_at:%m-%d %H:%M}" for one in of.windows.live(ONE).order_by("starts_at")]


def test_skip_and_unskip_return_to_the_same_window(sundays):
    one = window(sundays, "11-11")
    outcome = series.skip(sundays.pk, day("11-11"), actor="alice")
    assert (dates(outcome.cancelled), outcome.series.excluded) == (["11-11"], ["2029-11-11"])
    with pytest.raises(Refused, match="already skips 2029-11-11"):
        series.skip(sundays.pk, day("11-11"))
    outcome = series.unskip(sundays.pk, day("11-11"))
    assert outcome.restored == [one]
    assert starts(sundays) == SUNDAYS
    with pytest.raises(Refused, match="does not skip 2029-11-11"):
        series.unskip(sundays.pk, day("11-11"))


def test_skip_names_the_nearest_date(sundays):
    with pytest.raises(Refused, match="no window on 2029-11-10: the nearest starts on 2029-11-11"):
        series.skip(sundays.pk, day("11-10"))
    assert starts(sundays) == SUNDAYS


def test_skip_cancels_moved_window(sundays):
    one = window(sundays, "11-11")
    windows.move(one.pk, starts_at=TWO + 9 * DAY, ends_at=FOUR + 9 * DAY)
    series.skip(sundays.pk, day("11-11"))
    assert starts(sundays) == [text for text in SUNDAYS if text != "11-11"]
    series.unskip(sundays.pk, day("11-11"))
    assert "11-13" in starts(sundays)


def test_skip_refuses_window_that_started(sundays, at):
    at(TWO + HOUR)
    tick()
    with pytest.raises(Refused, match="already in progress"):
        series.skip(sundays.pk, day("11-04"))


@pytest.mark.parametrize("verb", [series.restore, windows.restore])
def test_restored_window_follows_its_series_again(sundays, verb):
    one = window(sundays, "11-11")
    windows.cancel(one.pk)
    series.revise(sundays.pk, start_time=time(5))
    verb(one.pk)
    series.materialise()
    assert "11-11 05:00" in live(sundays)
    one.refresh_from_db()
    assert one.edited == ""
    with pytest.raises(Refused, match=f"Window {one.pk} is not cancelled"):
        verb(one.pk)


def test_restore_takes_back_a_skipped_date(sundays):
    one = window(sundays, "11-11")
    series.skip(sundays.pk, day("11-11"))
    series.restore(one.pk)
    sundays.refresh_from_db()
    assert (starts(sundays), sundays.excluded) == (SUNDAYS, [])


def test_restored_window_of_ended_series_stays(sundays):
    one = window(sundays, "11-11")
    series.end(sundays.pk)
    series.restore(one.pk)
    series.materialise()
    assert live(sundays) == ["11-11 02:00"]


def test_restore_of_single_window(acme, plan, at):
    at(ONE)
    one = plan(acme)
    windows.cancel(one.pk)
    assert windows.restore(one.pk).cancelled_at is None
    windows.cancel(one.pk)
    at(FOUR)
    with pytest.raises(Refused, match="has passed: schedule a new one"):
        windows.restore(one.pk)
    with pytest.raises(Refused, match="Window 0 does not exist"):
        series.restore(0)


def test_make_reaches_beyond_the_horizon(sundays):
    made = series.make(sundays.pk, date(2030, 8, 4), actor="alice")
    assert (made.starts_at, made.created_by) == (TWO + 273 * DAY, "alice")
    windows.move(made.pk, starts_at=TWO + 274 * DAY, ends_at=FOUR + 274 * DAY)
    assert series.make(sundays.pk, date(2030, 8, 4)) == made
    series.materialise(lambda: TWO + 250 * DAY)
    assert sundays.windows.filter(occurs_on="2030-08-04").count() == 1
    with pytest.raises(Refused, match="no window on 2030-08-05"):
        series.make(sundays.pk, date(2030, 8, 5))


def test_end_names_what_stays_and_takes_it_along(sundays):
    moved, titled = window(sundays, "11-11"), window(sundays, "11-18")
    windows.move(moved.pk, starts_at=TWO + 9 * DAY, ends_at=FOUR + 9 * DAY)
    windows.revise(titled.pk, title="by hand")
    outcome = series.end(sundays.pk)
    assert outcome.kept == [moved]
    assert titled in outcome.cancelled
    assert live(sundays) == ["11-13 02:00"]
    outcome = series.end(sundays.pk, with_edited=True)
    assert (outcome.cancelled, outcome.kept, live(sundays)) == ([moved], [], [])


@pytest.mark.parametrize("cancelled", [False, True])
def test_nightly_window_moved_at_noon_takes_place_tonight(acme, begin, at, cancelled):
    nightly = begin(acme, rule="FREQ=DAILY")
    if cancelled:
        windows.cancel(window(nightly, "11-04").pk)
    at(NOON)
    tick()
    shown = WindowSeries.objects.get(pk=nightly.pk)
    shown.start_time = time(22)
    assert preview(shown, NOON, 1)[0].starts_at == TWO + 20 * HOUR
    outcome = series.revise(nightly.pk, start_time=time(22))
    assert outcome.made[0].starts_at == TWO + 20 * HOUR
    series.materialise()
    assert live(nightly)[:2] == ["11-04 22:00", "11-05 22:00"]
    series.revise(nightly.pk, title="new")
    assert live(nightly)[:2] == ["11-04 22:00", "11-05 22:00"]


def test_finished_night_is_not_repeated_by_other_changes(acme, begin, at):
    """One that was started early is over before its time, which then comes."""
    nightly = begin(acme, rule="FREQ=DAILY")
    windows.start(window(nightly, "11-04").pk)
    at(ONE + MINUTE)
    windows.end(window(nightly, "11-04").pk)
    series.revise(nightly.pk, title="new")
    series.materialise()
    assert live(nightly)[0] == "11-05 02:00"


def test_window_may_end_by_the_clock(acme, begin):
    """All Sunday in Berlin: 25 hours on 2029-10-28, 23 hours on 2030-03-31."""
    berlin = {"zone": "Europe/Berlin", "start_time": time(0), "length": DAY}
    sundays = begin(acme, by_clock=True, starts_on=date(2029, 10, 28), **berlin)
    spans = {
        one.date: one.ends_at - one.starts_at
        for one in sundays.recurrence().occurrences(TWO - 10 * DAY, TWO + 200 * DAY)
    }
    assert spans.pop(date(2029, 10, 28)) == 25 * HOUR
    assert spans.pop(date(2030, 3, 31)) == 23 * HOUR
    assert set(spans.values()) == {24 * HOUR}
    exact = template(starts_on=date(2030, 3, 31), **berlin).recurrence()
    (one, *_) = exact.occurrences(ONE)
    assert one.ends_at - one.starts_at == 24 * HOUR


def test_end_that_the_clock_skips_leaves_the_exact_length(acme, begin):
    given = {"zone": "Europe/Berlin", "start_time": time(2, 30), "starts_on": date(2030, 3, 31)}
    spring = template(by_clock=True, length=45 * MINUTE, **given).recurrence()
    (one, *_) = spring.occurrences(ONE)
    assert one.ends_at - one.starts_at == 45 * MINUTE


def test_notes_name_dates_without_a_window(acme, begin):
    said = series.notes(template(excluded=["2029-11-10", "2029-11-11", "2029-10-01"]), [acme], ONE)
    assert said == ["There is no window to skip on 2029-11-10: the nearest starts on 2029-11-11."]
    yearly = template(rule="FREQ=YEARLY", excluded=["2030-05-01"])
    assert series.notes(yearly, [acme], ONE) == ["There is no window to skip on 2030-05-01."]


def test_notes_name_overlaps_and_doubles(acme, globex, begin, plan):
    sundays = begin(acme)
    single = plan(acme, TWO + 14 * DAY, FOUR + 14 * DAY)
    assert series.notes(template(), [globex], ONE) == []
    assert series.notes(template(start_time=time(4)), [acme], ONE) == []
    assert series.notes(template(), [acme], ONE) == [
        f"acme.example: recurring window {sundays.pk} has the same times.",
        f"acme.example: overlaps window {single.pk} (Sun 18 Nov 02:00–04:00 UTC)."
        " The site stays down for the combined period.",
    ]
    quarterly = template(rule="FREQ=MONTHLY;INTERVAL=3;BYDAY=1SU", starts_on=date(2030, 2, 1))
    assert series.notes(quarterly, [acme], ONE) == [
        f"acme.example: overlaps recurring window {sundays.pk}, the first time on Sun 3 Feb"
        " 2030 02:00–04:00 UTC."
    ]
    assert series.notes(sundays, [acme], ONE)[0].startswith("acme.example: overlaps window")
    windows.cancel(single.pk)
    assert series.notes(sundays, [acme], ONE) == []


def test_notes_count_what_they_do_not_name(acme, plan):
    for number in range(12):
        plan(acme, TWO + number * MINUTE, FOUR)
    said = series.notes(template(), [acme], ONE)
    assert (len(said), said[-1]) == (11, "And 2 more.")
    assert MaintenanceWindow.objects.count() == 12


def test_broken_series_is_not_compared(acme, begin):
    broken = begin(acme)
    WindowSeries.objects.filter(pk=broken.pk).update(rule="FREQ=NEVER")
    assert series.notes(template(), [acme], ONE) == []


def test_only_operators_restore_what_would_start_at_once(sundays, at):
    one = window(sundays, "11-04")
    windows.cancel(one.pk)
    at(TWO + HOUR)
    with pytest.raises(Refused, match="The start must be in the future"):
        series.restore(one.pk, rights=Rights(operate=False))
    one.refresh_from_db()
    assert one.cancelled_at == ONE
    assert series.restore(one.pk).started_at == TWO + HOUR


def test_signals_history_and_log_tell_of_a_restored_window(sundays, caplog):
    caplog.set_level("INFO", "maintenance_windows")
    heard = []

    def hear(changes: dict, **_: object) -> None:
        heard.append(changes)

    one = window(sundays, "11-11")
    windows.cancel(one.pk)
    signals.window_changed.connect(hear)
    series.restore(one.pk, actor="alice")
    signals.window_changed.disconnect(hear)
    assert heard == [{"cancelled_at": (ONE, None)}]
    assert one.changes_made.latest("pk").actor == "alice"
    span = "2029-11-11 02:00 to 2029-11-11 04:00 UTC"
    said = f"window {one.pk} restored by alice: acme.example: {span}"
    assert caplog.records[-1].getMessage() == said
