"""Database queries in threads of our own: with a timeout, and without blocking requests."""

import asyncio
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import suppress
from enum import Enum
from os import getpid
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from django.core import mail
from django.db import close_old_connections, connections

# Threads of a pool, each with a connection: usually, and while many calls queue.
FEW, MANY = 4, 12
IDLE = 60.0  # seconds without a call after which a thread ends
PATIENCE = 4  # deadlines that a caller waits for a database that is busy
# maintenance_windows.testing sets it: a test wants the threads that run in production.
wanted_in_tests = False
# Seconds of sleep that release the GIL at once; a busy thread keeps it for 5 ms.
NAP = 0.0001

T = TypeVar("T")


def give_way() -> None:
    """Let requests run now."""
    time.sleep(NAP)


def yield_gil(items: Iterable[T], at_once: int) -> Iterator[T]:
    """Yield the items, and let requests run after every `at_once` of them."""
    for number, item in enumerate(items):
        if number and number % at_once == 0:
            give_way()
        yield item


def close_connections() -> None:
    """Close stale connections after background work, as Django does after a request."""
    close_old_connections()
    if in_test_run():  # an open connection would keep the test database from being dropped
        connections.close_all()


def in_test_run() -> bool:
    """Return whether Django's test runner, or pytest-django, has set up its environment."""
    return hasattr(mail, "outbox")


def may_run() -> bool:
    """Return whether threads of ours may run: not in the tests of a project, unless one asks."""
    return wanted_in_tests or not in_test_run()


class Share(Enum):
    """Who asks. Each has threads of its own, so that no other asker's queue delays it."""

    USERS = "users"
    STATUS = "status"
    PROBES = "probes"
    OTHERS = "others"  # commands and beat


class Pool:
    """Daemon threads for one share, started as calls need them and ended when idle.

    There are more than FEW only while calls queue and others finish: the database is slow, not
    away. ThreadPoolExecutor joins its threads when the interpreter exits, which a hanging query
    would delay without limit.
    """

    def __init__(self) -> None:
        self.finished = 0  # calls
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any], Hashable]] = SimpleQueue()
        self._shared: dict[Hashable, Future[Any]] = {}  # that no thread has taken yet
        self._lock = threading.Lock()
        self._threads = 0
        self._finished_at_growth = 0

    def submit(self, function: Callable[[], T], key: Hashable = None) -> "Future[T]":
        """Queue a call. Calls with the same key share one as long as it waits in the queue."""
        with self._lock:
            if key is not None and (waiting := self._shared.get(key)):
                return waiting
            if self._threads < FEW or self._should_grow():
                self._start_thread()
            future: Future[T] = Future()
            if key is not None:
                self._shared[key] = future
            self._calls.put((future, function, key))
            return future

    def withdraw(self, key: Hashable, future: "Future[Any]") -> None:
        """Let no later call share one that waits for too long."""
        with self._lock:
            if self._shared.get(key) is future:
                del self._shared[key]

    def _start_thread(self) -> None:
        try:
            threading.Thread(target=self._run, name="maintenance-ask", daemon=True).start()
        except RuntimeError:
            if not self._threads:
                raise
        else:
            self._threads += 1

    def _should_grow(self) -> bool:
        """Return whether calls queue, and some have finished since the last thread was added."""
        if self._threads >= MANY or self._calls.qsize() < self._threads:
            return False
        has_moved = self.finished > self._finished_at_growth
        self._finished_at_growth = self.finished
        return has_moved

    def _run(self) -> None:
        while True:
            try:
                future, function, key = self._calls.get(timeout=IDLE)
            except Empty:
                with self._lock:
                    if not self._calls.empty():
                        continue
                    self._threads -= 1
                connections.close_all()
                return
            self.withdraw(key, future)
            if not future.set_running_or_notify_cancel():
                continue
            try:
                close_old_connections()
                future.set_result(function())
            except BaseException as error:  # noqa: BLE001 (the caller gets it)
                future.set_exception(error)
            self.finished += 1
            with suppress(Exception):  # this thread must not end while it is counted
                close_connections()


_pools: dict[tuple[int, Share], Pool] = {}


def pool_of(share: Share) -> Pool:
    """Return the pool of this process; a forked child inherits no threads."""
    pid = getpid()
    return _pools.get((pid, share)) or _pools.setdefault((pid, share), Pool())


def call_with_timeout(
    function: Callable[[], T],
    seconds: float,
    share: Share = Share.OTHERS,
    key: Hashable = None,
) -> T:
    """Return function(), or raise TimeoutError once nothing of this share finishes for so long.

    While other calls finish, the database is busy and not away: then the wait lasts up to PATIENCE
    times as long. RuntimeError means that no thread can be started. Where the function stays in
    this thread, there is no timeout.
    """
    if stays_here():
        return function()
    pool = pool_of(share)
    future = pool.submit(function, key)
    try:
        for _ in range(PATIENCE):
            finished = pool.finished
            if wait([future], seconds).done or pool.finished == finished:
                break
        return future.result(0)
    finally:
        if key is None:
            future.cancel()
        else:
            pool.withdraw(key, future)


async def acall_with_timeout(function: Callable[[], T], seconds: float, share: Share) -> T:
    """See call_with_timeout()."""
    pool = pool_of(share)
    future = pool.submit(function)
    waiting = asyncio.wrap_future(future)
    try:
        for _ in range(PATIENCE):
            finished = pool.finished
            if (await asyncio.wait([waiting], timeout=seconds))[0] or pool.finished == finished:
                break
        if not waiting.done():
            raise TimeoutError
        return waiting.result()
    finally:
        waiting.cancel()


def stays_here() -> bool:
    """Return whether queries stay in this thread: others do not see what a transaction wrote."""
    if not may_run():
        return True
    return any(known.in_atomic_block for known in connections.all(initialized_only=True))
