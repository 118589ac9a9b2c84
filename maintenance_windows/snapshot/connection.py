"""The reader's own database connection, which also receives notifications."""

import selectors
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from django.db import Error as DatabaseError
from django.db import connections

CHANNEL = "maintenance_windows"
# If one of our statements meets a flush or a migration, ours gives up and the other continues.
SESSION = {
    "postgresql": "SET lock_timeout = '250ms'; SET statement_timeout = '5s'",
    "mysql": "SET SESSION lock_wait_timeout = 1, innodb_lock_wait_timeout = 1",
}


class OwnConnection:
    """A connection apart from those of requests: unpooled, in autocommit, kept until an error.

    Its other settings are the project's. Only one thread may use it at a time.
    """

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._connection: Any = None
        self._inode: int | None = None
        self._woken = threading.Event()
        self._sockets: tuple[socket.socket, socket.socket] | None = None
        self._selector: selectors.BaseSelector | None = None

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    @contextmanager
    def active(self) -> Iterator[None]:
        """Make the queries of this thread use this connection."""
        if self._connection is not None and self._inode != self._inode_now():
            self.close()  # the SQLite file was replaced
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
        if made.vendor == "mysql":
            options["isolation_level"] = "read committed"  # never what may be rolled back
        made.settings_dict = made.settings_dict | {
            "ATOMIC_REQUESTS": False,
            "AUTOCOMMIT": True,
            "CONN_HEALTH_CHECKS": False,
            "CONN_MAX_AGE": None,
            "OPTIONS": options,
        }
        made.inc_thread_sharing()  # if no thread can start, requests take turns with it
        return made

    def _prepare(self) -> None:
        """Connect unless connected, and set up the session."""
        connection = self._connection
        if connection.connection is not None:
            return
        connection.connect()
        self._inode = self._inode_now()
        if connection.vendor == "postgresql" and not _is_direct(connection.connection):
            return  # a pooler would pass the session and its settings to others
        if sql := SESSION.get(connection.vendor):
            with connection.cursor() as cursor:
                cursor.execute(sql)
        if connection.vendor == "postgresql" and _can_wait(connection.connection):
            with suppress(DatabaseError, OSError):  # then the readings of each second are all
                self._listen(connection)

    def _listen(self, connection: Any) -> None:
        """Listen, where the server lets us: a hot standby does not.

        What wait() needs is made here, once: later no file descriptor may be left.
        """
        with ExitStack() as unless_listening:
            sockets = socket.socketpair()
            selector = selectors.DefaultSelector()
            for made in (*sockets, selector):
                unless_listening.callback(made.close)
            for end in sockets:
                end.settimeout(0)
            selector.register(connection.connection.fileno(), selectors.EVENT_READ)
            selector.register(sockets[0], selectors.EVENT_READ)
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {CHANNEL}")
            unless_listening.pop_all()
        self._sockets, self._selector = sockets, selector

    def _inode_now(self) -> int | None:
        """Return the inode of an SQLite file, to notice when the file is replaced."""
        connection = self._connection
        if connection is None or connection.vendor != "sqlite" or connection.is_in_memory_db():
            return None
        try:
            return Path(connection.settings_dict["NAME"]).stat().st_ino
        except OSError:
            return None

    def close(self) -> None:
        """Close the connection, or drop it if that fails. The next use opens a new one."""
        connection, self._connection = self._connection, None
        sockets, self._sockets = self._sockets, None
        selector, self._selector = self._selector, None
        if selector is not None:
            selector.close()
        for end in sockets or ():
            end.close()
        if connection is not None:
            with suppress(Exception):
                connection.close()

    def wake(self) -> None:
        """End the wait() of another thread."""
        self._woken.set()
        if (sockets := self._sockets) is not None:
            with suppress(OSError):  # full, so already awake; or closed meanwhile
                sockets[1].send(b"\0")

    def wait(self, seconds: float) -> bool:
        """Wait for a notification or wake(); return whether a notification arrived.

        Raises the driver's error if the connection is lost meanwhile.
        """
        notified = False
        if self._sockets is None or self._selector is None:
            self._woken.wait(seconds)
        else:
            driver = self._connection.connection
            # What came during a statement is no longer on the socket.
            if not (notified := bool(list(driver.notifies(timeout=0)))):
                self._selector.select(0 if self._woken.is_set() else seconds)
                notified = bool(list(driver.notifies(timeout=0)))
            with suppress(BlockingIOError):
                self._sockets[0].recv(4096)
        self._woken.clear()
        return notified


def greenlet_problem(alias: str) -> str | None:
    """Return why this process would hang when its database does, or None if it would not."""
    monkey, patcher = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    is_patched = (monkey and monkey.is_module_patched("threading")) or (
        patcher and patcher.is_monkey_patched("thread")
    )
    driver: Any = getattr(connections[alias], "Database", None)
    if not is_patched or driver.__name__ != "MySQLdb":
        return None
    return (
        "gevent and eventlet do not work with mysqlclient: while the database hangs, so does "
        "every visitor of this process. Use threads, or PyMySQL."
    )


def _is_direct(driver: Any) -> bool:
    """Return whether the connection goes to PostgreSQL itself, not to a pooler like PgBouncer."""
    info = getattr(driver, "info", None)
    with driver.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    return info is not None and bool(info.backend_pid == pid)


def _can_wait(driver: Any) -> bool:
    """Return whether the driver can poll for notifications with a timeout (psycopg 3.2)."""
    try:
        driver.notifies(timeout=0).close()
    except (AttributeError, TypeError):
        return False
    return True


def notify(using: str) -> None:
    """Make all processes reload when this transaction commits. Only works on PostgreSQL."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
