"""Each trouble is one line when it begins and one when it ends, in each real process."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from project.processes import free_port
from tests.helpers.brokers import redis_server
from tests.helpers.fleet import Fleet, new_database
from tests.helpers.services import require_postgresql

pytestmark = [pytest.mark.slow, pytest.mark.needs("celery"), pytest.mark.any_database]

LASTS = 4.0  # seconds: beat and the worker try several times


@contextmanager
def new_lines(fleet: Fleet) -> Iterator[dict[str, list[str]]]:
    """What each process logs within the block, at any level."""
    before = {name: len(fleet.log(name)) for name in fleet.running}
    found: dict[str, list[str]] = {}
    yield found
    time.sleep(LASTS)
    found.update({name: fleet.log(name)[size:].splitlines() for name, size in before.items()})


def counts(found: dict[str, list[str]]) -> dict[str, int]:
    print(*(line for lines in found.values() for line in lines), sep="\n")
    return {name: len(lines) for name, lines in found.items()}


def test_redis_trouble_is_one_line_in_each_process(tmp_path):
    port = free_port()
    with (
        new_database(tmp_path) as database,
        Fleet(tmp_path, database, f"redis://127.0.0.1:{port}/0") as fleet,
    ):
        fleet.migrate()
        fleet.start_celery()
        fleet.start_web()
        with ExitStack() as running:
            url = running.enter_context(redis_server(tmp_path, port))
            fleet.wait()
            for limit in (1, 0):
                with new_lines(fleet) as found, redis.Redis.from_url(url) as client:
                    client.config_set("maxmemory", limit)
                logged = counts(found)
                assert logged["beat0"] == 1
                assert logged["worker0"] <= 1
                assert logged["web"] <= 2  # processes
            with new_lines(fleet) as found:
                running.close()
            assert counts(found) == {"worker0": 1, "beat0": 1, "web": 0}
            with new_lines(fleet) as found:
                running.enter_context(redis_server(tmp_path, port))
            assert counts(found) == {"worker0": 1, "beat0": 1, "web": 0}


def test_database_trouble_is_one_line_in_each_process(tmp_path):
    server = require_postgresql()
    with (
        redis_server(tmp_path) as url,
        new_database(tmp_path, server) as database,
        Fleet(tmp_path, database, url) as fleet,
        psycopg.connect(server, autocommit=True) as connection,
    ):
        name = urlsplit(database).path.lstrip("/")
        fleet.migrate()
        fleet.start_celery()
        fleet.start_web()
        fleet.wait()
        # The worker has two processes that tick, as web has two that answer.
        most = {"worker0": 2, "beat0": 1, "web": 2}
        for allowed in ("false", "true"):
            with new_lines(fleet) as found:
                connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}")
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    [name],
                )
            logged = counts(found)
            assert all(1 <= logged[process] <= most[process] for process in most), logged
