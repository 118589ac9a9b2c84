"""Real processes on a database of their own: web, worker and beat, embedded or over Redis."""

import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

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


@contextmanager
def new_database(folder: Path, server: str = "") -> Iterator[str]:
    """The URL of an empty database: a SQLite file, or one on the server of that URL."""
    if not server.startswith("postgres"):
        yield f"sqlite:///{folder}/fleet.sqlite3"
        return
    name = f"maintenance_fleet_{os.getpid()}_{secrets.token_hex(2)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
