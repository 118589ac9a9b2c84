"""Beat's queue: it stays small, whether or not a worker consumes it."""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
import redis
import time_machine
from celery import Celery
from celery.beat import PersistentScheduler, Scheduler, Service
from celery.contrib.testing.worker import start_worker
from celery.signals import beat_init

from maintenance_windows import tasks
from maintenance_windows.beat import MATERIALISE_TASK, QUEUE, SCHEDULE, TICK_TASK
from maintenance_windows.models import Scheduler as SchedulerRow
from project.processes import Processes, free_port
from tests.helpers.brokers import AMQP_URL, BROKERS, HOST, app_of, broker, redis_server, waiting
from tests.helpers.fleet import Fleet, new_database
from worker.scheduler import FastReconnectScheduler, MemoryScheduler

HANDFUL = 5
BEAT = pytest.mark.needs("django_celery_beat")
Make = Callable[[Celery, Path], Scheduler]


def logged_warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


@pytest.fixture(autouse=True)
def _nothing_said() -> Iterator[None]:
    """Resets what BoundedTask remembers of earlier tests."""
    yield
    tasks.BoundedTask.complaints.now({})
    tasks.BoundedTask.idle_since, tasks.BoundedTask.word_is_left = None, False


@pytest.fixture
def app_log() -> Iterator[list[str]]:
    """The log of this app; a worker in this process would remove the handler of caplog."""
    texts: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: texts.append(record.getMessage())
    logger = logging.getLogger("maintenance_windows")
    logger.addHandler(handler)
    yield texts
    logger.removeHandler(handler)


def persistent(app: Celery, folder: Path) -> Scheduler:
    app.conf.beat_schedule |= SCHEDULE
    return PersistentScheduler(app, schedule_filename=str(folder / "schedule"))


def in_memory(app: Celery, folder: Path) -> Scheduler:
    app.conf.beat_schedule |= SCHEDULE
    return MemoryScheduler(app)


def plain_database(app: Celery, folder: Path) -> Scheduler:
    from django_celery_beat.schedulers import DatabaseScheduler

    return DatabaseScheduler(app)


def our_database(app: Celery, folder: Path) -> Scheduler:
    return FastReconnectScheduler(app)


def beat(scheduler: Scheduler, times: int) -> None:
    """Apply all of our entries `times` times, as ticks of beat do."""
    for _ in range(times):
        entries = [entry for entry in scheduler.schedule.values() if entry.task in SCHEDULE]
        assert len(entries) == len(SCHEDULE)
        for entry in entries:
            scheduler.apply_entry(entry, producer=scheduler.producer)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", BROKERS)
@pytest.mark.parametrize(
    "make",
    [
        persistent,
        in_memory,
        pytest.param(plain_database, marks=BEAT),
        pytest.param(our_database, marks=BEAT),
    ],
)
def test_unconsumed_queue_holds_at_most_a_handful_of_messages(make: Make, kind, tmp_path, caplog):
    with broker(kind, tmp_path) as url:
        app = app_of(url)
        scheduler = make(app, tmp_path)
        beat(scheduler, 60)
        assert 1 <= waiting(app) <= HANDFUL
        scheduler.close()
    assert logged_warnings(caplog) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.needs("django_celery_beat")
def test_rows_and_schedule_share_entries(tmp_path):
    """A project with both kinds of entries sends each message once."""
    from django_celery_beat.models import PeriodicTask

    app = app_of("memory://")
    app.conf.beat_schedule |= SCHEDULE
    scheduler = plain_database(app, tmp_path)
    assert {TICK_TASK, MATERIALISE_TASK} <= set(scheduler.schedule)
    assert PeriodicTask.objects.filter(task__in=SCHEDULE).count() == len(SCHEDULE)


@pytest.mark.parametrize("make", [persistent, in_memory])
def test_messages_have_queue_and_no_expiry(make: Make, tmp_path):
    with broker("memory", tmp_path) as url:
        app = app_of(url)
        scheduler = make(app, tmp_path)
        beat(scheduler, 1)
        with app.connection_for_read() as connection:
            message = connection.default_channel.basic_get(QUEUE, no_ack=True)
        assert message.headers["expires"] is None
        assert message.headers["task"] in SCHEDULE
        scheduler.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("when", ["while it runs", "after a restart"])
@pytest.mark.parametrize(
    "make",
    [
        persistent,
        in_memory,
        pytest.param(plain_database, marks=BEAT),
        pytest.param(our_database, marks=BEAT),
    ],
)
def test_beat_ticks_at_once_when_its_clock_is_right_again(make: Make, when, tmp_path):
    """Beat keeps the time of the last run in memory, and in its file or in the database."""
    with broker("memory", tmp_path) as url:

        def started() -> Scheduler:
            scheduler = make(app_of(url), tmp_path)
            service = Service(scheduler.app)
            service.scheduler = scheduler
            beat_init.send(sender=service)
            return scheduler

        with time_machine.travel(timedelta(days=1)):
            scheduler = started()
            passes(scheduler)
            scheduler.sync()
        if when == "after a restart":
            scheduler.close()
            scheduler = started()
        sent: list[str] = []
        scheduler.apply_entry = lambda entry, **_: sent.append(entry.task)
        passes(scheduler)
        scheduler.close()
        assert TICK_TASK in sent


def passes(scheduler: Scheduler) -> None:
    """Let beat pass as often as it does in a second, without its sleep."""
    for _ in range(12):
        scheduler.tick()


def test_beat_without_file_sends_hourly_task_at_start(tmp_path):
    scheduler = in_memory(app_of("memory://"), tmp_path)
    assert all(entry.is_due().is_due for entry in scheduler.schedule.values())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", BROKERS)
def test_unconsumed_queue_logs_start_and_end_once(kind, tmp_path, app_log, monkeypatch):
    monkeypatch.setattr(tasks, "PATIENCE", 0.0)
    with broker(kind, tmp_path) as url:
        app = app_of(url)
        scheduler = persistent(app, tmp_path)
        beat(scheduler, 6)
        assert SchedulerRow.objects.get().is_unconsumed
        with start_worker(app, perform_ping_check=False, queues=[QUEUE], pool="solo"):
            deadline = time.monotonic() + 20
            while SchedulerRow.objects.get().is_unconsumed or waiting(app):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            beat(scheduler, 1)
        scheduler.close()
    assert [text for text in app_log if "queue" in text and "Dropped" not in text] == [
        "No worker consumes the queue maintenance; beat sends nothing until one does. "
        "Start a worker with -Q maintenance.",
        "Beat's messages reach the queue again.",
    ]


def test_unavailable_broker_logs_start_and_end_once(tmp_path, caplog):
    port = free_port()
    app = app_of(f"redis://127.0.0.1:{port}/0")
    with redis_server(tmp_path, port):
        scheduler = persistent(app, tmp_path)
        beat(scheduler, 1)
    beat(scheduler, 3)
    with redis_server(tmp_path, port):
        beat(scheduler, 2)
        assert waiting(app)
    scheduler.close()
    away, again = logged_warnings(caplog)
    assert away.startswith("Beat cannot send maintenance_windows.tasks.")
    assert again == "Beat's messages reach the queue again."
    assert not [record for record in caplog.records if record.exc_info]


def test_beat_starting_before_broker_logs_two_lines(tmp_path, caplog):
    port = free_port()
    scheduler = MemoryScheduler(app_of(f"redis://127.0.0.1:{port}/0"))
    connecting = Thread(target=lambda: scheduler.producer)
    connecting.start()
    time.sleep(1.8)  # beat retries every half second
    with redis_server(tmp_path, port):
        connecting.join(10)
        scheduler.close()
    away, back = logged_warnings(caplog)
    assert away.startswith("The broker is unreachable; retrying every half second: ")
    assert back == "Connected to the broker."


def test_full_broker_logs_start_and_end_once(tmp_path, caplog):
    with redis_server(tmp_path) as url:
        app = app_of(url)
        scheduler = persistent(app, tmp_path)
        with redis.Redis.from_url(url) as client:
            client.config_set("maxmemory", 1)
            beat(scheduler, 3)
            client.config_set("maxmemory", 0)
        beat(scheduler, 1)
        scheduler.close()
    full, again = logged_warnings(caplog)
    assert "maxmemory" in full
    assert again == "Beat's messages reach the queue again."


def test_eager_task_ticks(transactional_db):
    app = app_of("memory://")
    app.conf.task_always_eager = True
    app.tasks[TICK_TASK].apply_async()
    assert SchedulerRow.objects.get().kind == "celery"


def stale(client: redis.Redis, app: Celery, count: int) -> None:
    """Queue `count` ticks, as an older version left behind while no worker ran."""
    app.tasks[TICK_TASK].apply_async()
    message = client.lpop(QUEUE)
    for _ in range(count // 1000):
        client.lpush(QUEUE, *[message] * 1000)


def test_worker_drops_only_its_own_stale_messages(tmp_path, app_log):
    with redis_server(tmp_path) as url, redis.Redis.from_url(url) as client:
        app = app_of(url)
        client.lpush(QUEUE, '{"headers": {"task": "yours.sweep"}}')
        stale(client, app, 3000)
        tasks.drop_stale(app.WorkController(queues=["celery"], pool="solo"))
        assert client.llen(QUEUE) == 3001
        worker = app_of(url).WorkController(queues=[QUEUE], pool="solo")
        tasks.drop_stale(worker)
        assert client.llen(QUEUE) == 3001  # the oldest message is not ours
        client.rpop(QUEUE)
        tasks.drop_stale(worker)
        assert client.llen(QUEUE) == 0
    assert app_log == ["Dropped 3000 stale messages from the queue maintenance."]


@pytest.mark.slow
@pytest.mark.parametrize("is_full", [pytest.param(False, marks=pytest.mark.nightly), True])
def test_returning_worker_ticks_despite_100_000_stale_messages(tmp_path, is_full, capsys):
    with (
        new_database(tmp_path) as database,
        redis_server(tmp_path) as url,
        redis.Redis.from_url(url) as client,
        Fleet(tmp_path, database, url) as fleet,
    ):
        fleet.migrate()
        stale(client, app_of(url), 100_000)
        client.delete(f"_kombu.binding.{QUEUE}")
        if is_full:
            client.config_set("maxmemory", client.info("memory")["used_memory"] - 1)
        fleet.start_celery()
        dropped = fleet.until(lambda: client.llen(QUEUE) < 100)
        ticked = fleet.until(
            lambda: fleet.query("SELECT last_tick FROM maintenance_windows_scheduler")[0][0]
        )
        time.sleep(2)
        assert fleet.log("worker0").count("Dropped 100000 stale messages") == 1
        assert len(fleet.log("worker0")) < 10_000
        assert len(fleet.log("beat0")) < 3_000
    with capsys.disabled():
        print(f"\nfirst tick {ticked - dropped:.2f} s after the queue was emptied")
    assert ticked - dropped < 10


def run_beats(
    folder: Path, broker_of: dict[str, tuple[str, list[str]]], seconds: float
) -> list[str]:
    """Run one beat per broker for some seconds; return their logs."""
    (folder / "host.py").write_text(HOST)
    env = {"SECRET_KEY": "x" * 50, "PYTHONPATH": str(folder), "PLAIN": ""}
    with new_database(folder) as url, Processes(folder, env | {"DATABASE_URL": url}) as processes:
        processes.manage("migrate", "--verbosity=0")
        for name, (broker_url, arguments) in broker_of.items():
            processes.env |= {"BROKER": broker_url, "PLAIN": "1" if name == "persistent" else ""}
            schedule = ["--schedule", str(folder / name)]
            common = ["celery", "-A", "host", "beat", "--pidfile=", *schedule]
            processes.start(name, *common, *arguments)
        time.sleep(seconds)
        return [processes.log(name) for name in broker_of]


DATABASE = ["--scheduler", "django_celery_beat.schedulers:DatabaseScheduler"]
OURS = ["--scheduler", "worker.scheduler:FastReconnectScheduler"]


@pytest.mark.slow
@pytest.mark.needs("django_celery_beat")
def test_beats_of_every_kind_keep_redis_small(tmp_path):
    with redis_server(tmp_path) as first:
        brokers = {
            "persistent": (first, []),
            "database": (first.replace("/0", "/1"), DATABASE),
            "ours": (first.replace("/0", "/2"), OURS),
        }
        logs = run_beats(tmp_path, brokers, 20)
        for (broker_url, _), log in zip(brokers.values(), logs, strict=True):
            with redis.Redis.from_url(broker_url) as client:
                assert 1 <= client.llen(QUEUE) <= HANDFUL
            assert log.count("No worker consumes the queue") == 1
            assert "Traceback" not in log


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.needs("django_celery_beat")
def test_beats_of_every_kind_keep_rabbitmq_small(tmp_path):
    if not AMQP_URL:
        pytest.skip("AMQP_URL is not set")
    with broker("amqp", tmp_path) as url:
        brokers = {"persistent": (url, []), "database": (url, DATABASE), "ours": (url, OURS)}
        logs = run_beats(tmp_path, brokers, 20)
        assert 1 <= waiting(app_of(url)) <= HANDFUL * len(brokers)
        for log in logs:
            assert log.count("No worker consumes the queue") == 1
            assert "Traceback" not in log
