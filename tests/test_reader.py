"""The reader of the database: nothing ends it, and a late snapshot is caught up with."""

import logging
import os
import resource
import socket
import threading
import time
from contextlib import contextmanager, suppress

import psycopg
import pytest
from django.core import mail
from django.db import connection

from maintenance_windows.models import SiteMaintenance
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.snapshot import connection as snapshot_connection
from maintenance_windows.snapshot import reading, refresher, runtime
from maintenance_windows.snapshot.connection import CHANNEL
from tests.helpers.services import require_postgresql

TABLE = SiteMaintenance._meta.db_table
FLAG = f"UPDATE {TABLE} SET in_maintenance = %s, until = NULL"
# The sessions that wait for a lock on sites.
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND wait_event_type = 'Lock' AND query LIKE '%django_site%'"
)
LIMIT = 5.0  # seconds: generous, as machines are noisy


def becomes(wanted: bool, within: float = LIMIT) -> bool:
    """Whether the snapshot of this process gets there: to a site that is down, or to none."""
    deadline = time.monotonic() + within
    while bool(runtime.current()) is not wanted and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(runtime.current()) is wanted


def write_flag(*, down: bool) -> None:
    """By SQL, which tells this process nothing."""
    with connection.cursor() as cursor:
        cursor.execute(FLAG, [down])


class NeedsRequest(logging.Filter):
    """A filter of a project that needs a request, which the reader's thread has not."""

    def filter(self, record):
        raise AttributeError("request_id")


def test_reader_survives_a_logging_filter_that_raises(acme):
    assert not runtime.current()
    logger, broken = logging.getLogger(reading.__name__), NeedsRequest()
    logger.addFilter(broken)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {TABLE} RENAME TO elsewhere")
        try:
            time.sleep(1.2)
        finally:
            with connection.cursor() as cursor:
                cursor.execute(f"ALTER TABLE elsewhere RENAME TO {TABLE}")
    finally:
        logger.removeFilter(broken)
    write_flag(down=True)
    assert becomes(True)


class Shortage:
    """No thread of ours can be started while it is `on`, as with TasksMax= or RLIMIT_NPROC."""

    on = False


@pytest.fixture
def shortage(monkeypatch):
    start = threading.Thread.start

    def start_if_possible(thread):
        if Shortage.on and "maintenance" in thread.name + repr(thread._target):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_if_possible)
    yield Shortage
    Shortage.on = False


def test_process_without_threads_answers_and_follows_afterwards(acme, shortage, visit, monkeypatch):
    monkeypatch.setattr(refresher, "FIRST_WAIT", 1.0)
    shortage.on = True
    assert visit().status_code == 200
    write_flag(down=True)
    time.sleep(refresher.LATE + 0.1)
    if not visit.is_async:  # an event loop may not wait for a database
        assert visit().status_code == 503
    shortage.on = False
    assert becomes(True)
    assert visit().status_code == 503


def test_shortage_of_threads_does_not_end_a_running_reader(acme, shortage, visit):
    assert visit().status_code == 200
    shortage.on = True
    take_down([acme])
    assert visit().status_code == 503
    shortage.on = False
    bring_up([acme])
    assert visit().status_code == 200


def test_late_snapshot_is_caught_up_with_before_the_answer(acme, visit, monkeypatch):
    """As after a process was frozen: the thread has not run, and a request is there."""
    assert visit().status_code == 200
    monkeypatch.setattr(refresher, "INTERVAL", 60.0)
    take_down([acme])  # has the thread read, which then sleeps for a minute
    write_flag(down=False)
    runtime._refresher.late_at = 0.0
    assert visit().status_code == 200


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_reader_of_another_process_is_replaced(acme, visit):
    """A server written in C forks without telling Python: the process id alone differs."""
    assert visit().status_code == 200
    inherited = runtime._refresher
    inherited.pid = -1
    write_flag(down=True)
    assert visit().status_code == 503
    assert runtime._refresher is not inherited
    inherited.stop()


def postgresql() -> psycopg.Connection:
    require_postgresql()
    settings = connection.settings_dict
    return psycopg.connect(
        host=settings["HOST"], port=settings["PORT"] or None, user=settings["USER"],
        password=settings["PASSWORD"] or None, dbname=settings["NAME"], autocommit=True,
    )  # fmt: skip


@pytest.fixture
def kept(monkeypatch):
    """The reader keeps its connection, which it closes under a test runner."""
    monkeypatch.delattr(mail, "outbox")
    yield
    runtime.forget()


def test_notification_is_followed_without_polling(acme, monkeypatch, kept):
    monkeypatch.setattr(refresher, "INTERVAL", 60.0)
    with postgresql() as other:
        assert not runtime.current()
        other.execute(FLAG, [True])
        other.execute(f"NOTIFY {CHANNEL}")
        runtime._refresher.late_at = float("inf")
        assert becomes(True)


def test_verbs_notify_in_their_transaction(acme):
    with postgresql() as other:
        other.execute(f"LISTEN {CHANNEL}")
        take_down([acme])
        assert [one.channel for one in other.notifies(timeout=LIMIT, stop_after=1)] == [CHANNEL]


def test_change_during_a_reading_is_followed_without_polling(acme, globex, monkeypatch, kept):
    """Its notification comes with the answer to a statement, and the socket is quiet afterwards."""
    monkeypatch.setattr(refresher, "INTERVAL", 60.0)
    take_down([globex])
    with postgresql() as other, postgresql() as third:
        assert runtime.current().of(acme.pk) is None
        runtime._refresher.late_at = float("inf")
        with other.transaction():
            other.execute("LOCK TABLE django_site IN ACCESS EXCLUSIVE MODE")
            third.execute(f"NOTIFY {CHANNEL}")
            while not third.execute(WAITING).fetchone()[0]:
                time.sleep(0.005)
            third.execute(FLAG, [True])  # after the reading has looked for sites that are down
            third.execute(f"NOTIFY {CHANNEL}")
        deadline = time.monotonic() + LIMIT
        while runtime.current().of(acme.pk) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert runtime.current().of(acme.pk) is not None


def test_reader_goes_on_without_free_file_descriptors(acme, kept):
    with postgresql() as other:
        assert not runtime.current()
        time.sleep(0.1)
        with no_free_descriptors():
            time.sleep(2.2)  # a reading each second
            other.execute(FLAG, [True])
            assert becomes(True)


@contextmanager
def no_free_descriptors():
    """As in a server with more clients than it may have: what is closed is taken at once."""
    held: list[socket.socket] = []
    over = threading.Event()

    def take_all() -> None:
        while not over.wait(0.001):
            with suppress(OSError):
                while not over.is_set():
                    held.append(socket.socket())

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, limits[1]))
    taker = threading.Thread(target=take_all)
    taker.start()
    try:
        yield
    finally:
        over.set()
        taker.join()
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for one in held:
            one.close()


def test_server_that_refuses_to_listen_is_read_all_the_same(acme, monkeypatch, kept):
    """As a hot standby does: "cannot execute LISTEN during recovery"."""
    require_postgresql()
    monkeypatch.setattr(snapshot_connection, "CHANNEL", "refused.by.the.server")
    assert not runtime.current()
    write_flag(down=True)
    assert becomes(True)
    assert runtime.database_answers()


def test_age_is_unknown_until_the_database_has_answered(acme):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} RENAME TO elsewhere")
    try:
        runtime.current()
        assert runtime.snapshot_age() is None
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE elsewhere RENAME TO {TABLE}")
    assert becomes_known()


def becomes_known() -> bool:
    deadline = time.monotonic() + LIMIT
    while runtime.snapshot_age() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    return runtime.snapshot_age() is not None


def test_many_changes_cause_few_readings(acme, kept):
    with postgresql() as other:
        assert not runtime.current()
        begun = runtime._refresher._begun
        for _ in range(300):
            other.execute(f"NOTIFY {CHANNEL}")
        time.sleep(1.0)
        assert runtime._refresher._begun - begun < 150


def test_ended_sessions_are_replaced_at_once(acme, kept):
    with postgresql() as other:
        assert not runtime.current()
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND query LIKE '%maintenance_windows%' AND usename = current_user"
        )
        other.execute(FLAG, [True])
        assert becomes(True)


def test_reader_gives_up_where_others_hold_a_lock(acme, kept):
    """A flush or a migration goes on: the reader is the one that waits, and gives up."""
    with postgresql() as other:
        assert not runtime.current()
        with other.transaction():
            other.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
            time.sleep(1.0)
            waiting = other.execute(
                "SELECT max(extract(epoch from clock_timestamp() - query_start))"
                " FROM pg_stat_activity WHERE datname = current_database()"
                " AND wait_event_type = 'Lock'"
            ).fetchone()[0]
            assert waiting is None or waiting < 0.9
        other.execute(FLAG, [True])
        assert becomes(True)


def test_autocommit_and_pool_of_the_project_do_not_matter(acme, monkeypatch):
    require_postgresql()
    settings = connection.settings_dict
    monkeypatch.setitem(settings, "AUTOCOMMIT", False)
    monkeypatch.setitem(settings["OPTIONS"], "pool", {"min_size": 1, "max_size": 1})
    assert not runtime.current()
    own = runtime._refresher._own._connection
    assert own is None or own.settings_dict["AUTOCOMMIT"]
    monkeypatch.undo()
    write_flag(down=True)
    assert becomes(True)
