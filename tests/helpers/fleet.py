"""Real processes on a database of their own: web, worker and beat, embedded or over Redis."""

import atexit
import os
import secrets
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from project.probe import ask
from project.processes import Processes, free_port

START_UP = 30.0  # seconds


class Fleet(Processes):
    """Sites s0.example, s1.example, … behind one gunicorn, with their scheduler."""

    def __init__(self, folder: Path, database_url: str, redis_url: str = "") -> None:
        self.port = free_port()
        self.database_url = database_url
        env = {
            "ALLOWED_HOSTS": ".example",
            "DATABASE_URL": database_url,
            "DEBUG": "0",
            "REDIS_URL": redis_url,
            "SECRET_KEY": secrets.token_hex(32),
            "TIME_ZONE": "UTC",
        }
        super().__init__(folder, env)

    def migrate(self, sites: int = 1) -> None:
        """Give the empty database its tables and sites: a copy of one that was made like that."""
        chosen, split = self.env.get("DJANGO_SETTINGS_MODULE", ""), urlsplit(self.database_url)
        original = COPIED.get(key := (chosen, split.scheme, split.netloc, sites))
        if original:
            copy_database(original, self.database_url)
            return
        self.migrate_in_place(sites)
        COPIED[key] = kept_copy(self.database_url)

    def migrate_in_place(self, sites: int = 1) -> None:
        """The same by the commands themselves: on any server, and while processes use it."""
        self.manage("migrate", "--verbosity=0")
        self.manage(
            "shell",
            "--verbosity=0",
            "--command=from django.contrib.sites.models import Site\n"
            f"for n in range({sites}): Site.objects.create(domain=f's{{n}}.example')",
        )

    def start_web(self) -> None:
        bind = f"--bind=127.0.0.1:{self.port}"
        self.start("web", "gunicorn", "--workers=2", bind, "project.wsgi")
        self.wait("/healthz")

    def start_embedded(self) -> None:
        self.start("worker", "worker")

    def start_celery(self, copies: int = 1) -> None:
        for number in range(copies):
            node = f"--hostname=w{number}@%h"
            self.start(
                f"worker{number}", "celery", "-A", "worker", "worker", node,
                "--without-gossip", "--without-mingle",
            )  # fmt: skip
            self.start(f"beat{number}", "celery", "-A", "worker", "beat", "--pidfile=")

    def start_scheduler(self, copies: int = 1) -> None:
        self.env["DJANGO_SETTINGS_MODULE"] = "project.settings"
        for number in range(copies):
            self.start(f"scheduler{number}", "django", "maintenance", "scheduler")

    def wait(self, path: str = "/readyz") -> None:
        """Wait until the web server responds with 200."""
        self.until(lambda: ask(self.port, "s0.example", path).status == 200)

    def until(self, condition: Callable[[], object]) -> float:
        """Wait until this is so; the monotonic time then."""
        deadline = time.monotonic() + START_UP
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("\n".join(f"{name}:\n{self.log(name)}" for name in self.running))
            time.sleep(0.02)
        return time.monotonic()

    def query(self, sql: str) -> list[tuple]:
        """Read the fleet's database, over a connection of its own."""
        with self.connection() as connection:
            return connection.execute(sql).fetchall()

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection | psycopg.Connection]:
        if self.database_url.startswith("sqlite"):
            path = self.database_url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path, isolation_level=None, timeout=20)) as connection:
                yield connection
        else:
            with psycopg.connect(self.database_url, autocommit=True) as connection:
                yield connection

    def transitions(self) -> list[tuple[str, bool, datetime, datetime]]:
        rows = self.query(
            "SELECT s.domain, t.in_maintenance, t.due_at, t.done_at"
            " FROM maintenance_windows_transition t JOIN django_site s ON s.id = t.site_id"
            " ORDER BY t.id"
        )
        return [(domain, bool(on), due, done) for domain, on, due, done in rows]


# Databases with tables and sites, by the settings, the server and the number of sites.
COPIED: dict[tuple[str, str, str, int], str] = {}


def kept_copy(url: str) -> str:
    """Copy a database for all of this process; the URL of the copy."""
    if url.startswith("sqlite"):
        folder = tempfile.mkdtemp(prefix="maintenance-fleet-")
        atexit.register(shutil.rmtree, folder)
        copy = f"sqlite:///{folder}/copy.sqlite3"
        copy_database(url, copy)
        return copy
    copy = f"{url}_copy"
    copy_database(url, copy)
    atexit.register(drop_database, copy)
    return copy


def copy_database(url: str, to: str) -> None:
    if url.startswith("sqlite"):
        shutil.copy(*(one.removeprefix("sqlite:///") for one in (url, to)))
        return
    drop_database(to)
    name, original = (urlsplit(one).path[1:] for one in (to, url))
    with server_of(to) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {original}")


def drop_database(url: str) -> None:
    with server_of(url) as server:
        server.execute(f"DROP DATABASE IF EXISTS {urlsplit(url).path[1:]} WITH (FORCE)")


def server_of(url: str) -> psycopg.Connection:
    return psycopg.connect(urlsplit(url)._replace(path="/postgres").geturl(), autocommit=True)


@contextmanager
def new_database(folder: Path, server: str = "") -> Iterator[str]:
    """The URL of an empty database: a SQLite file, or one on the server of that URL."""
    if not server.startswith("postgres"):
        yield f"sqlite:///{folder}/fleet.sqlite3"
        return
    name = f"maintenance_fleet_{os.getpid()}_{secrets.token_hex(2)}"
    url = urlsplit(server)._replace(path=f"/{name}").geturl()
    with server_of(url) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield url
    finally:
        drop_database(url)
