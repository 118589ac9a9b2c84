"""Concurrent threads whose actions must have one consistent outcome."""

from collections.abc import Callable
from threading import Barrier, Thread

import pytest
from django.db import connection

from maintenance_windows.exceptions import Refused
from maintenance_windows.models import SiteMaintenance, Transition
from maintenance_windows.planning import windows
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.reconcile.tick import tick
from tests.helpers.times import FOUR, HOUR, SECOND, TWO


@pytest.fixture
def together() -> Callable[..., list[object]]:
    """Run functions at the same moment, each in a thread; return their results or exceptions."""

    def together(*functions: Callable[[], object]) -> list[object]:
        barrier = Barrier(len(functions))
        outcomes: list[object] = [None] * len(functions)

        def run(number: int, function: Callable[[], object]) -> None:
            barrier.wait()
            try:
                outcomes[number] = function()
            except Exception as error:  # noqa: BLE001 (the test looks at it)
                outcomes[number] = error
            finally:
                connection.close()

        threads = [Thread(target=run, args=item) for item in enumerate(functions)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return outcomes

    return together


def test_concurrent_ticks_change_flag_once(acme, plan, together):
    plan(acme)
    outcomes = together(*[lambda: tick(lambda: TWO)] * 8)
    outcomes += together(*[lambda: tick(lambda: FOUR)] * 8)
    assert sorted(outcomes, key=str) == [TWO, FOUR] + [None] * 14
    rows = Transition.objects.order_by("pk").values_list("in_maintenance", flat=True)
    assert list(rows) == [True, False]


def test_sqlite_works_without_immediate_transactions(acme, plan, together):
    """With deferred transactions, two threads that read before they write would fail."""
    if connection.vendor != "sqlite":
        pytest.skip("about SQLite")
    plan(acme)

    def deferred():
        connection.ensure_connection()
        connection.transaction_mode = None
        return tick(lambda: TWO)

    assert sorted(together(*[deferred] * 8), key=str) == [TWO] + [None] * 7


def test_extension_racing_with_end_has_one_outcome(acme, plan, together):
    for _ in range(25):
        Transition.objects.all().delete()
        window = plan(acme)
        tick(lambda: TWO)
        extended, _ = together(
            lambda pk=window.pk: windows.extend(pk, by=HOUR, clock=lambda: FOUR - SECOND),
            lambda: tick(lambda: FOUR),
        )
        window.refresh_from_db()
        is_on = SiteMaintenance.objects.get(pk=acme.pk).in_maintenance
        if isinstance(extended, Refused):
            assert (window.ends_at, window.ended_at, is_on) == (FOUR, FOUR, False)
        else:
            assert (window.ends_at, window.ended_at, is_on) == (FOUR + HOUR, None, True)
        assert Transition.objects.count() == 1 + (not is_on)
        tick(lambda: FOUR + HOUR)


def test_concurrent_ends_end_window_once(acme, plan, together):
    window = plan(acme)
    tick(lambda: TWO)
    outcomes = together(*[lambda: windows.end(window.pk, clock=lambda: TWO + HOUR)] * 4)
    assert sum(isinstance(outcome, Refused) for outcome in outcomes) == 3
    assert Transition.objects.count() == 2


def test_concurrent_take_down_and_bring_up_stay_consistent(acme, together):
    for _ in range(10):
        together(
            lambda: take_down([acme], clock=lambda: TWO),
            lambda: bring_up([acme], clock=lambda: TWO),
        )
        flag = SiteMaintenance.objects.get(pk=acme.pk)
        assert (flag.since is not None) is flag.in_maintenance
        assert Transition.objects.filter(in_maintenance=True).count() == (
            Transition.objects.filter(in_maintenance=False).count() + flag.in_maintenance
        )
