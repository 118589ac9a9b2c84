"""`maintenance prune` deletes history, and nothing that calendars or planning still need."""

from datetime import datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from maintenance_windows.calendar.events import of_all_sites
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
from maintenance_windows.planning.series.verbs import materialise
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.reconcile.tick import tick
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO

DAY = timedelta(days=1)
LATER = TWO + 400 * DAY
BEFORE = LATER - 100 * DAY


def sundays() -> WindowSeries:
    start = {"starts_on": TWO.date(), "start_time": TWO.time(), "zone": "UTC"}
    return WindowSeries(rule="FREQ=WEEKLY", length=HOUR, **start)


@pytest.fixture
def prune(at, capsys):
    def run(before: datetime = BEFORE, *arguments: str) -> dict[str, int]:
        capsys.readouterr()
        call_command("maintenance", "prune", f"--before={before.isoformat()}", *arguments)
        lines = [line.split(" ", 1) for line in capsys.readouterr().out.splitlines()]
        return {rest.rpartition(" deleted")[0]: int(number) for number, rest in lines}

    return run


@pytest.fixture
def history(acme, globex, plan, at):
    """A year of windows, holds, changes, a freeze and two recurring windows, one of them ended."""
    at(TWO - HOUR)
    plan(acme)
    windows.cancel(plan(acme, FOUR + HOUR, FOUR + 2 * HOUR).pk, actor="bob")
    freezes.freeze([acme], starts_at=FOUR, ends_at=FOUR + HOUR, reason="Sales")
    (ended,) = series.repeat([globex], sundays())
    (live,) = series.repeat([acme], sundays())
    take_down([globex], actor="bob")
    at(TWO)
    tick()
    windows.extend(MaintenanceWindow.objects.order_by("pk")[0].pk, by=MINUTE)
    at(FOUR + HOUR)
    tick()
    series.end(ended.series.pk)
    for week in range(1, 57):
        at(TWO + 7 * week * DAY)
        materialise()
        tick()
        at(TWO + 7 * week * DAY + HOUR)
        tick()
    at(LATER)
    materialise()
    tick()
    return live.series


def test_prune_deletes_what_calendars_and_planning_do_not_need(history, globex, at, prune):
    calendar, live = of_all_sites(LATER), MaintenanceWindow.objects.live(LATER).count()
    later = MaintenanceWindow.objects.filter(ends_at__gte=BEFORE)
    facts = [(w.pk, w.facts()) for w in later.order_by("pk")]
    would = prune(BEFORE, "--dry-run")
    assert MaintenanceWindow.objects.filter(ends_at__lt=BEFORE).exists()
    assert {f"{name} would be": number for name, number in prune().items()} == would
    assert not any(prune().values())
    assert of_all_sites(LATER) == calendar
    assert MaintenanceWindow.objects.live(LATER).count() == live
    assert [(w.pk, w.facts()) for w in MaintenanceWindow.objects.order_by("pk")] == facts
    assert not Freeze.objects.exists()
    assert not CancelledOccurrence.objects.filter(ends_at__lt=BEFORE).exists()
    assert WindowSeries.objects.count() == 2  # calendars show a year of the ended one as cancelled
    assert not Change.objects.filter(at__lt=BEFORE, series=None).exists()
    (hold,) = Transition.objects.filter(done_at__lt=BEFORE)
    assert (hold.site, hold.actor) == (globex, "bob")
    assert SiteMaintenance.objects.get(pk=globex.pk).in_maintenance
    materialise()
    assert MaintenanceWindow.objects.live(LATER).count() == live
    at(LATER + 200 * DAY)
    prune(LATER + 100 * DAY)
    assert list(WindowSeries.objects.all()) == [history]


def test_occurrence_that_took_place_long_before_its_date_is_not_made_again(acme, at, prune):
    at(TWO - HOUR)
    (begun,) = series.repeat([acme], sundays())
    far = TWO + 7 * 60 * DAY
    window = series.make(begun.series.pk, far.date())
    windows.move(window.pk, starts_at=TWO, ends_at=FOUR)
    at(FOUR)
    tick()
    at(LATER)
    prune()
    materialise()
    kept = MaintenanceWindow.objects.filter(series=begun.series, occurs_on=far.date())
    assert [one.pk for one in kept] == [window.pk]


def test_window_stays_as_long_as_its_last_status_change(acme, plan, at, prune):
    """Its end was recorded late: the status change would lose its reason."""
    window = plan(acme)
    at(TWO)
    tick()
    at(LATER)
    tick()
    prune()
    assert MaintenanceWindow.objects.filter(pk=window.pk).exists()
    assert str(window.pk) in Transition.objects.latest("done_at").why


def test_prune_refuses_what_calendars_show(history, prune):
    number = MaintenanceWindow.objects.count()
    for before in (LATER - 89 * DAY, LATER + DAY):
        with pytest.raises(CommandError, match="Calendars show the last 90 days: choose a time b"):
            prune(before)
    assert MaintenanceWindow.objects.count() == number


def test_prune_works_in_batches(acme, at, prune):
    at(LATER)
    Transition.objects.bulk_create(
        Transition(site=acme, in_maintenance=n % 2 == 0, due_at=TWO, done_at=TWO + n * MINUTE)
        for n in range(pruning.BATCH + 2)
    )
    bring_up([acme])
    assert prune()["status changes"] == pruning.BATCH + 1
