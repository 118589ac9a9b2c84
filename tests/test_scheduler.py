"""`maintenance scheduler` without Celery, and reports of each kind of scheduler."""

import json
import logging
import signal
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from threading import Thread

import pytest
from django.core.checks import run_checks
from django.core.management import call_command

from maintenance_windows.models import MaintenanceWindow, Scheduler, SiteMaintenance, WindowSeries
from maintenance_windows.planning import series
from maintenance_windows.reconcile.loop import Loop
from tests.helpers.brokers import redis_server
from tests.helpers.fleet import Fleet, new_database
from tests.helpers.services import require_postgresql
from tests.helpers.times import HOUR, MINUTE, SECOND, TWO
from tests.test_outage import Outage, logged_warnings, outage

__all__ = ["outage"]  # a fixture


def status(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    call_command("maintenance", "status", *options)
    return capsys.readouterr().out


def tick_by_celery() -> None:
    from maintenance_windows import tasks

    tasks.tick()


@pytest.mark.parametrize(
    ("kind", "ticks"),
    [
        pytest.param("celery", tick_by_celery, marks=pytest.mark.needs("celery")),
        ("cron", lambda: call_command("maintenance", "tick")),
        ("scheduler", lambda: call_command("maintenance", "scheduler", "--once")),
    ],
)
def test_status_names_kind_of_scheduler(browser, at, capsys, kind, ticks):
    ticks()
    assert json.loads(status(capsys, "--json"))["scheduler"]["kind"] == kind
    assert f"Scheduler: last run 0 s ago, {kind}." in status(capsys)
    assert "Scheduler OK" in browser.get("/admin/maintenance_windows/").text


def test_scheduler_once_creates_windows_of_series(acme, at):
    WindowSeries.objects.create(
        site=acme,
        rule="FREQ=DAILY",
        starts_on=TWO.date(),
        start_time=TWO.time(),
        zone="UTC",
        length=HOUR,
    )
    at(TWO)
    call_command("maintenance", "scheduler", "--once")
    assert MaintenanceWindow.objects.count() > 30
    assert SiteMaintenance.objects.get(pk=acme.pk).in_maintenance


def w020() -> list[str]:
    found = run_checks(tags=["maintenance_windows"], databases=["default"])
    return [message.msg for message in found if message.id.endswith("W020")]


@pytest.mark.needs("celery")
def test_check_w020_reports_stopped_scheduler(browser, at, capsys):
    assert w020() == []
    tick_by_celery()
    at(TWO + MINUTE)
    assert w020() == [
        "The scheduler is not running: it last ran with Celery at 2029-11-04T01:00:00Z."
    ]
    call_command("maintenance", "tick")
    assert w020() == []


def test_check_w020_and_status_report_unconsumed_queue(browser, at, capsys):
    Scheduler.objects.update(is_unconsumed=True)
    assert w020() == [
        "Beat runs, but no worker consumes its queue maintenance: flags are not updated."
    ]
    assert "Scheduler: beat runs, but no worker consumes its queue." in status(capsys)
    assert json.loads(status(capsys, "--json"))["scheduler"]["consumed"] is False
    call_command("maintenance", "tick")
    assert w020() == []
    assert "last run 0 s ago" in status(capsys)


@pytest.mark.needs("django_celery_beat")
def test_check_w001_ignores_disabled_tasks_with_other_scheduler(transactional_db):
    from django_celery_beat.models import PeriodicTask

    PeriodicTask.objects.all().update(enabled=False)
    found = lambda: run_checks(tags=["maintenance_windows"], databases=["default"])  # noqa: E731
    assert {message.id for message in found()} == {"maintenance_windows.W001"}
    call_command("maintenance", "scheduler", "--once")
    assert found() == []
    tick_by_celery()  # within the two seconds for which one tick stands
    Scheduler.objects.update(kind="celery")
    assert {message.id for message in found()} == {"maintenance_windows.W001"}


def test_loop_survives_database_outage_and_logs_two_lines(acme, plan, outage: Outage, caplog):
    loop = Loop(hourly=series.materialise)
    running = Thread(target=loop.run)
    running.start()
    try:
        ticked = until_ticked(None)
        with outage():
            time.sleep(2.5)
        assert until_ticked(ticked) > ticked
    finally:
        loop.stopping.set()
        running.join(5)
    assert not running.is_alive()
    assert logged_warnings(caplog) == [
        "The tick failed; the next one retries: the database is away",
        "The tick works again.",
    ]


def test_loop_survives_a_logging_filter_that_raises(acme, outage: Outage):
    def needs_request(record: logging.LogRecord) -> bool:
        raise AttributeError("request_id")

    def unmade() -> None:
        raise ValueError

    logger = logging.getLogger("maintenance_windows")
    logger.addFilter(needs_request)
    loop = Loop(hourly=unmade)
    running = Thread(target=loop.run)
    running.start()
    try:
        ticked = until_ticked(None)
        with outage():
            time.sleep(1.5)
        assert until_ticked(ticked) > ticked
        names = {thread.name for thread in threading.enumerate()}
        assert {"maintenance-tick", "maintenance-hourly"} <= names
    finally:
        logger.removeFilter(needs_request)
        loop.stopping.set()
        running.join(5)


def until_ticked(before: datetime | None) -> datetime:
    deadline = time.monotonic() + 10
    while (last := Scheduler.objects.get().last_tick) in (None, before):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return last


@pytest.fixture(params=["sqlite", "postgresql"])
def fleet(request, tmp_path) -> Iterator[Fleet]:
    server = require_postgresql() if request.param == "postgresql" else ""
    with new_database(tmp_path, server) as url, Fleet(tmp_path, url) as fleet:
        fleet.migrate(3)
        yield fleet


LAST_TICK = "SELECT last_tick FROM maintenance_windows_scheduler"
PLAN = """
from datetime import timedelta
from django.contrib.sites.models import Site
from django.utils import timezone
from maintenance_windows.planning import windows
first = timezone.now() + timedelta(seconds=2.25)
for number, site in enumerate(Site.objects.filter(domain__startswith="s")):
    for step in range(6):
        start = first + timedelta(seconds=number * 0.37 + step * 2)
        windows.schedule([site], starts_at=start, ends_at=start + timedelta(seconds=1))
"""


@pytest.mark.slow
def test_flags_are_on_time_without_celery(fleet, capsys):
    fleet.start_scheduler(copies=2)  # any number may run
    fleet.manage("shell", "--verbosity=0", f"--command={PLAN}")
    fleet.until(lambda: len(fleet.transitions()) == 36)
    late = [as_time(done) - as_time(due) for _, _, due, done in fleet.transitions()]
    with capsys.disabled():
        middle, most = (value / SECOND * 1000 for value in (statistics.median(late), max(late)))
        print(f"\n{fleet.database_url[:8]}: {middle:.1f} ms late (median), {most:.1f} ms (most)")
    assert min(late) >= timedelta(0)
    assert statistics.median(late) < SECOND / 10


def as_time(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_scheduler_stops_within_two_seconds_while_database_hangs(tmp_path, number):
    with new_database(tmp_path) as url, Fleet(tmp_path, url) as fleet:
        fleet.migrate()
        fleet.start_scheduler()
        fleet.until(lambda: fleet.query(LAST_TICK)[0][0])
        with fleet.connection() as connection:
            connection.execute("BEGIN EXCLUSIVE")  # for which a tick waits 20 seconds
            time.sleep(1.5)
            fleet.running["scheduler0"].send_signal(number)
            assert fleet.running["scheduler0"].wait(2) == 0
        assert fleet.log("scheduler0").splitlines() == [
            "The scheduler runs every second until SIGTERM or Ctrl-C.",
            "The scheduler has stopped.",
        ]


@pytest.fixture
def without(tmp_path, monkeypatch) -> Callable[..., None]:
    """Hides packages from the processes of this test, as if they were not installed."""

    def without(*names: str) -> None:
        lines = [f"sys.modules[{name!r}] = None" for name in names]
        (tmp_path / "sitecustomize.py").write_text("\n".join(["import sys", *lines]))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return without


IMPORT_ALL = """
from pkgutil import walk_packages
import maintenance_windows
for found in walk_packages(maintenance_windows.__path__, "maintenance_windows."):
    if found.name != "maintenance_windows.tasks":
        __import__(found.name)
"""


@pytest.mark.slow
def test_scheduler_works_without_celery(tmp_path, without):
    without("celery", "django_celery_beat", "kombu")
    with new_database(tmp_path) as url, Fleet(tmp_path, url) as fleet:
        fleet.migrate()
        fleet.manage("shell", "--verbosity=0", f"--command={IMPORT_ALL}")
        assert "no issues" in fleet.manage("check", "--database=default")
        fleet.start_web()
        fleet.start_scheduler()
        fleet.wait()
        assert "s ago, scheduler." in fleet.manage("maintenance", "status")


@pytest.mark.slow
@pytest.mark.needs("celery")
def test_worker_works_without_django_celery_beat(tmp_path, without):
    without("django_celery_beat")
    with (
        new_database(tmp_path) as url,
        redis_server(tmp_path) as redis_url,
        Fleet(tmp_path, url, redis_url) as fleet,
    ):
        fleet.migrate()
        fleet.start_embedded()
        fleet.until(lambda: fleet.query(LAST_TICK)[0][0])
        fleet.stop("worker")
        with fleet.connection() as connection:
            connection.execute("UPDATE maintenance_windows_scheduler SET last_tick = NULL")
        fleet.start_celery()
        fleet.until(lambda: fleet.query(LAST_TICK)[0][0])
        assert fleet.query("SELECT kind FROM maintenance_windows_scheduler") == [("celery",)]
