"""The database's clock decides; a host's own clock may be wrong by a day."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection

from maintenance_windows.models import MaintenanceWindow, SiteMaintenance, Transition
from maintenance_windows.planning import windows
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.reconcile.tick import tick
from maintenance_windows.snapshot import clock, runtime
from tests.helpers.times import HOUR, MINUTE

DAY = timedelta(days=1)
SLACK = timedelta(seconds=30)  # on a busy machine

own_clock = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has the host's clock")


@pytest.fixture
def right(transactional_db: None) -> Iterator[datetime]:
    """The right time, whatever the host's clock shows."""
    clock.ask()
    yield datetime.now(UTC)
    clock.ask()


@own_clock
@pytest.mark.parametrize("off", [DAY, -DAY], ids=["ahead", "behind"])
def test_tick_by_wrong_clock_changes_nothing(acme, globex, right, visit, off):
    take_down([acme], until=right + 2 * HOUR)
    (tonight,) = windows.schedule([globex], starts_at=right + 6 * HOUR, ends_at=right + 8 * HOUR)
    with time_machine.travel(off):
        tick()
        runtime.publish()
        assert visit().status_code == 503
        assert visit(host="globex.example").status_code == 200
    tonight.refresh_from_db()
    assert (tonight.started_at, tonight.ended_at) == (None, None)
    assert SiteMaintenance.objects.get(pk=acme.pk).in_maintenance
    assert [row.in_maintenance for row in Transition.objects.all()] == [True]


@own_clock
@pytest.mark.parametrize("off", [DAY, -DAY], ids=["ahead", "behind"])
def test_verbs_by_wrong_clock_use_time_of_database(acme, globex, right, off):
    with time_machine.travel(off):
        take_down([acme])
        (window,) = windows.schedule(
            [globex], starts_at=right + MINUTE, ends_at=right + HOUR, actor="alice"
        )
        windows.start(window.pk)
        windows.end(window.pk)
        bring_up([acme])
    window.refresh_from_db()
    assert abs(window.started_at - right) < SLACK
    assert abs(window.ended_at - right) < SLACK
    assert all(abs(row.done_at - right) < SLACK for row in Transition.objects.all())


@own_clock
@pytest.mark.parametrize("off", [DAY, -DAY], ids=["ahead", "behind"])
def test_visitors_of_host_with_wrong_clock_get_right_answers(acme, right, visit, off):
    take_down([acme], until=right + HOUR)
    with time_machine.travel(off):
        runtime.publish()
        answer = visit()
        assert answer.status_code == 503
        assert abs(int(answer.headers["Retry-After"]) - 3600) < SLACK.total_seconds()
        bring_up([acme])
        assert visit().status_code == 200


@own_clock
@pytest.mark.parametrize("off", [DAY, -DAY], ids=["ahead", "behind"])
def test_command_by_wrong_clock_says_so_and_is_right(acme, right, off, capsys, caplog):
    from django.core.management import call_command

    with time_machine.travel(off):
        call_command("maintenance", "on", "acme.example", "--for", "1h")
        call_command("maintenance", "status")
    window = MaintenanceWindow.objects.get()
    assert abs(window.ends_at - right - HOUR) < SLACK
    side = "ahead of" if off > timedelta(0) else "behind"
    sentence = f"This host's clock is 86400 s {side} the database's: check NTP."
    assert sentence in capsys.readouterr().out
    assert caplog.text.count(sentence) == 1


def test_clock_within_tolerance_is_not_reported(transactional_db, settings, caplog):
    settings.MAINTENANCE_CLOCK_TOLERANCE = 60
    with time_machine.travel(timedelta(seconds=50)):
        tick()
    assert "clock" not in caplog.text


@own_clock
def test_slow_answer_is_no_wrong_clock(right):
    before = clock.off()
    now = datetime.now(UTC)
    clock.observe(now - timedelta(seconds=5), sent=now - timedelta(seconds=9))
    assert clock.off() == before


@own_clock
def test_step_of_clock_between_two_readings_changes_nothing(right):
    before = clock.now()
    with time_machine.travel(DAY):
        assert abs(clock.now() - before) < timedelta(seconds=2)


def test_stopped_clock_counts_where_a_test_says_so(transactional_db):
    with clock.hosts_clock(), time_machine.travel(datetime(2029, 11, 4, 2, tzinfo=UTC), tick=False):
        assert clock.now() == clock.ask() == datetime(2029, 11, 4, 2, tzinfo=UTC)
