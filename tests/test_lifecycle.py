"""Every verb on a window of every status: a change, or Refused with a sentence."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction

from maintenance_windows.exceptions import Refused
from maintenance_windows.models import (
    IgnoredURL,
    MaintenanceWindow,
    SiteMaintenance,
    Transition,
)
from maintenance_windows.planning import rules, windows
from maintenance_windows.planning.sites import bring_up, take_down
from tests.helpers.times import FOUR, HOUR, MINUTE, SECOND, TWO

pytestmark = pytest.mark.usefixtures("beside_replica")

THREE = TWO + HOUR

VERBS = {
    "move": lambda pk, clock: windows.move(
        pk, starts_at=TWO + 5 * MINUTE, ends_at=FOUR + HOUR, actor="alice", clock=clock
    ),
    "move end": lambda pk, clock: windows.move(
        pk, starts_at=TWO, ends_at=FOUR + HOUR, actor="alice", clock=clock
    ),
    "extend": lambda pk, clock: windows.extend(pk, by=HOUR, actor="alice", clock=clock),
    "start": lambda pk, clock: windows.start(pk, actor="alice", clock=clock),
    "end": lambda pk, clock: windows.end(pk, actor="alice", clock=clock),
    "cancel": lambda pk, clock: windows.cancel(pk, actor="alice", clock=clock),
}
OVER = "has ended and can no longer be changed."
CANCELLED = "was cancelled."
RUNNING = "is already in progress: end or extend it instead."

# The resulting (starts_at, ends_at, started_at, ended_at), or the text of Refused.
TABLE = {
    ("scheduled", "move"): (TWO + 5 * MINUTE, FOUR + HOUR, None, None),
    ("scheduled", "move end"): (TWO, FOUR + HOUR, None, None),
    ("scheduled", "extend"): (TWO, FOUR + HOUR, None, None),
    ("scheduled", "start"): (TWO, FOUR, TWO - MINUTE, None),
    ("scheduled", "end"): "has not started: cancel it instead.",
    ("scheduled", "cancel"): (TWO, FOUR, None, None),
    ("active", "move"): "has started: only its end can be changed.",
    ("active", "move end"): (TWO, FOUR + HOUR, TWO, None),
    ("active", "extend"): (TWO, FOUR + HOUR, TWO, None),
    ("active", "start"): RUNNING,
    ("active", "end"): (TWO, FOUR, TWO, THREE),
    ("active", "cancel"): RUNNING,
    **{("completed", verb): OVER for verb in VERBS},
    ("completed", "extend"): "manage.py maintenance down acme.example --for 1h",
    **{("cancelled", verb): CANCELLED for verb in VERBS},
}
WHEN = {"scheduled": TWO - MINUTE, "active": THREE, "completed": FOUR, "cancelled": TWO - MINUTE}


def times(pk: int) -> tuple[datetime | None, ...]:
    fields = ("starts_at", "ends_at", "started_at", "ended_at")
    return MaintenanceWindow.objects.values_list(*fields).get(pk=pk)


@pytest.mark.parametrize(("status", "verb"), TABLE)
def test_each_verb_in_each_status(acme, plan, status, verb):
    window = plan(acme)
    if status == "cancelled":
        windows.cancel(window.pk, clock=lambda: TWO - 2 * MINUTE)
    expected = TABLE[status, verb]
    before = times(window.pk)
    if isinstance(expected, str):
        with pytest.raises(Refused, match=expected):
            VERBS[verb](window.pk, lambda: WHEN[status])
        assert times(window.pk) == before
    else:
        VERBS[verb](window.pk, lambda: WHEN[status])
        assert times(window.pk) == expected
    # After Refused the flag waits for a tick; a change updates it immediately.
    closes = {("scheduled", "start"), ("active", "move end"), ("active", "extend")}
    flag = SiteMaintenance.objects.get(pk=acme.pk)
    assert flag.in_maintenance is ((status, verb) in closes)


def test_cancelled_window_stays_cancelled_at_its_start(acme, plan):
    window = plan(acme)
    windows.cancel(window.pk, clock=lambda: TWO - MINUTE)
    assert window.status_at(TWO) == "active"  # the stale object that plan() returned
    window.refresh_from_db()
    assert window.status_at(TWO) == "cancelled"


def test_status_changes_record_actor(acme, plan):
    window = plan(acme)
    windows.start(window.pk, actor="alice", clock=lambda: TWO - MINUTE)
    windows.end(window.pk, actor="bob", clock=lambda: THREE)
    rows = Transition.objects.order_by("pk").values_list("actor", "window", "due_at", "done_at")
    assert list(rows) == [
        ("alice", window.pk, TWO - MINUTE, TWO - MINUTE),
        ("bob", window.pk, THREE, THREE),
    ]


def test_manual_start_and_end_are_due_when_done(acme, plan):
    window = plan(acme)
    windows.start(window.pk, clock=lambda: TWO - MINUTE)
    windows.end(window.pk, clock=lambda: THREE)
    assert list(Transition.objects.order_by("pk").values_list("due_at", flat=True)) == [
        TWO - MINUTE,
        THREE,
    ]


def test_ending_one_of_two_windows_keeps_site_down(acme, plan):
    first = plan(acme)
    plan(acme, TWO + MINUTE, FOUR)
    windows.end(first.pk, clock=lambda: TWO + 2 * MINUTE)
    assert SiteMaintenance.objects.get(pk=acme.pk).until == FOUR


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "sentence"),
    [
        (TWO, TWO, "The end must be after the start."),
        (FOUR, TWO, "The end must be after the start."),
        (TWO - 9 * HOUR, TWO - 8 * HOUR, "The end is in the past."),
        (TWO - 9 * HOUR, TWO - HOUR, "The end is in the past."),
    ],
)
def test_impossible_times_schedule_nothing(acme, globex, plan, starts_at, ends_at, sentence):
    with pytest.raises(Refused, match=sentence):
        windows.schedule(
            [acme, globex], starts_at=starts_at, ends_at=ends_at, clock=lambda: TWO - HOUR
        )
    assert not MaintenanceWindow.objects.exists()


def test_past_start_starts_window_immediately(acme, plan):
    window = plan(acme, TWO - 2 * HOUR, FOUR, start_now=True)
    assert window.starts_at == window.started_at == TWO - HOUR
    assert SiteMaintenance.objects.get(pk=acme.pk).since == TWO - HOUR


def test_database_requires_end_after_start(acme):
    for ends_at in (TWO, TWO - SECOND):
        with pytest.raises(IntegrityError), transaction.atomic():
            MaintenanceWindow.objects.create(site=acme, starts_at=TWO, ends_at=ends_at)


@pytest.mark.parametrize("model", [MaintenanceWindow, IgnoredURL, SiteMaintenance])
def test_database_rejects_unknown_choices(acme, model):
    made = {
        MaintenanceWindow: {"site": acme, "starts_at": TWO, "ends_at": FOUR, "level": "read-only"},
        IgnoredURL: {"maintenance": acme.maintenance, "kind": "glob", "pattern": "x"},
    }
    with pytest.raises(IntegrityError), transaction.atomic():
        if model is SiteMaintenance:
            SiteMaintenance.objects.update(level="half")
        else:
            model.objects.create(**made[model])


def test_slow_clock_can_end_window_and_bring_up_site(acme, plan):
    for verb in (windows.end, lambda _, clock: bring_up([acme], clock=clock)):
        window = plan(acme)
        windows.start(window.pk, clock=lambda: TWO - MINUTE)
        verb(window.pk, clock=lambda: TWO - 2 * MINUTE)
        assert times(window.pk) == (TWO, FOUR, TWO - MINUTE, TWO - MINUTE)
        assert not SiteMaintenance.objects.get(pk=acme.pk).in_maintenance


def test_durations_are_exact_across_dst_change():
    start = datetime(2027, 3, 28, 1, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert rules.add(start, HOUR) == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)


def test_long_title_raises_refused(acme, plan):
    with pytest.raises(Refused, match="longer than 200 characters"):
        plan(acme, title="x" * 201)


@pytest.mark.parametrize("until", [TWO, FOUR - SECOND, FOUR])
def test_extension_to_earlier_end_raises_refused(acme, plan, until):
    window = plan(acme)
    with pytest.raises(Refused, match="must be later than its current one"):
        windows.extend(window.pk, until=until, clock=lambda: THREE)


def test_end_beyond_calendar_raises_refused(acme, plan):
    window = plan(acme)
    with pytest.raises(Refused, match="out of range"):
        windows.extend(window.pk, by=timedelta(days=99_999 * 365), clock=lambda: THREE)


def test_calendar_limit_uses_utc(acme, plan):
    window = plan(acme)
    late = datetime(9998, 12, 31, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    with pytest.raises(Refused, match="out of range"):
        windows.extend(window.pk, until=late, clock=lambda: THREE)
    windows.extend(window.pk, until=late.replace(tzinfo=UTC), clock=lambda: THREE)


def test_unknown_window_raises_refused(db):
    with pytest.raises(Refused, match="Window 7"):
        windows.end(7)


def test_take_down_until_creates_window_in_progress(acme):
    take_down([acme], until=FOUR, actor="alice", clock=lambda: TWO)
    window = MaintenanceWindow.objects.get()
    assert times(window.pk) == (TWO, FOUR, TWO, None)
    assert SiteMaintenance.objects.get(pk=acme.pk).until == FOUR
    assert Transition.objects.get().actor == "alice"


def test_second_take_down_updates_message(acme):
    take_down([acme], message="one", clock=lambda: TWO)
    take_down([acme], message="two", clock=lambda: THREE)
    flag = SiteMaintenance.objects.get(pk=acme.pk)
    assert (flag.message, flag.since) == ("two", TWO)
    assert Transition.objects.count() == 1


def test_bring_up_of_site_that_is_up_changes_nothing(acme):
    assert bring_up([acme], clock=lambda: TWO) == []
    assert not Transition.objects.exists()


def test_take_down_truncates_long_actor(acme):
    take_down([acme], until=FOUR, actor="x" * 500, clock=lambda: TWO)
    assert MaintenanceWindow.objects.get().created_by == Transition.objects.get().actor == "x" * 254
