"""Series: windows created ahead of time, edits to them and edits to the series."""

import zoneinfo
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from importlib import resources
from importlib.util import find_spec
from threading import Barrier, BrokenBarrierError

import pytest
from django.contrib.sites.models import Site
from django.core.management import call_command
from django.db import connection

from maintenance_windows import signals
from maintenance_windows.exceptions import Refused, RuleError
from maintenance_windows.models import (
    Change,
    MaintenanceWindow,
    SiteMaintenance,
    Transition,
    WindowSeries,
)
from maintenance_windows.models.series import zone, zones
from maintenance_windows.planning import series, windows
from maintenance_windows.planning.sites import bring_up
from maintenance_windows.reconcile.tick import tick
from tests.helpers.times import FOUR, HOUR, MINUTE, SECOND, TWO

pytestmark = pytest.mark.usefixtures("beside_replica")

if find_spec("django_celery_beat"):
    from django_celery_beat.models import PeriodicTask

    from maintenance_windows import tasks

DAY = 24 * HOUR
ONE = TWO - HOUR  # o'clock, an hour before the first window
# The Sundays of the sixty days from then on.
SUNDAYS = ["11-04", "11-11", "11-18", "11-25", "12-02", "12-09", "12-16", "12-23", "12-30"]


def template(**fields: object) -> WindowSeries:
    """Each Sunday from 02:00 to 04:00 UTC, from the fourth of November 2029."""
    given = {
        "rule": "FREQ=WEEKLY;BYDAY=SU",
        "starts_on": date(2029, 11, 4),
        "start_time": time(2),
        "zone": "UTC",
        "length": 2 * HOUR,
    }
    return WindowSeries(**(given | fields))


@pytest.fixture
def begin() -> Callable[..., WindowSeries]:
    """Create a series at one o'clock."""

    def begin(site: Site, **fields: object) -> WindowSeries:
        (outcome,) = series.repeat([site], template(**fields), actor="bob", clock=lambda: ONE)
        return outcome.series

    return begin


@pytest.fixture
def sundays(acme, begin) -> WindowSeries:
    return begin(acme)


@pytest.fixture
def cancelled() -> Iterator[list[str]]:
    """The starts of the windows for which window_cancelled was sent."""
    heard: list[str] = []

    def hear(window: MaintenanceWindow, **_: object) -> None:
        heard.append(f"{window.starts_at:%m-%d}")

    signals.window_cancelled.connect(hear)
    yield heard
    signals.window_cancelled.disconnect(hear)


def at_once(*functions: Callable[[], object]) -> list[object]:
    """Run functions at the same moment, each in a thread; return their results."""
    barrier = Barrier(len(functions))

    def run(function: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(run, functions))


def window(of: WindowSeries, day: str) -> MaintenanceWindow:
    return of.windows.get(occurs_on=f"2029-{day}")


def starts(of: WindowSeries, form: str = "%m-%d") -> list[str]:
    """The starts of all windows but cancelled ones."""
    planned = of.windows.filter(cancelled_at=None).order_by("starts_at")
    return [f"{window.starts_at:{form}}" for window in planned]


def dates(windows: list[MaintenanceWindow]) -> list[str]:
    return [f"{window.starts_at:%m-%d}" for window in windows]


def is_on(site: Site) -> bool:
    return SiteMaintenance.objects.get(pk=site.pk).in_maintenance


def test_repeat_creates_windows_for_sixty_days(acme, globex):
    given = template(level="read_only", title="disks", message="New disks.")
    outcomes = series.repeat([acme, globex], given, actor="alice", clock=lambda: ONE)
    for outcome, site in zip(outcomes, (acme, globex), strict=True):
        assert dates(outcome.made) == starts(outcome.series) == SUNDAYS
        assert (outcome.changed, outcome.cancelled, outcome.kept) == ([], [], [])
        texts = ("site", "starts_at", "ends_at", "level", "title", "message", "created_by")
        expected = (site.pk, TWO, FOUR, "read_only", "disks", "New disks.", "alice")
        assert outcome.series.windows.order_by("starts_at").values_list(*texts)[0] == expected
    assert WindowSeries.objects.count() == 2


@pytest.mark.parametrize(
    ("horizon", "number"), [(1, 1), (7, 1), (8, 2), (14, 2), (28, 4), (365, 53)]
)
def test_series_horizon_setting_limits_windows(acme, begin, settings, horizon, number):
    settings.MAINTENANCE_SERIES_HORIZON = horizon
    assert begin(acme).windows.count() == number


def test_repeated_task_creates_windows_once(sundays, at, caplog):
    at(ONE)
    for _ in range(3):
        series.materialise()
    assert series.materialise() == []
    assert starts(sundays) == SUNDAYS
    assert not Change.objects.exists()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_task_creates_later_windows_as_time_passes(sundays, at):
    at(ONE + 5 * DAY)  # and sixty days are 2030-01-08 at one o'clock
    series.materialise()
    assert starts(sundays) == [*SUNDAYS, "01-06"]
    at(TWO + 9 * DAY)  # 2030-01-12
    series.materialise()
    assert starts(sundays) == [*SUNDAYS, "01-06"]
    at(TWO + 10 * DAY + SECOND)  # 2030-01-13 at two o'clock
    series.materialise()
    assert starts(sundays) == [*SUNDAYS, "01-06", "01-13"]


def test_late_task_skips_past_occurrences(sundays, at, acme):
    at(datetime.fromisoformat("2030-03-03T03:00Z"))  # a Sunday; sixty days are 2030-05-02
    series.materialise()
    assert starts(sundays)[len(SUNDAYS) :] == [
        "03-03", "03-10", "03-17", "03-24", "03-31", "04-07", "04-14", "04-21", "04-28",
    ]  # fmt: skip
    assert is_on(acme)
    # The window itself took the site down, late and without an actor.
    (row,) = Transition.objects.values_list("actor", "due_at", "done_at", "window")
    late = datetime.fromisoformat("2030-03-03T03:00Z")
    assert row == ("", late, late, sundays.windows.get(occurs_on="2030-03-03").pk)


def test_shorter_horizon_keeps_existing_windows(sundays, settings):
    settings.MAINTENANCE_SERIES_HORIZON = 7
    outcome = series.revise(sundays.pk, rule="FREQ=DAILY", clock=lambda: ONE)
    assert dates(outcome.made) == ["11-05", "11-06", "11-07", "11-08", "11-09", "11-10"]
    assert outcome.cancelled == []


def test_concurrent_tasks_create_each_window_once(sundays, caplog):
    meeting = Barrier(6)

    def clock() -> datetime:
        """Let all threads read the clock together; inside the lock the wait is short."""
        with suppress(BrokenBarrierError):
            meeting.wait(0.5)
        return ONE + 14 * DAY

    outcomes = at_once(*[lambda: series.materialise(clock)] * 6)
    made = [window for found in outcomes for outcome in found for window in outcome.made]
    assert dates(made) == ["01-06", "01-13"]
    assert starts(sundays) == [*SUNDAYS, "01-06", "01-13"]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_task_skips_window_in_progress(acme, begin, caplog):
    long = begin(acme, length=10 * DAY)
    series.materialise(lambda: TWO + 5 * DAY)
    assert starts(long) == [*SUNDAYS, "01-06"]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_series_ending_during_task_creates_no_more_windows(sundays):
    later = ONE + 14 * DAY

    def clock() -> datetime:
        if WindowSeries.objects.going_on().exists():
            series.end(sundays.pk, clock=lambda: later)
        return later

    assert series.materialise(clock) == []
    assert starts(sundays) == SUNDAYS[:2]


def test_creating_windows_sends_window_scheduled(acme, begin):
    heard = []

    def hear(window: MaintenanceWindow, actor: str, **_: object) -> None:
        heard.append((f"{window.starts_at:%m-%d}", actor))

    signals.window_scheduled.connect(hear)
    sundays = begin(acme)
    series.materialise(lambda: ONE + 7 * DAY)
    signals.window_scheduled.disconnect(hear)
    assert heard == [*((day, "bob") for day in SUNDAYS), ("01-06", f"series {sundays.pk}")]


def test_creating_windows_logs_one_line(acme, begin, caplog):
    caplog.set_level("INFO", "maintenance_windows")
    sundays = begin(acme)
    series.materialise(lambda: ONE + 7 * DAY)
    series.revise(sundays.pk, rule="FREQ=WEEKLY;BYDAY=TU,SU", clock=lambda: ONE + 7 * DAY)
    first, later, third = "2029-11-04", "2030-01-06", "2029-11-13"
    span = "acme.example: {0} 02:00 to {0} 04:00 UTC"
    assert [record.getMessage() for record in caplog.records if "made" in record.getMessage()] == [
        f"series {sundays.pk}: 9 windows made by bob, the first {span.format(first)}",
        f"series {sundays.pk}: 1 window made by itself, the first {span.format(later)}",
        f"series {sundays.pk}: 9 windows made by code, the first {span.format(third)}",
    ]
    assert not [record for record in caplog.records if "scheduled" in record.getMessage()]


def test_repeat_includes_occurrence_in_progress(acme):
    (outcome,) = series.repeat(
        [acme], template(), start_now=True, actor="alice", clock=lambda: FOUR - SECOND
    )
    assert dates(outcome.made) == SUNDAYS
    assert outcome.made[0].starts_at == outcome.made[0].started_at == FOUR - SECOND
    assert SiteMaintenance.objects.get(pk=acme.pk).until == FOUR
    assert Transition.objects.get().actor == "alice"
    (outcome,) = series.repeat([acme], template(), clock=lambda: FOUR)
    assert dates(outcome.made)[0] == "11-11"


def test_repeat_stores_canonical_rule(acme, begin):
    assert begin(acme, rule="rrule:freq=weekly").rule == "FREQ=WEEKLY"
    assert WindowSeries.objects.get().rule == "FREQ=WEEKLY"


# Edits to the window of 11 November, and the resulting values.
BY_HAND = {
    "move": (
        lambda pk: windows.move(pk, starts_at=TWO + 9 * DAY, ends_at=FOUR + 9 * DAY),
        {"starts_at": TWO + 9 * DAY, "ends_at": FOUR + 9 * DAY},
    ),
    "extend": (lambda pk: windows.extend(pk, by=HOUR), {"ends_at": FOUR + HOUR + 7 * DAY}),
    "cancel": (windows.cancel, {"cancelled_at": ONE}),
    "start": (windows.start, {"started_at": ONE}),
    "revise": (
        lambda pk: windows.revise(pk, title="by hand", level="read_only"),
        {"title": "by hand", "level": "read_only"},
    ),
}


# What a series still changes of a window that somebody edited so.
FOLLOWS = {
    "move": {"title", "message", "level"},
    "extend": {"title", "message", "level"},
    "revise": {"starts_at", "ends_at", "message"},
}


@pytest.mark.parametrize("verb", BY_HAND)
def test_series_keeps_only_what_was_edited_of_a_window(sundays, at, verb):
    at(ONE)
    change, facts = BY_HAND[verb]
    pk = window(sundays, "11-11").pk
    change(pk)
    edited = MaintenanceWindow.objects.get(pk=pk).facts()
    assert edited.items() >= facts.items()
    series.materialise()
    assert MaintenanceWindow.objects.get(pk=pk).facts() == edited
    texts = {"title": "new", "message": "new", "level": "read_only"}
    series.revise(sundays.pk, start_time=time(5), length=HOUR, **texts)
    series.revise(sundays.pk, rule="FREQ=WEEKLY;BYDAY=MO")  # which drops the date
    series.revise(sundays.pk, rule="FREQ=DAILY")  # and comes back to it
    day = TWO + 7 * DAY
    said = texts | {"starts_at": day + 3 * HOUR, "ends_at": day + 4 * HOUR}
    expected = edited | {name: said[name] for name in FOLLOWS.get(verb, ())}
    assert MaintenanceWindow.objects.get(pk=pk).facts() == expected
    assert sundays.windows.filter(occurs_on="2029-11-11").count() == 1


def test_unchanged_edit_leaves_window_to_series(sundays, at):
    at(ONE)
    windows.revise(window(sundays, "11-11").pk, title="", starts_at=TWO + 7 * DAY)
    outcome = series.revise(sundays.pk, title="new")
    assert (dates(outcome.changed), outcome.kept) == (SUNDAYS, [])


@pytest.mark.parametrize("days", [-5, -1, 2, 30])
def test_task_skips_date_of_moved_window(sundays, at, days):
    at(ONE)
    pk = window(sundays, "11-11").pk
    away = timedelta(days=7 + days)
    windows.move(pk, starts_at=TWO + away, ends_at=FOUR + away)
    for day in range(6, 40):
        at(TWO + day * DAY + HOUR)
        series.materialise()
    there = [f"{TWO + away:%Y-%m-%d}"]
    assert sorted(starts(sundays, "%Y-%m-%d")[:9]) == sorted(
        [f"2029-{day}" for day in SUNDAYS if day != "11-11"] + there
    )


def test_window_ended_early_stays_completed(sundays, at, acme):
    at(TWO + MINUTE)
    tick()
    windows.end(window(sundays, "11-04").pk)
    series.revise(sundays.pk, length=3 * HOUR)
    series.materialise()
    assert not is_on(acme)


def test_revise_changes_only_scheduled_windows(sundays, at):
    at(ONE)
    windows.move(window(sundays, "11-25").pk, starts_at=TWO + 22 * DAY, ends_at=FOUR + 22 * DAY)
    windows.cancel(window(sundays, "12-02").pk)
    windows.extend(window(sundays, "12-09").pk, by=HOUR)
    at(TWO + 14 * DAY + HOUR)  # 18 November, three o'clock; sixty days are 17 January
    tick()
    before = {w.pk: w.facts() for w in sundays.windows.all()}
    outcome = series.revise(sundays.pk, start_time=time(5), actor="alice")
    assert dates(outcome.changed) == ["12-16", "12-23", "12-30"]
    assert dates(outcome.made) == ["01-06", "01-13"]
    assert sorted(dates(outcome.kept)) == ["11-26", "12-09"]
    assert outcome.cancelled == []
    after = {w.pk: w.facts() for w in sundays.windows.filter(pk__in=before)}
    assert sorted(pk for pk in before if after[pk] != before[pk]) == sorted(
        w.pk for w in outcome.changed
    )
    assert starts(sundays, "%m-%d %H")[-6:] == [
        "12-09 02", "12-16 05", "12-23 05", "12-30 05", "01-06 05", "01-13 05",
    ]  # fmt: skip
    assert set(
        Change.objects.filter(actor="alice", series=None).values_list("window", flat=True)
    ) == {w.pk for w in outcome.changed}


def test_revise_reports_moved_window_as_kept(sundays, at):
    at(ONE)
    windows.move(window(sundays, "11-11").pk, starts_at=TWO + 51 * DAY, ends_at=FOUR + 51 * DAY)
    at(TWO + 16 * DAY)
    assert dates(series.revise(sundays.pk, start_time=time(5)).kept) == ["12-25"]


def test_rule_change_cancels_and_restores_dates(sundays, cancelled, at):
    at(ONE)
    first = window(sundays, "11-11")
    fewer = series.revise(sundays.pk, rule="FREQ=WEEKLY;INTERVAL=2;BYDAY=SU")
    assert dates(fewer.cancelled) == cancelled == ["11-11", "11-25", "12-09", "12-23"]
    first.refresh_from_db()
    assert (first.cancelled_at, first.edited) == (ONE, "")
    series.materialise()
    assert starts(sundays) == SUNDAYS[::2]
    again = series.revise(sundays.pk, rule="FREQ=WEEKLY;BYDAY=SU")
    assert (again.made, dates(again.restored)) == ([], SUNDAYS[1::2])
    assert starts(sundays) == SUNDAYS
    assert window(sundays, "11-11") == first
    assert len(cancelled) == 4


def test_excluded_dates_have_no_window(acme, begin, cancelled, at):
    sundays = begin(acme, excluded=["2029-11-11"])
    at(ONE)
    assert starts(sundays) == [day for day in SUNDAYS if day != "11-11"]
    outcome = series.revise(sundays.pk, excluded=["2029-12-30"])
    assert (dates(outcome.made), dates(outcome.cancelled)) == (["11-11"], ["12-30"])
    assert cancelled == ["12-30"]


def test_large_time_change_cancels_no_window(acme, begin):
    """The last window moves by 32 hours, beyond the horizon, and keeps its date."""
    daily = begin(acme, rule="FREQ=DAILY")
    outcome = series.revise(
        daily.pk, zone="Pacific/Pago_Pago", start_time=time(23), clock=lambda: ONE
    )
    assert outcome.cancelled == []
    assert len(outcome.changed) == 60


def test_revise_may_start_or_cancel_window_immediately(sundays, acme):
    half_past = {"start_time": time(0, 30), "start_now": True}
    series.revise(sundays.pk, **half_past, actor="alice", clock=lambda: ONE)
    assert SiteMaintenance.objects.get(pk=acme.pk).until == TWO + 30 * MINUTE
    assert Transition.objects.get().actor == "alice"
    past_midnight = TWO + 7 * DAY - 105 * MINUTE
    change = {"start_time": time(0), "length": 10 * MINUTE}
    series.revise(sundays.pk, **change, clock=lambda: past_midnight)
    assert starts(sundays)[:3] == ["11-04", "11-18", "11-25"]


def test_overdue_change_has_no_actor(sundays, acme, at):
    at(TWO + MINUTE)
    series.revise(sundays.pk, title="disks", actor="alice")
    assert Transition.objects.values_list("actor", "due_at").get() == ("", TWO)
    at(FOUR + MINUTE)
    series.end(sundays.pk, actor="alice")
    assert Transition.objects.values_list("actor", "due_at").last() == ("", FOUR)


def test_revise_keeps_past_windows(sundays, at):
    at(FOUR + 7 * DAY)
    tick()
    outcome = series.revise(sundays.pk, rule="FREQ=WEEKLY;BYDAY=SU;COUNT=4")
    assert starts(sundays) == SUNDAYS[:4]
    assert dates(outcome.cancelled) == SUNDAYS[4:]


def test_ending_series_keeps_its_history(sundays, cancelled, at, acme):
    at(ONE)
    windows.extend(window(sundays, "11-25").pk, by=HOUR)
    for moment in (TWO, FOUR, TWO + 7 * DAY):
        at(moment)
        tick()
    outcome = series.end(sundays.pk, actor="alice")
    assert dates(outcome.cancelled) == cancelled == ["11-18", *SUNDAYS[4:]]
    assert dates(outcome.kept) == ["11-25"]
    assert starts(sundays) == ["11-04", "11-11", "11-25"]
    assert list(Transition.objects.order_by("pk").values_list("due_at", flat=True)) == [
        TWO, FOUR, TWO + 7 * DAY,
    ]  # fmt: skip
    assert is_on(acme)
    at(FOUR + 21 * DAY)
    series.materialise()
    assert starts(sundays) == ["11-04", "11-11", "11-25"]
    sundays.refresh_from_db()
    assert sundays.ended_at == TWO + 7 * DAY
    for verb in (series.end, series.revise):
        with pytest.raises(
            Refused, match=f"Recurring window {sundays.pk} has ended: create a new one."
        ):
            verb(sundays.pk)


def test_unknown_series_raises_refused(db):
    for verb in (series.end, series.revise):
        with pytest.raises(Refused, match="Recurring window 7 does not exist"):
            verb(7)


def test_manual_move_survives_concurrent_revise(sundays):
    """The manual move stays, whichever thread comes first."""
    for day in SUNDAYS[1:6]:
        found = window(sundays, day)
        moved = found.starts_at + 3 * DAY, found.ends_at + 3 * DAY
        at_once(
            lambda found=found, moved=moved: windows.move(
                found.pk, starts_at=moved[0], ends_at=moved[1], clock=lambda: ONE
            ),
            lambda day=day: series.revise(sundays.pk, title=day, clock=lambda: ONE),
        )
        found.refresh_from_db()
        assert (found.starts_at, found.ends_at, found.edited) == (*moved, "times")


NEVER = "This rule produces no future windows."
REFUSALS = [
    ({"rule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"}, NEVER),
    ({"rule": "FREQ=DAILY;UNTIL=20291103"}, NEVER),
    ({"rule": "FREQ=DAILY;UNTIL=20291104T015959Z"}, NEVER),
    ({"rule": "FREQ=DAILY;COUNT=1", "excluded": ["2029-11-04"]}, NEVER),
    ({"rule": "FREQ=DAILY;COUNT=1", "starts_on": date(2029, 11, 3)}, NEVER),
    ({"rule": "FREQ=HOURLY"}, "FREQ=HOURLY is too frequent: use DAILY, WEEKLY, MONTHLY or YEARLY."),
    ({"rule": "FREQ=DAILY;BYHOUR=2,14"}, "BYHOUR is not supported: the start sets the time."),
    ({"rule": "each Sunday"}, "Invalid part 'EACH SUNDAY' of the rule"),
    ({"rule": "FREQ=DAILY;UNTIL=00010101"}, "This rule produces no future windows."),
    ({"zone": "Mars"}, "Time zone 'Mars' does not exist. Use for example Europe/Berlin or UTC."),
    ({"zone": ""}, "Time zone '' does not exist"),
    ({"zone": "Europe"}, "Time zone 'Europe' does not exist"),
    ({"zone": "../../etc/passwd"}, "Time zone"),
    ({"zone": "Europe/Berlin\0"}, "Time zone"),
    ({"zone": "x" * 5000}, "Time zone"),
    # Files beside the zones on many machines: leap-second zones and the machine's own zone.
    ({"zone": "right/Europe/Berlin"}, "Time zone"),
    ({"zone": "localtime"}, "Time zone"),
    ({"starts_on": date(1969, 12, 31)}, "The start must be in a year from 1970 to 9899."),
    ({"starts_on": date(9900, 1, 1)}, "The start must be in a year from 1970 to 9899."),
    ({"starts_on": date(9999, 12, 31)}, "The start must be in a year from 1970 to 9899."),
    ({"length": timedelta(days=367)}, "The duration must be positive, and at most 366 days"),
    ({"length": HOUR / 7200}, "Start and duration must be whole seconds."),
    ({"start_time": time(2, 0, 0, 1)}, "Start and duration must be whole seconds."),
    ({"length": timedelta(0)}, "The duration must be positive"),
    ({"length": -HOUR}, "The duration must be positive"),
    ({"excluded": ["soon"]}, "Invalid date in"),
    ({"excluded": {"a": 1}}, "Invalid date in"),
    ({"excluded": 5}, "Invalid date in"),
    ({"title": "x" * 201}, "The title is longer than 200 characters."),
]


@pytest.mark.parametrize(("fields", "sentence"), REFUSALS, ids=lambda given: str(given)[:50])
def test_invalid_series_raises_refused_and_saves_nothing(acme, globex, fields, sentence):
    with pytest.raises(Refused) as refusal:
        series.repeat([acme, globex], template(**fields), clock=lambda: ONE)
    assert str(refusal.value).startswith(sentence)
    assert len(str(refusal.value).splitlines()) == 1
    assert not WindowSeries.objects.exists()
    assert not MaintenanceWindow.objects.exists()


@pytest.mark.parametrize(("fields", "sentence"), REFUSALS, ids=lambda given: str(given)[:50])
def test_invalid_revise_raises_refused_and_saves_nothing(sundays, fields, sentence):
    before = WindowSeries.objects.values().get(), list(MaintenanceWindow.objects.values())
    with pytest.raises(Refused) as refusal:
        series.revise(sundays.pk, **fields, message="new", clock=lambda: ONE)
    assert str(refusal.value).startswith(sentence)
    after = WindowSeries.objects.values().get(), list(MaintenanceWindow.objects.values())
    assert after == before


def test_unknown_site_saves_nothing(acme):
    gone = Site(pk=999, domain="gone.example")
    with pytest.raises(Refused, match=r"Site gone\.example no longer exists\."):
        series.repeat([acme, gone], template(), clock=lambda: ONE)
    assert not WindowSeries.objects.exists()
    assert not MaintenanceWindow.objects.exists()


def test_series_may_start_in_far_future(acme, begin):
    assert begin(acme, starts_on=date(2500, 1, 1)).windows.count() == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"rule": "nonsense"},
        {"zone": "Mars"},
        {"excluded": {"a": 1}},
        {"excluded": ["soon"]},
        {"excluded": 5},
        {"length": timedelta(0)},
        {"length": -HOUR},
        {"length": timedelta(days=10**6)},
    ],
    ids=str,
)
def test_invalid_series_does_not_block_the_others(acme, globex, begin, caplog, at, fields):
    spoilt, sound = begin(acme), begin(globex)
    WindowSeries.objects.filter(pk=spoilt.pk).update(**fields)
    at(ONE + 7 * DAY)
    series.materialise()
    assert starts(sound) == [*SUNDAYS, "01-06"]
    said = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(said) == 1
    assert said[0].startswith(f"Recurring window {spoilt.pk}: failed to create windows: ")
    str(WindowSeries.objects.get(pk=spoilt.pk))
    series.end(spoilt.pk)
    assert starts(spoilt) == ["11-04"]


def test_failing_series_does_not_block_the_others(acme, globex, begin, caplog):
    """SQL can store a duration that overflows any date."""
    spoilt, sound = begin(acme), begin(globex)
    WindowSeries.objects.filter(pk=spoilt.pk).update(length=timedelta(days=-5_000_000))
    series.materialise(lambda: ONE + 7 * DAY)
    assert starts(sound) == [*SUNDAYS, "01-06"]
    (said,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert said.getMessage() == f"Recurring window {spoilt.pk}: failed to create windows"


@pytest.fixture
def berlin_becomes_moscow(tmp_path) -> Iterator[Callable[[], None]]:
    """Install zone data in which Berlin has +03:00, as Moscow since 2014."""
    moscow = resources.files("tzdata").joinpath("zoneinfo", "Europe", "Moscow").read_bytes()
    (tmp_path / "Europe").mkdir()
    (tmp_path / "Europe" / "Berlin").write_bytes(moscow)
    yield lambda: zoneinfo.reset_tzpath(to=[str(tmp_path)])
    zoneinfo.reset_tzpath()
    zoneinfo.ZoneInfo.clear_cache()


def test_new_zone_data_moves_scheduled_windows(acme, begin, at, caplog, berlin_becomes_moscow):
    """02:00 in Berlin is 01:00 in UTC in November, and 23:00 of the day before in Moscow."""
    sundays = begin(acme, zone="Europe/Berlin")
    at(ONE)
    tick()
    windows.extend(window(sundays, "11-11").pk, by=HOUR)
    windows.cancel(window(sundays, "11-18").pk)
    series.materialise()
    before = {w.occurs_on: w.facts() for w in sundays.windows.all()}
    assert len(before) == 9
    caplog.clear()
    caplog.set_level("INFO", "maintenance_windows")
    berlin_becomes_moscow()
    series.materialise()
    for found in sundays.windows.all():
        day, facts = found.occurs_on, before[found.occurs_on]
        if f"{day:%m-%d}" not in {
            "11-04",
            "11-11",
            "11-18",
        }:  # one in progress and two edited windows
            facts |= {"starts_at": facts["starts_at"] - 2 * HOUR}
            facts |= {"ends_at": facts["ends_at"] - 2 * HOUR}
        assert found.facts() == facts
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == Change.objects.filter(actor=f"series {sundays.pk}").count() == 6
    assert said[0] == (
        f"window {window(sundays, '11-25').pk} updated (starts_at, ends_at) by series "
        f"{sundays.pk}: acme.example: 2029-11-24 23:00 to 2029-11-25 01:00 UTC"
    )
    series.materialise()
    assert len(caplog.records) == 6


def migrate() -> None:
    call_command("migrate", verbosity=0)


@pytest.mark.needs("django_celery_beat")
def test_migrate_creates_periodic_task_for_materialise(transactional_db):
    entry = PeriodicTask.objects.get(task="maintenance_windows.tasks.materialise")
    assert tasks.materialise.name == entry.task
    assert (str(entry.interval), entry.enabled) == ("every hour", True)
    assert (entry.queue, entry.expire_seconds) == ("maintenance", None)
    PeriodicTask.objects.filter(pk=entry.pk).update(enabled=False, name="mine")
    migrate()
    entry = PeriodicTask.objects.get(task=tasks.materialise.name)
    assert (entry.name, entry.enabled) == ("mine", False)


def test_zone_change_keeps_windows_at_same_instants(acme, begin, at):
    """23:00 in UTC is midnight of the day after in Berlin."""
    daily = begin(acme, rule="FREQ=DAILY", starts_on=date(2029, 11, 1), start_time=time(23))
    at(ONE)
    cancelled = daily.windows.get(starts_at=ONE + 70 * HOUR)
    windows.cancel(cancelled.pk)
    at(ONE + 22 * HOUR + MINUTE)
    tick()
    bring_up([acme])
    outcome = series.revise(daily.pk, zone="Europe/Berlin", start_time=time(0))
    assert not is_on(acme)
    assert (outcome.changed, outcome.cancelled) == ([], [])
    assert len(outcome.made) == 1  # as the horizon has moved by a day
    at(ONE + 26 * HOUR)
    series.materialise()
    assert not is_on(acme)
    assert not daily.windows.live(ONE).filter(starts_at=cancelled.starts_at).exists()
    nights = daily.windows.live(ONE + 26 * HOUR).values_list("starts_at", flat=True)
    assert {night.hour for night in nights} == {23}
    assert len(nights) == len(set(nights))


def test_zone_change_farther_west_keeps_windows(acme, begin, at):
    """03:00 in UTC is 22:00 of the day before in New York: so many nights after the first."""
    daily = begin(acme, rule="FREQ=DAILY", start_time=time(3))
    at(ONE + 10 * DAY + 3 * HOUR)
    outcome = series.revise(daily.pk, zone="America/New_York", start_time=time(22))
    assert (outcome.changed, outcome.cancelled) == ([], [])
    assert len(outcome.made) == 11  # as the horizon has moved
    assert starts(daily) == [f"{TWO + number * DAY:%m-%d}" for number in range(71)]


def test_windows_created_by_revise_name_its_actor(acme, begin):
    sundays = begin(acme)
    series.revise(sundays.pk, rule="FREQ=DAILY", actor="carol", clock=lambda: ONE)
    assert set(sundays.windows.values_list("created_by", flat=True)) == {"bob", "carol"}


def test_revise_replaces_unknown_zone(sundays):
    WindowSeries.objects.update(zone="Old/Gone")
    outcome = series.revise(sundays.pk, zone="Europe/Berlin", clock=lambda: ONE)
    assert len(outcome.changed) == len(SUNDAYS)
    assert not outcome.cancelled


def test_zone_deleted_from_disk_raises_rule_error(tmp_path):
    try:
        zone_file = tmp_path / "Soon" / "Gone"
        zone_file.parent.mkdir()
        zone_file.write_bytes(resources.files("tzdata").joinpath("zoneinfo/Etc/UTC").read_bytes())
        zoneinfo.reset_tzpath([str(tmp_path)])
        zones.cache_clear()
        assert zone("Soon/Gone").key == "Soon/Gone"
        zone_file.unlink()
        with pytest.raises(RuleError, match="Time zone 'Soon/Gone' does not exist"):
            zone("Soon/Gone")
    finally:
        zoneinfo.reset_tzpath()
        zones.cache_clear()


def test_skipped_night_stays_skipped_in_another_zone(acme, begin):
    """Half past midnight in Berlin is the evening before in UTC."""
    given = {"rule": "FREQ=DAILY", "zone": "Europe/Berlin", "start_time": time(0, 30)}
    given["starts_on"] = date(2029, 11, 5)
    nights = begin(acme, **given, excluded=["2029-11-08", "2031-06-01", "2019-01-01"])
    before = set(nights.windows.values_list("starts_at", flat=True))
    outcome = series.revise(
        nights.pk,
        zone="UTC",
        start_time=time(23, 30),
        starts_on=date(2029, 11, 4),
        clock=lambda: ONE,
    )
    assert outcome.made == outcome.cancelled == []
    nights.refresh_from_db()
    assert nights.excluded == ["2019-01-01", "2029-11-07", "2031-06-01"]
    assert set(nights.windows.values_list("starts_at", flat=True)) == before
    far = [*nights.excluded, "9899-12-31", "9999-12-31"]  # of which not all nights are listed
    WindowSeries.objects.filter(pk=nights.pk).update(excluded=far)
    series.revise(nights.pk, zone="Asia/Tokyo", clock=lambda: ONE)  # other instants
    nights.refresh_from_db()
    assert nights.excluded == far
