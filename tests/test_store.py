"""One snapshot per process, for all threads and event loops, and after a fork."""

import asyncio
import os
import time
from threading import Thread
from threading import enumerate as threads

import pytest
from django.contrib.sites.models import Site
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from maintenance_windows.planning import windows
from maintenance_windows.planning.sites import take_down
from maintenance_windows.snapshot import runtime
from maintenance_windows.snapshot.loader import load
from tests.helpers.times import FOUR, HOUR, TWO


def readers() -> int:
    return sum(thread.name == "maintenance-windows" for thread in threads())


def test_threads_and_event_loops_share_one_refresher(acme, plan, at):
    plan(acme)
    at(TWO)
    seen: list[int] = []

    def by_thread() -> None:
        seen.append(len(runtime.current().by_id))

    def by_event_loop() -> None:
        seen.append(len(asyncio.run(runtime.acurrent()).by_id))

    askers = [Thread(target=by_thread) for _ in range(10)]
    askers += [Thread(target=by_event_loop) for _ in range(10)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert seen == [1] * 20
    assert readers() == 1


def test_forget_stops_refresher(acme):
    for _ in range(5):
        runtime.current()
        runtime.forget()
    assert readers() == 0


def test_overridden_settings_take_effect_immediately(acme, at, settings):
    assert not runtime.current()
    settings.MAINTENANCE_FORCE = "on"
    assert runtime.current()
    settings.MAINTENANCE_FORCE = None
    assert not runtime.current()
    assert readers() == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_forked_child_starts_its_own_refresher(acme):
    assert not runtime.current()
    connections.close_all()
    time.sleep(0.3)  # a lock that the refresher held during the fork would stay locked in the child
    if (child := os.fork()) == 0:
        deadline = time.monotonic() + 10
        while not runtime.current() and time.monotonic() < deadline:
            time.sleep(0.02)
        os._exit(0 if runtime.current() else 1)
    take_down([acme])
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert runtime.current()


def test_query_count_is_independent_of_site_count(acme, at):
    at(TWO)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            load(TWO)
        return len(captured)

    take_down([acme], until=FOUR)
    few = queries()
    sites = Site.objects.bulk_create(Site(domain=f"s{n}.example", name="") for n in range(99))
    take_down(sites, until=FOUR)
    assert len(load(TWO).by_id) == 100
    assert queries() == few


def test_load_only_reads_given_sites(acme, globex, plan):
    for site in (acme, globex):
        plan(site)
        plan(site, FOUR, FOUR + HOUR)
    every = load(TWO)
    assert dict(load(TWO, only=[acme.pk]).by_id) == {acme.pk: every.of(acme.pk)}
    assert not load(TWO, only=[])
    assert not load(TWO, only=[999_999])


def test_load_reuses_unchanged_sites(acme, globex, plan):
    plan(acme)
    plan(globex)
    first = load(TWO - HOUR)
    assert load(TWO - HOUR, last=first).by_id == first.by_id
    take_down([globex], clock=lambda: TWO - HOUR)
    Site.objects.filter(pk=acme.pk).update(name="Another")
    second = load(TWO - HOUR, last=first)
    assert second.of(acme.pk) is first.of(acme.pk)
    assert second.of(globex.pk).at(TWO - HOUR)
    Site.objects.filter(pk=acme.pk).update(domain="acme2.example")
    assert load(TWO - HOUR, last=second).of(acme.pk).domain == "acme2.example"


def test_site_whose_window_becomes_a_hold_between_queries_stays_down(acme, plan, at):
    window = plan(acme)
    at(TWO)
    swapped = []

    def swap(execute, sql, *arguments):
        reads_windows = sql.startswith("SELECT") and "maintenancewindow" in sql
        if reads_windows and "UNION" not in sql and not swapped:
            swapped.append(sql)
            take_down([acme])
            windows.end(window.pk)
        return execute(sql, *arguments)

    with connection.execute_wrapper(swap):
        snapshot = load(TWO)
    assert swapped
    assert snapshot.of(acme.pk).at(TWO).held
