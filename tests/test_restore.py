"""A database that is being restored: tables without rows, in any order, bring up no site."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import permutations
from threading import Thread
from typing import Any

import pytest
from django.contrib.sites.models import Site
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection, connections
from django.db.backends.signals import connection_created
from django.db.models import Model
from django.http import HttpResponse

from maintenance_windows.models import MaintenanceWindow, Scheduler, SiteMaintenance, Transition
from maintenance_windows.models.scheduler import IncompleteDatabase
from maintenance_windows.planning import bypass, windows
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.reconcile import guard
from maintenance_windows.reconcile.tick import tick
from maintenance_windows.snapshot import reading, runtime
from tests.helpers.times import FOUR, HOUR, MINUTE, SECOND, TWO
from tests.helpers.waiting import until

TABLES = (Site, MaintenanceWindow, SiteMaintenance, Transition, Scheduler)
Rows = dict[type[Model], list[dict[str, Any]]]
Visit = Callable[..., HttpResponse]


@contextmanager
def unconstrained() -> Iterator[None]:
    """Let rows refer to rows that are not there yet, as restores do."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            try:
                yield
            finally:
                cursor.execute("SET session_replication_role = DEFAULT")
    else:
        with connection.constraint_checks_disabled():
            yield


def empty(tables: tuple[type[Model], ...]) -> Rows:
    """Delete and return the rows of these tables, without signals or cascades."""
    rows: Rows = {table: list(table.objects.order_by("pk").values()) for table in tables}
    with unconstrained(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"DELETE FROM {table._meta.db_table}")
    return rows


def fill(table: type[Model], rows: Rows) -> None:
    with unconstrained():
        table.objects.bulk_create(table(**row) for row in rows[table])


def is_down(visit: Visit, site: Site) -> bool:
    runtime.publish()
    return visit(host=site.domain).status_code == 503


@pytest.fixture
def down(acme, globex, plan, at) -> None:
    """acme is down by a window until four, initech is held, globex is up."""
    plan(acme)
    at(TWO)
    tick()
    take_down([Site.objects.create(domain="initech.example")])


@pytest.fixture
def initech(down) -> Site:
    return Site.objects.get(domain="initech.example")


ORDERS = list(permutations(TABLES))


@pytest.mark.parametrize("order", [ORDERS[n] for n in range(0, len(ORDERS), 13)])
def test_sites_stay_down_while_tables_are_filled(acme, globex, initech, visit, order):
    assert is_down(visit, acme)
    assert is_down(visit, initech)
    rows = empty(order)
    for table in (None, *order):
        if table:
            fill(table, rows)
        assert is_down(visit, acme)
        assert is_down(visit, initech)
        assert not is_down(visit, globex)
    assert visit().headers["Retry-After"] == "7200"


@pytest.fixture
def during_reading() -> Iterator[list[Callable[[], object]]]:
    """Functions to call before a process looks for the rows that prove an end."""
    functions: list[Callable[[], object]] = []

    def call(execute: Any, sql: str, *rest: Any) -> Any:
        if "maintenance_windows_maintenancewindow LIMIT 1" in sql.replace('"', "").replace("`", ""):
            while functions:
                thread = Thread(target=in_thread, args=[functions.pop()])
                thread.start()
                thread.join()
        return execute(sql, *rest)

    def watch(connection: Any, **_: Any) -> None:
        if call not in connection.execute_wrappers:
            connection.execute_wrappers.append(call)

    connection_created.connect(watch)
    yield functions
    connection_created.disconnect(watch)


def in_thread(function: Callable[[], object]) -> None:
    function()
    connections.close_all()


def test_rows_that_come_back_during_a_reading_prove_no_end(
    during_reading, acme, globex, initech, visit
):
    assert is_down(visit, acme)
    rows = empty((MaintenanceWindow,))
    during_reading.append(lambda: fill(MaintenanceWindow, rows))
    assert is_down(visit, acme)
    assert is_down(visit, acme)
    assert not is_down(visit, globex)
    assert not during_reading
    windows.end(MaintenanceWindow.objects.get().pk)
    assert not is_down(visit, acme)


@pytest.mark.parametrize("table", TABLES)
def test_tick_writes_nothing_while_a_table_is_empty(acme, globex, initech, at, table):
    rows = empty((table,))
    before = {one: list(one.objects.order_by("pk").values()) for one in TABLES}
    at(TWO + MINUTE)
    if table is Transition:  # nothing else refers to it
        tick()
        assert not Transition.objects.exists()
    else:
        with pytest.raises(IncompleteDatabase):
            tick()
        assert before == {one: list(one.objects.order_by("pk").values()) for one in TABLES}
    fill(table, rows)
    tick()
    assert SiteMaintenance.objects.filter(in_maintenance=True).count() == 2


def test_known_window_ends_while_its_row_is_missing(acme, initech, visit, at):
    assert is_down(visit, acme)
    empty((MaintenanceWindow, Scheduler))
    at(FOUR - SECOND)
    assert is_down(visit, acme)
    at(FOUR)
    assert not is_down(visit, acme)


def test_row_that_says_so_brings_a_site_up(acme, initech, visit):
    assert is_down(visit, acme)
    assert is_down(visit, initech)
    SiteMaintenance.objects.filter(site=initech).update(in_maintenance=False)
    windows.end(MaintenanceWindow.objects.get().pk)
    assert not is_down(visit, initech)
    assert not is_down(visit, acme)


def test_person_brings_a_site_up_whose_rows_are_lost(acme, initech, visit, at):
    """The restored backup is older than the maintenance, and than every other one."""
    assert is_down(visit, acme)
    assert is_down(visit, initech)
    empty((MaintenanceWindow, Transition))
    SiteMaintenance.objects.update(in_maintenance=False, until=None, since=None)
    assert is_down(visit, acme)
    assert is_down(visit, initech)
    at(TWO + SECOND)
    bring_up([acme, initech])
    assert not is_down(visit, acme)
    assert not is_down(visit, initech)


def test_site_that_stays_down_without_rows_is_logged_once(acme, initech, visit, caplog):
    assert is_down(visit, acme)
    rows = empty((SiteMaintenance,))
    with unconstrained():
        others = [row for row in rows[SiteMaintenance] if row["site_id"] != initech.pk]
        SiteMaintenance.objects.bulk_create(SiteMaintenance(**row) for row in others)
    assert is_down(visit, initech)
    assert is_down(visit, initech)
    assert caplog.text.count("initech.example stays down, because") == 1
    with unconstrained():
        (missing,) = [row for row in rows[SiteMaintenance] if row["site_id"] == initech.pk]
        SiteMaintenance.objects.create(**missing)
    assert is_down(visit, initech)
    assert caplog.text.count("Each site that is down has its rows again.") == 1


@pytest.fixture
def cached(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets new readers take what others have cached, as outside tests."""
    monkeypatch.setattr(reading, "in_test_run", lambda: False)
    cache.clear()
    yield
    cache.clear()


@pytest.mark.parametrize("unknown", ["open", "closed"])
def test_new_process_takes_the_cache_then_the_setting(
    cached, acme, globex, initech, visit, settings, unknown, caplog
):
    settings.MAINTENANCE_WHEN_UNKNOWN = unknown
    assert is_down(visit, acme)
    until(reading.SnapshotCache().read)  # a thread writes it
    empty((Scheduler,))
    runtime.forget()
    assert is_down(visit, acme)
    assert is_down(visit, initech)
    assert not is_down(visit, globex)
    assert "using those of 0 s ago" in caplog.text
    cache.clear()
    runtime.forget()
    assert is_down(visit, acme) is (unknown == "closed")
    assert reading.SnapshotCache().read() is None  # nothing empty is cached


def test_new_process_believes_flags_while_no_window_is_there(acme, initech, visit, at):
    empty((MaintenanceWindow,))
    runtime.forget()
    assert is_down(visit, acme)
    at(FOUR)
    assert not is_down(visit, acme)


def test_lifted_hold_in_the_cache_is_not_believed(cached, acme, initech, visit):
    assert is_down(visit, initech)
    until(reading.SnapshotCache().read)
    SiteMaintenance.objects.filter(site=initech).update(in_maintenance=False)
    runtime.forget()
    assert not is_down(visit, initech)


@pytest.mark.parametrize("maker", ["tick", "verb"])
def test_scheduler_row_is_made_again(acme, initech, visit, monkeypatch, maker):
    empty((Scheduler,))
    if maker == "verb":
        take_down([acme])
    else:
        monkeypatch.setattr(guard, "PATIENCE", 0.0)
        tick()
    assert Scheduler.objects.count() == 1
    tick()
    assert Scheduler.objects.get().last_tick == TWO


def test_cron_waits_before_it_makes_the_row_again(acme, initech, monkeypatch):
    monkeypatch.setattr(guard, "PATIENCE", 0.5)
    empty((Scheduler,))
    call_command("maintenance", "tick")
    assert Scheduler.objects.get().last_tick == TWO


def test_flag_of_deleted_windows_is_cleared_in_the_end(acme, initech, visit, at, monkeypatch):
    """No restore takes as long, so somebody deleted them."""
    assert is_down(visit, acme)
    MaintenanceWindow.objects.all().delete()
    with pytest.raises(IncompleteDatabase):
        tick()
    monkeypatch.setattr(guard, "PATIENCE", 0.0)
    at(TWO + SECOND)
    tick()
    assert not SiteMaintenance.objects.get(pk=acme.pk).in_maintenance
    assert not is_down(visit, acme)
    assert is_down(visit, initech)


def test_revoked_link_stays_revoked_after_a_restore(acme, initech, visit):
    link = bypass.make(acme, length=HOUR).path
    assert visit(link).status_code == 302
    rows = empty((SiteMaintenance,))
    fill(SiteMaintenance, rows)
    bypass.revoke([acme])
    assert visit(link).status_code == 503
    empty((SiteMaintenance,))
    fill(SiteMaintenance, rows)
    runtime.publish()
    assert visit(link).status_code == 503
    SiteMaintenance.objects.filter(site=acme).delete()
    runtime.publish()
    take_down([acme])  # makes the row again
    runtime.forget()
    assert visit(link).status_code == 503


def test_link_does_not_admit_to_window_with_start_in_the_past(acme, visit, at):
    take_down([acme])
    at(TWO)
    link = bypass.make(acme).path
    at(TWO + MINUTE)
    bring_up([acme])
    at(TWO + HOUR)
    (late,) = windows.schedule([acme], starts_at=TWO - HOUR, ends_at=FOUR, start_now=True)
    assert late.started_at == TWO + HOUR
    assert visit(link).status_code == 503
