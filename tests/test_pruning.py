"""`maintenance prune`: it deletes history, and nothing that anybody still needs."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from maintenance_windows.calendar import events
from maintenance_windows.models import (
    CancelledOccurrence,
    Change,
    Freeze,
    MaintenanceWindow,
    SiteMaintenance,
    Transition,
    WindowSeries,
)
from maintenance_windows.planning import freezes, pruning, series, windows
from maintenance_windows.planning.sites import take_down
from maintenance_windows.reconcile.tick import tick
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO

DAY = timedelta(days=1)
LATER = TWO + 600 * DAY
BEFORE = "2031-02-10T00:00Z"  # a year after TWO, up to which calendars tell of series, and more
KINDS = (
    *("status changes", "changes", "windows"),
    *("cancelled occurrences", "recurring windows", "freezes"),
)


@pytest.fixture
def prune(at, capsys):
    def run(*arguments: str) -> list[int]:
        """Return the number of each kind."""
        capsys.readouterr()
        call_command("maintenance", "prune", *arguments)
        done = "would be deleted" if "--dry-run" in arguments else "deleted"
        found = dict(line.split(" ", 1)[::-1] for line in capsys.readouterr().out.splitlines())
        return [int(found[f"{kind} {done}"]) for kind in KINDS]

    return run


def nightly(**facts) -> WindowSeries:
    usual = {"rule": "FREQ=DAILY", "starts_on": TWO.date(), "start_time": TWO.time()}
    return WindowSeries(**usual | {"zone": "UTC", "length": HOUR} | facts)


def rows() -> list[int]:
    models = Transition, Change, MaintenanceWindow, CancelledOccurrence, WindowSeries, Freeze
    return [model.objects.count() for model in models]


@pytest.fixture
def old(acme, globex, plan, at):
    """A window that was extended and ended, one that was cancelled, a hold, a series, a freeze."""
    at(TWO - HOUR)
    first, second = plan(acme), plan(globex)
    windows.extend(first.pk, by=HOUR, actor="bob")
    windows.cancel(second.pk, actor="bob")
    begun = series.repeat([globex], nightly(), actor="bob")[0].series
    freezes.freeze(None, starts_at=TWO + 9 * DAY, ends_at=TWO + 10 * DAY, reason="Sale")
    at(TWO)
    tick()
    at(FOUR)
    windows.end(first.pk, actor="bob")
    tick()
    series.end(begun.pk, actor="bob")
    take_down([globex], actor="bob")


def test_history_is_deleted_per_kind(old, acme, globex, prune, at):
    at(LATER)
    tick()
    before = rows()
    counted = prune(f"--before={BEFORE}", "--dry-run")
    assert rows() == before
    assert prune(f"--before={BEFORE}") == counted
    assert [was - number for was, number in zip(before, counted, strict=True)] == rows()
    # Of each site its last status change, and what that tells of.
    assert set(Transition.objects.values_list("site", "in_maintenance")) == {
        (acme.pk, False),
        (globex.pk, True),
    }
    assert rows()[2:] == [1, 0, 0, 0]
    assert Change.objects.exclude(window__transitions__site=acme).count() == 0
    assert SiteMaintenance.objects.get(pk=globex.pk).held
    assert prune(f"--before={BEFORE}") == [0] * 6


def test_calendar_is_the_same_after(acme, globex, plan, prune, at):
    """At the last moment that is allowed, with a window on each side of it."""
    at(LATER)
    day = LATER.replace(hour=0, minute=0)
    edge = day - 90 * DAY
    for start, end in (
        (edge - HOUR, edge),
        (edge - 2 * HOUR, edge - HOUR),
        (edge - HOUR, edge + HOUR),
    ):
        (window,) = windows.schedule(
            [acme], starts_at=start, ends_at=end, clock=lambda start=start: start - HOUR
        )
        windows.cancel(window.pk, clock=lambda start=start: start - MINUTE)
    begun = series.repeat([globex], nightly(), clock=lambda: edge - 3 * DAY)[0].series
    series.revise(begun.pk, rule="FREQ=WEEKLY", clock=lambda: edge - 2 * DAY)
    series.end(begun.pk, clock=lambda: edge - DAY)
    before = events.of_all_sites(LATER), events.of_site(acme, LATER), events.of_site(globex, LATER)
    assert b"CANCELLED" in before[2]
    deleted = prune(f"--before={edge.isoformat()}")
    assert deleted[2]
    events.render.cache_clear()
    assert before == (
        events.of_all_sites(LATER), events.of_site(acme, LATER), events.of_site(globex, LATER)
    )  # fmt: skip
    assert WindowSeries.objects.filter(pk=begun.pk).exists()  # of which cancelled dates are told


def test_moved_occurrence_is_not_made_again(acme, prune, at):
    """Its date is ahead, although the window itself was moved to long ago."""
    at(TWO)
    yearly = nightly(rule="FREQ=YEARLY", starts_on=(LATER + 30 * DAY).date())
    begun = series.repeat([acme], yearly)[0].series
    window = series.make(begun.pk, (LATER + 30 * DAY).date())
    windows.move(window.pk, starts_at=TWO + HOUR, ends_at=TWO + 2 * HOUR)
    at(TWO + 2 * HOUR)
    tick()
    at(LATER)
    assert prune(f"--before={BEFORE}")[2] == 0
    series.materialise()
    assert [w.pk for w in begun.windows.all()] == [window.pk]


def test_freezes_that_an_import_would_make_again_stay(acme, prune, at):
    at(TWO)
    yearly = {"starts_at": FOUR, "ends_at": FOUR + DAY, "rule": "FREQ=YEARLY", "zone": "UTC"}
    imported, own = (freezes.freeze([acme], reason=name, **yearly).freeze for name in "io")
    Freeze.objects.filter(pk=imported.pk).update(event="a digest")
    for row in (imported, own):
        freezes.unfreeze(row.pk)
    at(TWO + 800 * DAY)
    assert prune(f"--before={BEFORE}")[5] == 1
    assert list(Freeze.objects.all()) == [imported]


@pytest.mark.parametrize("time", ["2031-03-29T00:01Z", "2031-09-01T00:00Z"])
def test_time_within_the_calendar_is_refused(old, acme, prune, at, time):
    at(LATER)  # 27 June 2031
    before = rows()
    with pytest.raises(CommandError) as refusal:
        prune(f"--before={time}")
    assert str(refusal.value) == (
        "Calendars show the last 90 days: use 2031-03-29T00:00Z or an earlier time."
    )
    assert rows() == before


def test_interrupted_it_goes_on(acme, prune, at, monkeypatch):
    Transition.objects.bulk_create(
        Transition(site=acme, in_maintenance=n % 2 == 0, due_at=TWO, done_at=TWO + n * MINUTE)
        for n in range(25)
    )
    at(LATER)
    pauses = []

    def interrupted(seconds: float) -> None:
        pauses.append(Transition.objects.count())
        if len(pauses) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(pruning, "BATCH", 10)
    monkeypatch.setattr(pruning.time, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prune(f"--before={BEFORE}")
    assert pauses == [15, 5]  # each batch was committed
    assert prune(f"--before={BEFORE}")[0] == 4
    assert Transition.objects.get().done_at == TWO + 24 * MINUTE
