"""The queries of each second use the indexes of live rows, whichever Django created them."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from django.db import connection

from maintenance_windows.models import IgnoredURL
from maintenance_windows.planning.sites import take_down
from maintenance_windows.reconcile.tick import tick
from maintenance_windows.snapshot.loader import load
from tests.benchmarks import population
from tests.benchmarks.scale import databases
from tests.helpers import plans
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO

# SQLite uses an index only when a query has its condition in the same words.
CONDITIONS = {
    "mw_window_announced": (
        '("cancelled_at" IS NULL AND "ended_at" IS NULL AND "started_at" IS NULL'
        ' AND "banner_lead" IS NOT NULL)'
    ),
    "mw_flag_live": '("in_maintenance" IN (1) OR "since" IS NOT NULL)',
    "mw_series_going_on": '"ended_at" IS NULL',
    "mw_window_cancelled": '"cancelled_at" IS NOT NULL',
    "mw_window_live": '("cancelled_at" IS NULL AND "ended_at" IS NULL)',
    "mw_window_running": '("ended_at" IS NULL AND "started_at" IS NOT NULL)',
    "mw_window_waiting": '("cancelled_at" IS NULL AND "ended_at" IS NULL AND "started_at" IS NULL)',
}


@pytest.mark.skipif(connection.vendor != "sqlite", reason="other databases keep no words")
def test_index_conditions_are_the_same_in_every_django(db):
    """Each cell of the matrix has one Django, and must use the indexes that another created."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE sql LIKE 'CREATE INDEX %WHERE%'")
        made = {name: sql.partition(" WHERE ")[2] for name, sql in cursor.fetchall()}
    assert {name: made[name] for name in made if name.startswith("mw_")} == CONDITIONS


@pytest.fixture
def history(transactional_db: None) -> Iterator[None]:
    """Forty completed windows for each scheduled one, with current statistics.

    With ten, PostgreSQL may rather read the history of the sites in question.
    """
    population.populate(sites=500, past=20_000, coming=500, now=TWO - HOUR)
    population.analyze()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # which reads small tables as a whole, if it can
            cursor.execute("SET enable_seqscan = off")
        yield
        if connection.vendor == "postgresql":
            cursor.execute("RESET enable_seqscan")


def tick_at(now: datetime) -> None:
    tick(lambda: now)


@pytest.mark.parametrize("work", [tick_at, load], ids=["tick", "snapshot"])
def test_queries_use_live_indexes_while_all_sites_are_up(history, work):
    found = plans.reads(lambda: work(TWO))
    assert found & plans.LIVE
    assert not plans.strays(found)


def test_windows_of_a_long_lead_are_found_by_their_index(history, acme, plan):
    plan(acme, TWO + 100 * HOUR, TWO + 101 * HOUR, banner_lead=120 * HOUR)
    plan(acme, TWO + 90 * HOUR, TWO + 91 * HOUR)
    population.analyze()
    found = plans.reads(lambda: load(TWO))
    assert found & {"mw_window_announced", "mw_window_lead_state"}
    (closure,) = [one for one in load(TWO).of(acme.pk).closures if one.lead]
    assert closure.span.start == TWO + 100 * HOUR


@pytest.mark.parametrize("work", [tick_at, load], ids=["tick", "snapshot"])
@pytest.mark.parametrize("now", [TWO, TWO + MINUTE, FOUR + MINUTE], ids=["start", "on", "end"])
def test_queries_use_live_indexes_while_sites_are_down(history, acme, globex, plan, now, work):
    databases.plan(20, TWO, FOUR - TWO)
    plan(acme)
    plan(acme, FOUR, FOUR + HOUR)
    IgnoredURL.objects.create(maintenance=acme.maintenance, pattern="contact/")
    take_down([globex], clock=lambda: TWO - HOUR)
    if now > TWO:
        tick_at(TWO)
    found = plans.reads(lambda: work(now))
    assert found & plans.LIVE
    assert not plans.strays(found)
