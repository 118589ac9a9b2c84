"""Each verb on a window records one change: old and new values, time and actor."""

from collections.abc import Callable
from datetime import date, time

import pytest
from django.db import transaction

from maintenance_windows.exceptions import Refused
from maintenance_windows.models import Change, MaintenanceWindow, WindowSeries
from maintenance_windows.planning import series, windows
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.reconcile.tick import tick
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO

ONE, THREE = TWO - HOUR, TWO + HOUR


@pytest.fixture
def in_progress(acme, plan) -> MaintenanceWindow:
    """A window that a tick started at two o'clock."""
    window = plan(acme, title="old")
    tick(lambda: TWO)
    return window


def rows() -> list[tuple]:
    changes = Change.objects.filter(series=None).order_by("pk")
    return list(changes.values_list("window", "at", "actor", "changes"))


# When, what alice does then, and the old and the new values.
VERBS: dict[str, tuple] = {
    "move": (
        ONE,
        lambda pk, **who: windows.move(pk, starts_at=THREE, ends_at=FOUR + HOUR, **who),
        {
            "starts_at": ["2029-11-04T02:00:00Z", "2029-11-04T03:00:00Z"],
            "ends_at": ["2029-11-04T04:00:00Z", "2029-11-04T05:00:00Z"],
        },
    ),
    "extend": (
        ONE,
        lambda pk, **who: windows.extend(pk, by=HOUR, **who),
        {"ends_at": ["2029-11-04T04:00:00Z", "2029-11-04T05:00:00Z"]},
    ),
    "extend one that runs": (
        THREE,
        lambda pk, **who: windows.extend(pk, by=HOUR, **who),
        {"ends_at": ["2029-11-04T04:00:00Z", "2029-11-04T05:00:00Z"]},
    ),
    "revise": (
        ONE,
        lambda pk, **who: windows.revise(pk, title="new", message="M", level="read_only", **who),
        {"title": ["old", "new"], "message": ["", "M"], "level": ["full", "read_only"]},
    ),
    "start": (ONE, windows.start, {"started_at": [None, "2029-11-04T01:00:00Z"]}),
    "end": (THREE, windows.end, {"ended_at": [None, "2029-11-04T03:00:00Z"]}),
    "cancel": (ONE, windows.cancel, {"cancelled_at": [None, "2029-11-04T01:00:00Z"]}),
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_records_one_change(acme, plan, verb):
    window = plan(acme, title="old")
    now, do, changes = VERBS[verb]
    if now > TWO:
        tick(lambda: TWO)
    do(window.pk, actor="alice", clock=lambda: now)
    assert rows() == [(window.pk, now, "alice", changes)]


def test_bring_up_records_change_for_each_window_it_ends(acme, globex, plan, in_progress):
    other, elsewhere = plan(acme, TWO, FOUR + HOUR), plan(globex)
    tick(lambda: TWO)
    bring_up([acme], actor="alice", clock=lambda: THREE)
    ended = {"ended_at": [None, "2029-11-04T03:00:00Z"]}
    assert sorted(rows()) == [(pk, THREE, "alice", ended) for pk in (in_progress.pk, other.pk)]
    assert not elsewhere.changes_made.exists()


def test_end_before_tick_records_only_the_end(acme, plan):
    """The window starts by itself, so only the end is Alice's change."""
    window = plan(acme)
    windows.end(window.pk, actor="alice", clock=lambda: THREE)
    assert rows() == [
        (window.pk, THREE, "alice", {"ended_at": [None, "2029-11-04T03:00:00Z"]}),
    ]


def test_scheduling_and_ticks_record_no_change(acme, plan, in_progress):
    take_down([acme], until=FOUR + HOUR, actor="alice", clock=lambda: THREE)
    tick(lambda: FOUR + HOUR)
    assert rows() == []


SAME: dict[str, Callable[..., object]] = {
    "revise": lambda pk, **who: windows.revise(pk, title="old", **who),
    "move": lambda pk, **who: windows.move(pk, starts_at=TWO, ends_at=FOUR, **who),
}


@pytest.mark.parametrize("verb", SAME)
def test_unchanged_values_record_no_change(acme, plan, verb):
    SAME[verb](plan(acme, title="old").pk, actor="alice", clock=lambda: ONE)
    assert rows() == []


@pytest.mark.parametrize(
    "refused",
    [
        lambda pk, clock: windows.move(pk, starts_at=FOUR, ends_at=FOUR + HOUR, clock=clock),
        lambda pk, clock: windows.extend(pk, until=FOUR, clock=clock),
        lambda pk, clock: windows.revise(pk, title="x" * 201, clock=clock),
        lambda pk, clock: windows.start(pk, clock=clock),
        lambda pk, clock: windows.cancel(pk, clock=clock),
    ],
    ids=["move", "extend", "revise", "start", "cancel"],
)
def test_refused_verb_records_no_change(in_progress, refused):
    with pytest.raises(Refused):
        refused(in_progress.pk, lambda: THREE)
    assert rows() == []


def test_rollback_records_no_change(acme, plan):
    window = plan(acme)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        windows.extend(window.pk, by=HOUR, clock=lambda: ONE)
        raise ZeroDivisionError
    assert rows() == []
    window.refresh_from_db()
    assert window.ends_at == FOUR


def test_each_edit_records_its_own_change(acme, plan):
    window = plan(acme, title="old")
    windows.revise(window.pk, title="new", actor="alice", clock=lambda: ONE)
    windows.revise(window.pk, title="old", actor="bob", clock=lambda: TWO)
    assert rows() == [
        (window.pk, ONE, "alice", {"title": ["old", "new"]}),
        (window.pk, TWO, "bob", {"title": ["new", "old"]}),
    ]


def test_change_truncates_long_actor(acme, plan):
    windows.cancel(plan(acme).pk, actor="x" * 500, clock=lambda: ONE)
    assert Change.objects.get().actor == "x" * 254


def test_changes_have_str_and_disappear_with_window(acme, plan):
    window = plan(acme)
    windows.extend(window.pk, by=HOUR, clock=lambda: ONE)
    assert str(Change.objects.get()) == "Sun 4 Nov 2029 01:00 UTC ends_at"
    acme.delete()
    assert rows() == []


@pytest.fixture
def daily(acme) -> WindowSeries:
    """Three days from 02:00 to 04:00 UTC."""
    template = WindowSeries(
        rule="FREQ=DAILY;COUNT=3",
        starts_on=date(2029, 11, 4),
        start_time=time(2),
        zone="UTC",
        length=2 * HOUR,
        title="old",
    )
    (outcome,) = series.repeat([acme], template, actor="bob", clock=lambda: ONE)
    assert rows() == []
    return outcome.series


def test_series_edit_records_change_for_each_window(daily):
    first, second, third = daily.windows.order_by("occurs_on").values_list("pk", flat=True)
    windows.extend(second, by=HOUR, actor="alice", clock=lambda: ONE)
    now = ONE + MINUTE
    series.revise(daily.pk, start_time=time(3), title="new", actor="carol", clock=lambda: now)
    title = {"title": ["old", "new"]}
    assert rows()[1:] == [
        (
            pk,
            now,
            "carol",
            {
                "starts_at": [f"2029-11-{day}T02:00:00Z", f"2029-11-{day}T03:00:00Z"],
                "ends_at": [f"2029-11-{day}T04:00:00Z", f"2029-11-{day}T05:00:00Z"],
                **title,
            }
            if pk != second
            else title,
        )
        for pk, day in ((first, "04"), (second, "05"), (third, "06"))
    ]
    series.revise(daily.pk, title="new", actor="carol", clock=lambda: now)
    assert len(rows()) == 4
    series.revise(daily.pk, message="Soon.", clock=lambda: now)
    said = {"message": ["", "Soon."]}
    assert rows()[4:] == [(pk, now, "", said) for pk in (first, second, third)]


def test_excluding_dates_and_ending_series_record_cancellations(daily):
    _, second, third = daily.windows.order_by("occurs_on").values_list("pk", flat=True)
    series.revise(daily.pk, excluded=["2029-11-05"], actor="carol", clock=lambda: ONE)
    series.end(daily.pk, actor="dave", clock=lambda: THREE)  # the first is in progress
    assert rows() == [
        (second, ONE, "carol", {"cancelled_at": [None, "2029-11-04T01:00:00Z"]}),
        (third, THREE, "dave", {"cancelled_at": [None, "2029-11-04T03:00:00Z"]}),
    ]


def test_refused_series_edit_records_no_change(daily):
    with pytest.raises(Refused):
        series.revise(daily.pk, title="new", zone="Mars", clock=lambda: ONE)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        series.end(daily.pk, clock=lambda: ONE)
        raise ZeroDivisionError
    assert rows() == []
    assert daily.windows.filter(cancelled_at=None, title="old").count() == 3


def test_series_records_its_own_changes(daily):
    series.revise(daily.pk, title="new", actor="carol", clock=lambda: ONE)
    series.revise(daily.pk, title="new", actor="carol", clock=lambda: ONE)
    series.end(daily.pk, actor="dave", clock=lambda: THREE)
    kept = Change.objects.filter(series=daily.pk).order_by("pk")
    assert list(kept.values_list("at", "actor", "changes")) == [
        (ONE, "carol", {"title": ["old", "new"]}),
        (THREE, "dave", {"ended_at": [None, "2029-11-04T03:00:00Z"]}),
    ]
