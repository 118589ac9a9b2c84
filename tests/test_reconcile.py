"""Flags, status changes and signals after a tick at a given time."""

from datetime import datetime

import pytest
from django.contrib.sites.models import Site
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from maintenance_windows.core.state import Level
from maintenance_windows.models import (
    MaintenanceWindow,
    Scheduler,
    SiteMaintenance,
    Transition,
)
from maintenance_windows.planning import windows
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.reconcile.tick import tick
from maintenance_windows.signals import maintenance_ended, maintenance_started
from maintenance_windows.snapshot.loader import load
from tests.helpers.times import FOUR, HOUR, MINUTE, SECOND, TWO

pytestmark = pytest.mark.usefixtures("beside_replica")


def tick_at(now: datetime, horizon=0 * SECOND) -> datetime | None:
    return tick(lambda: now, horizon)


def flag(site: Site) -> tuple[bool, datetime | None]:
    return SiteMaintenance.objects.values_list("in_maintenance", "until").get(pk=site.pk)


def history(site: Site) -> list[tuple[bool, datetime, datetime, int | None, str]]:
    rows = Transition.objects.filter(site=site).order_by("pk")
    return list(rows.values_list("in_maintenance", "due_at", "done_at", "window", "actor"))


@pytest.fixture
def announced() -> list[tuple[str, int]]:
    heard: list[tuple[str, int]] = []

    def started(site_id, **_):
        heard.append(("started", site_id))

    def ended(site_id, **_):
        heard.append(("ended", site_id))

    maintenance_started.connect(started)
    maintenance_ended.connect(ended)
    yield heard
    maintenance_started.disconnect(started)
    maintenance_ended.disconnect(ended)


def test_window_sets_and_clears_flag(acme, plan, announced):
    window = plan(acme)
    tick_at(TWO - SECOND)
    assert flag(acme) == (False, None)
    tick_at(TWO)
    assert flag(acme) == (True, FOUR)
    tick_at(FOUR - SECOND)
    assert flag(acme) == (True, FOUR)
    tick_at(FOUR + SECOND)
    assert flag(acme) == (False, None)
    assert history(acme) == [
        (True, TWO, TWO, window.pk, ""),
        (False, FOUR, FOUR + SECOND, window.pk, ""),
    ]
    assert announced == [("started", acme.pk), ("ended", acme.pk)]
    window.refresh_from_db()
    assert (window.started_at, window.ended_at) == (TWO, FOUR)


def test_repeated_tick_changes_nothing(acme, plan, announced):
    plan(acme)
    for now in (TWO, TWO, TWO + SECOND, FOUR, FOUR, TWO + HOUR, FOUR + HOUR):
        tick_at(now)
    assert len(history(acme)) == 2
    assert len(announced) == 2


def test_missed_window_keeps_its_own_times(acme, plan, announced):
    window = plan(acme)
    tick_at(FOUR + HOUR)
    window.refresh_from_db()
    assert (window.started_at, window.ended_at) == (TWO, FOUR)
    assert flag(acme) == (False, None)
    assert history(acme) == announced == []


def test_late_tick_keeps_start_of_outage(acme, plan):
    plan(acme, TWO, TWO + HOUR)
    later = plan(acme, TWO + HOUR / 2, FOUR)
    tick_at(TWO + HOUR + MINUTE)
    assert SiteMaintenance.objects.get(pk=acme.pk).since == TWO
    assert flag(acme) == (True, FOUR)
    assert history(acme)[0][:2] == (True, TWO)
    tick_at(FOUR)
    assert history(acme)[1] == (False, FOUR, FOUR, later.pk, "")


def test_end_of_outage_names_last_window(acme, plan):
    last = plan(acme)
    plan(acme, TWO, TWO + HOUR)
    tick_at(TWO)
    tick_at(FOUR + MINUTE)
    assert history(acme)[1] == (False, FOUR, FOUR + MINUTE, last.pk, "")


def test_rollback_sends_no_signal(acme, announced):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        take_down([acme])
        raise ZeroDivisionError
    assert announced == history(acme) == []
    with transaction.atomic():
        take_down([acme])
        assert announced == []
    assert announced == [("started", acme.pk)]


def test_site_deleted_before_commit_sends_no_signal(acme, globex, announced, caplog):
    with transaction.atomic():
        take_down([acme, globex])
        acme.delete()
    assert announced == [("started", globex.pk)]
    assert "Traceback" not in caplog.text


def test_end_of_inner_window_keeps_site_down(acme, plan, announced):
    plan(acme)
    plan(acme, TWO + 10 * MINUTE, TWO + 20 * MINUTE)
    for minutes in range(0, 121, 5):
        tick_at(TWO + minutes * MINUTE)
        assert flag(acme)[0] is (minutes < 120)
    assert announced == [("started", acme.pk), ("ended", acme.pk)]


def test_touching_windows_are_one_outage(acme, plan, announced):
    plan(acme)
    plan(acme, FOUR, FOUR + HOUR)
    tick_at(TWO)
    assert flag(acme) == (True, FOUR + HOUR)
    tick_at(FOUR)
    assert flag(acme) == (True, FOUR + HOUR)
    tick_at(FOUR + HOUR)
    assert announced == [("started", acme.pk), ("ended", acme.pk)]


def test_flag_has_strictest_level(acme, plan):
    plan(acme, level=Level.READ_ONLY)
    plan(acme, TWO + 10 * MINUTE, TWO + 20 * MINUTE)
    for minutes, level in ((0, "read_only"), (10, "full"), (20, "read_only")):
        tick_at(TWO + minutes * MINUTE)
        assert SiteMaintenance.objects.get(pk=acme.pk).level == level


def test_held_site_stays_down_after_window(acme, plan, announced):
    plan(acme)
    take_down([acme], clock=lambda: TWO - MINUTE, actor="alice")
    tick_at(TWO)
    tick_at(FOUR)
    tick_at(FOUR + HOUR)
    assert flag(acme) == (True, None)
    bring_up([acme], clock=lambda: FOUR + 2 * HOUR, actor="bob")
    assert flag(acme) == (False, None)
    assert [(row[0], row[4]) for row in history(acme)] == [(True, "alice"), (False, "bob")]
    assert len(announced) == 2


def test_bring_up_of_held_site_ends_window(acme, plan):
    window = plan(acme)
    tick_at(TWO)
    take_down([acme], clock=lambda: TWO + MINUTE)
    assert flag(acme) == (True, None)
    ended = bring_up([acme], clock=lambda: TWO + 2 * MINUTE)
    assert [w.pk for w in ended] == [window.pk]
    assert flag(acme) == (False, None)
    tick_at(TWO + 3 * MINUTE)
    assert flag(acme) == (False, None)


def test_sql_takes_site_down_and_brings_it_up(acme, announced):
    SiteMaintenance.objects.filter(pk=acme.pk).update(in_maintenance=True)
    tick_at(TWO)
    assert flag(acme) == (True, None)
    tick_at(TWO + SECOND)
    SiteMaintenance.objects.filter(pk=acme.pk).update(in_maintenance=False)
    tick_at(TWO + HOUR)
    tick_at(TWO + HOUR)
    assert flag(acme) == (False, None)
    assert history(acme) == [
        (True, TWO, TWO, None, "database"),
        (False, TWO + HOUR, TWO + HOUR, None, "database"),
    ]
    assert announced == [("started", acme.pk), ("ended", acme.pk)]


def test_window_in_progress_overrides_sql(acme, plan, announced):
    plan(acme)
    tick_at(TWO)
    SiteMaintenance.objects.filter(pk=acme.pk).update(in_maintenance=False)
    tick_at(TWO + SECOND)
    assert flag(acme) == (True, FOUR)
    SiteMaintenance.objects.filter(pk=acme.pk).delete()
    tick_at(TWO + 2 * SECOND)
    assert flag(acme) == (True, FOUR)


@pytest.mark.parametrize("change", ["delete", "move"])
def test_tick_clears_flag_after_window_disappears(acme, globex, plan, change):
    plan(acme)
    plan(globex, FOUR, FOUR + HOUR)  # so that the table does not look like an unfilled one
    tick_at(TWO)
    windows = MaintenanceWindow.objects.filter(site=acme)
    windows.delete() if change == "delete" else windows.update(ends_at=TWO + MINUTE)
    tick_at(TWO + SECOND)
    assert flag(acme) == ((False, None) if change == "delete" else (True, TWO + MINUTE))
    tick_at(TWO + 2 * MINUTE)
    assert flag(acme) == (False, None)


def test_missed_gap_separates_two_outages(acme, plan, announced):
    first = plan(acme, TWO, TWO + MINUTE)
    second = plan(acme, TWO + 2 * MINUTE, FOUR)
    tick_at(TWO)
    tick_at(TWO + HOUR)
    assert history(acme) == [
        (True, TWO, TWO, first.pk, ""),
        (False, TWO + MINUTE, TWO + HOUR, first.pk, ""),
        (True, TWO + 2 * MINUTE, TWO + HOUR, second.pk, ""),
    ]
    assert [name for name, _ in announced] == ["started", "ended", "started"]
    assert SiteMaintenance.objects.get(pk=acme.pk).since == TWO + 2 * MINUTE


def test_snapshot_contains_window_that_starts_during_load(acme, plan):
    plan(acme)
    ticks = iter([TWO])

    def between(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        for now in ticks:
            tick_at(now)
        return result

    with connection.execute_wrapper(between):
        snapshot = load(TWO)
    assert snapshot.by_id[acme.pk].at(TWO).until == FOUR


def test_window_edited_by_sql_does_not_block_the_others(acme, globex, plan):
    plan(globex, FOUR, FOUR + HOUR)
    window = plan(acme)
    tick_at(TWO)
    rows = MaintenanceWindow.objects.filter(pk=window.pk)
    rows.update(starts_at=TWO - HOUR, ends_at=TWO - MINUTE)
    tick_at(FOUR)
    assert (flag(acme)[0], flag(globex)[0]) == (False, True)


def test_deleting_window_brings_site_up_before_next_one(acme, plan):
    first = plan(acme)
    plan(acme, FOUR, FOUR + HOUR)
    tick_at(TWO)
    MaintenanceWindow.objects.filter(pk=first.pk).delete()
    tick_at(TWO + SECOND)
    assert flag(acme) == (False, None)


@pytest.mark.parametrize("late", [TWO + MINUTE, FOUR + MINUTE])
def test_overdue_change_has_no_actor(acme, plan, late):
    window = plan(acme)
    if late > FOUR:
        tick_at(TWO)
    clock = lambda: late  # noqa: E731
    day = 24 * HOUR
    (other,) = windows.schedule(
        [acme], starts_at=TWO + day, ends_at=FOUR + day, actor="alice", clock=clock
    )
    windows.revise(other.pk, title="new", actor="alice", clock=clock)
    due = FOUR if late > FOUR else TWO
    assert history(acme)[-1] == (late < FOUR, due, late, window.pk, "")


def test_take_down_after_missed_end_is_new_outage(acme, plan):
    window = plan(acme)
    tick_at(TWO)
    take_down([acme], actor="alice", clock=lambda: FOUR + HOUR)
    assert history(acme)[1:] == [
        (False, FOUR, FOUR + HOUR, window.pk, ""),
        (True, FOUR + HOUR, FOUR + HOUR, None, "alice"),
    ]


def test_snapshot_stops_at_first_gap(acme, plan):
    plan(acme)
    plan(acme, FOUR, FOUR + HOUR)
    for day in range(1, 30):
        plan(acme, TWO + 24 * day * HOUR, FOUR + 24 * day * HOUR)
    assert len(load(TWO).by_id[acme.pk].closures) == 2


def test_tick_handles_windows_created_in_bulk(acme):
    MaintenanceWindow.objects.bulk_create(
        [MaintenanceWindow(site=acme, starts_at=TWO, ends_at=FOUR)]
    )
    tick_at(TWO + SECOND)
    assert flag(acme) == (True, FOUR)
    MaintenanceWindow.objects.update(ends_at=FOUR + HOUR)
    tick_at(TWO + 2 * SECOND)
    assert flag(acme) == (True, FOUR + HOUR)


def test_tick_returns_next_boundary_within_horizon(acme, globex, plan):
    plan(acme)
    plan(globex, TWO + SECOND / 2, FOUR)
    horizon = 1.1 * SECOND
    assert tick_at(TWO - 2 * SECOND, horizon) is None
    assert tick_at(TWO - SECOND, horizon) == TWO
    assert tick_at(TWO, horizon) == TWO  # the tick changed something, so the caller ticks again
    assert tick_at(TWO, horizon) == TWO + SECOND / 2
    tick_at(FOUR - SECOND, horizon)
    assert tick_at(FOUR - SECOND, horizon) == FOUR


def test_tick_returns_end_of_window_shorter_than_horizon(acme, plan):
    plan(acme, TWO, TWO + SECOND / 2)
    assert [tick_at(TWO, 1.1 * SECOND), tick_at(TWO, 1.1 * SECOND)] == [TWO, TWO + SECOND / 2]


def test_clock_stepping_back_keeps_site_down(acme, plan, announced):
    window = plan(acme)
    tick_at(TWO)
    assert tick_at(TWO - 30 * SECOND) is None
    assert flag(acme) == (True, FOUR)
    state = load(TWO - 30 * SECOND).by_id[acme.pk]
    assert state.at(TWO - 30 * SECOND).until == FOUR
    window.refresh_from_db()
    assert window.status_at(TWO - 30 * SECOND) == "active"
    tick_at(FOUR)
    tick_at(FOUR - 30 * SECOND)
    assert flag(acme) == (False, None)
    assert announced == [("started", acme.pk), ("ended", acme.pk)]


def test_last_tick_follows_clock_stepping_back(db):
    tick_at(TWO)
    assert Scheduler.objects.get().last_tick == TWO
    tick_at(TWO + SECOND)
    assert Scheduler.objects.get().last_tick == TWO  # written every other second at most
    tick_at(TWO + 2 * SECOND)
    assert Scheduler.objects.get().last_tick == TWO + 2 * SECOND
    tick_at(TWO - HOUR)
    assert Scheduler.objects.get().last_tick == TWO - HOUR


def test_idle_tick_needs_few_queries(acme, globex, plan):
    plan(acme)
    plan(globex, FOUR, FOUR + HOUR)
    tick_at(TWO)
    with CaptureQueriesContext(connection) as queries:
        tick_at(TWO + MINUTE)
    statements = [q["sql"] for q in queries if not q["sql"].startswith(("BEGIN", "COMMIT"))]
    # MariaDB tells its time in a statement of its own, PostgreSQL with the lock.
    assert len(statements) == (4 if connection.vendor == "mysql" else 3)


@pytest.mark.parametrize(
    "moments", [(0,), (0, 1), (0, 2), (0, 3), (3,)], ids=["start", "end", "late", "seam", "missed"]
)
def test_query_count_is_independent_of_site_count(transactional_db, moments):
    """Counts the last tick; each site has a window of a minute and another two minutes later."""

    def statements(count: int) -> int:
        start = TWO + count * HOUR
        plan_many(count, start, start + MINUTE)
        plan_many(count, start + 2 * MINUTE, start + 4 * MINUTE)
        for minutes in moments:
            with CaptureQueriesContext(connection) as queries:
                tick_at(start + minutes * MINUTE)
        tick_at(start + HOUR / 2)
        return len(queries)

    assert statements(100) <= statements(4) + 2  # SQLite takes 142 rows at a time


def plan_many(count: int, starts_at: datetime, ends_at: datetime) -> list[Site]:
    """Create a window at each of `count` sites, without the verbs."""
    domains = [f"s{number}.example" for number in range(count)]
    Site.objects.bulk_create([Site(domain=d, name="") for d in domains], ignore_conflicts=True)
    sites = list(Site.objects.filter(domain__in=domains))
    MaintenanceWindow.objects.bulk_create(
        MaintenanceWindow(site=site, starts_at=starts_at, ends_at=ends_at) for site in sites
    )
    return sites


def test_all_flags_change_before_first_receiver(transactional_db):
    count = 2100  # more than SQLite puts in one expression, and than is done under one lock
    plan_many(count, TWO, FOUR)
    heard = []

    def receiver(transition, **_):
        if not heard:
            heard.append(SiteMaintenance.objects.filter(in_maintenance=True).count())
        heard.append(transition.site.domain)

    maintenance_started.connect(receiver)
    try:
        tick_at(TWO)
    finally:
        maintenance_started.disconnect(receiver)
    assert heard[0] == count
    assert len(set(heard[1:])) == len(heard[1:]) == count


def test_failing_receiver_does_not_block_the_others(acme, plan, announced, caplog):
    def broken(**_):
        raise RuntimeError("no mail today")

    maintenance_started.connect(broken)
    try:
        plan(acme)
        tick_at(TWO)
    finally:
        maintenance_started.disconnect(broken)
    assert flag(acme) == (True, FOUR)
    assert announced == [("started", acme.pk)]
    assert "no mail today" in caplog.text


def test_status_changes_reach_log(acme, plan, caplog):
    caplog.set_level("INFO", "maintenance_windows")
    window = plan(acme)
    tick_at(TWO + SECOND)
    windows.end(window.pk, actor="alice", clock=lambda: TWO + MINUTE)
    said = [record.getMessage() for record in caplog.records]
    first, second = (line for line in said if line.startswith("acme.example"))
    assert first == (
        f"acme.example went down at 2029-11-04T02:00:01+00:00, due 2029-11-04T02:00:00+00:00, "
        f"by window {window.pk}"
    )
    assert second.endswith("by alice")


def changes_of(site) -> list[tuple]:
    """Each status change: flag, minutes after two when due and when done, window and actor."""
    return [
        (row.in_maintenance, minute(row.due_at), minute(row.done_at), row.window_id, row.actor)
        for row in Transition.objects.filter(site=site).order_by("pk")
    ]


def minute(moment: datetime) -> float:
    return (moment - TWO) / MINUTE


def test_missed_second_window_keeps_end_of_first_outage(acme, plan):
    first = plan(acme, TWO, TWO + 10 * MINUTE)
    plan(acme, TWO + 12 * MINUTE, TWO + 14 * MINUTE)
    tick(lambda: TWO)
    tick(lambda: TWO + 20 * MINUTE)
    assert changes_of(acme) == [(True, 0, 0, first.pk, ""), (False, 10, 20, first.pk, "")]


def test_end_by_slow_clock_is_due_when_done(acme, plan):
    window = plan(acme)
    tick(lambda: TWO)
    windows.end(window.pk, actor="alice", clock=lambda: TWO - 3 * MINUTE)
    assert changes_of(acme)[-1] == (False, -3, -3, window.pk, "alice")


def test_missed_end_names_window_that_ended_then(acme, plan):
    early = plan(acme, TWO, TWO + 7 * MINUTE)
    tick(lambda: TWO)
    windows.end(early.pk, clock=lambda: TWO + 3 * MINUTE)
    last = plan(acme, TWO + 6 * MINUTE, TWO + 7 * MINUTE)
    later = plan(acme, TWO + 8 * MINUTE, TWO + 9 * MINUTE)
    tick(lambda: TWO + 6 * MINUTE)
    tick(lambda: TWO + 8 * MINUTE)
    assert changes_of(acme)[-2:] == [(False, 7, 8, last.pk, ""), (True, 8, 8, later.pk, "")]
