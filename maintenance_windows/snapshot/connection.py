"""The reader's own database connection, and the notifications that arrive on it."""

import selectors
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.db import connections

CHANNEL = "maintenance_windows"
# Where a statement of ours meets a flush or a migration, ours gives up and the other goes on.
SESSION = {
    "postgresql": "SET lock_timeout = '250ms'; SET statement_timeout = '5s'",
    "mysql": "SET SESSION lock_wait_timeout = 1, innodb_lock_wait_timeout = 1",
}


class OwnConnection:
    """A connection that requests do not share: from no pool, in autocommit, kept until an error.

    It has the project's settings otherwise. Only one thread may use it at a time.
    """

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._connection: Any = None
        self._inode: int | None = None
        self._woken = threading.Event()
        self._sockets: tuple[socket.socket, socket.socket] | None = None

    @contextmanager
    def active(self) -> Iterator[None]:
        """Have the queries of this thread use this connection."""
        if self._connection is not None and self._inode != self._inode_now():
            self.close()  # another file lies where the SQLite database was
        if self._connection is None:
            self._connection = self._make()
        before = connections[self._alias]
        connections[self._alias] = self._connection
        try:
            self._prepare()
            yield
        finally:
            connections[self._alias] = before

    def _make(self) -> Any:
        made = connections.create_connection(self._alias)
        options = {k: v for k, v in made.settings_dict["OPTIONS"].items() if k != "pool"}
        made.settings_dict = made.settings_dict | {
            "ATOMIC_REQUESTS": False,
            "AUTOCOMMIT": True,
            "CONN_HEALTH_CHECKS": False,
            "CONN_MAX_AGE": None,
            "OPTIONS": options,
        }
        made.inc_thread_sharing()  # without threads to start, requests read by it in turn
        return made

    def _prepare(self) -> None:
        """Connect where there is no connection, and set up the session."""
        connection = self._connection
        if connection.connection is not None:
            return
        connection.connect()
        self._inode = self._inode_now()
        if connection.vendor == "postgresql" and not _is_direct(connection.connection):
            return  # a pooler hands the session on to others, with all that was set
        if sql := SESSION.get(connection.vendor):
            with connection.cursor() as cursor:
                cursor.execute(sql)
        if connection.vendor == "postgresql" and _can_wait(connection.connection):
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {CHANNEL}")
            self._sockets = socket.socketpair()
            for end in self._sockets:
                end.settimeout(0)

    def _inode_now(self) -> int | None:
        """The file of an SQLite database, which somebody may have replaced."""
        connection = self._connection
        if connection is None or connection.vendor != "sqlite" or connection.is_in_memory_db():
            return None
        try:
            return Path(connection.settings_dict["NAME"]).stat().st_ino
        except OSError:
            return None

    def close(self) -> None:
        """Close the connection, or drop it where that fails; the next use opens another."""
        connection, self._connection = self._connection, None
        sockets, self._sockets = self._sockets, None
        for end in sockets or ():
            end.close()
        if connection is not None:
            with suppress(Exception):
                connection.close()

    def wake(self) -> None:
        """End the wait() of another thread."""
        self._woken.set()
        if (sockets := self._sockets) is not None:
            with suppress(OSError):  # full, so awake already; or closed meanwhile
                sockets[1].send(b"\0")

    def wait(self, seconds: float) -> bool:
        """Wait for a notification or for wake(); whether a notification came.

        Raises what the driver raises where the connection was lost meanwhile.
        """
        notified = False
        if self._sockets is None:
            self._woken.wait(seconds)
        else:
            driver = self._connection.connection
            with selectors.DefaultSelector() as selector:
                selector.register(driver.fileno(), selectors.EVENT_READ)
                selector.register(self._sockets[0], selectors.EVENT_READ)
                selector.select(0 if self._woken.is_set() else seconds)
            with suppress(BlockingIOError):
                self._sockets[0].recv(4096)
            notified = bool(list(driver.notifies(timeout=0)))
        self._woken.clear()
        return notified


def greenlet_problem(alias: str) -> str | None:
    """Return why this process would hang with its database; None where it would not."""
    monkey, patcher = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    is_patched = (monkey and monkey.is_module_patched("threading")) or (
        patcher and patcher.is_monkey_patched("thread")
    )
    if not is_patched or connections[alias].vendor != "mysql":
        return None
    return (
        "gevent or eventlet and mysqlclient do not go together: while the database hangs, so does "
        "every visitor of this process. Use threads, or PyMySQL."
    )


def _is_direct(driver: Any) -> bool:
    """Whether PostgreSQL itself answers, and no pooler such as PgBouncer."""
    info = getattr(driver, "info", None)
    with driver.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    return info is not None and bool(info.backend_pid == pid)


def _can_wait(driver: Any) -> bool:
    """Whether the driver gives notifications with a time limit: psycopg 3.2 and newer."""
    try:
        driver.notifies(timeout=0).close()
    except (AttributeError, TypeError):
        return False
    return True


def notify(using: str) -> None:
    """Have all processes read anew once this transaction commits. Only PostgreSQL can tell them."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
