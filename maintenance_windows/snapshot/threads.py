"""Database queries in threads of our own: with a timeout, and without blocking requests."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from os import getpid
from queue import SimpleQueue
from typing import Any, TypeVar

from django.core import mail
from django.db import close_old_connections, connections

THREADS = 4
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


class Pool:
    """A few daemon threads, started with the first call.

    ThreadPoolExecutor joins its threads when the interpreter exits, which a hanging query would
    delay without limit.
    """

    def __init__(self) -> None:
        self.pid = getpid()
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._starting = threading.Lock()
        self._started = 0

    def submit(self, function: Callable[[], T]) -> "Future[T]":
        with self._starting:
            if self._started < THREADS:
                threading.Thread(target=self._run, name="maintenance-ask", daemon=True).start()
                self._started += 1
        future: Future[T] = Future()
        self._calls.put((future, function))
        return future

    def _run(self) -> None:
        while True:
            future, function = self._calls.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                close_old_connections()
                future.set_result(function())
            except BaseException as error:  # noqa: BLE001 (the caller gets it)
                future.set_exception(error)
            with suppress(Exception):  # this thread must never end
                close_connections()


_pool = Pool()


def submit(function: Callable[[], T]) -> "Future[T]":
    """Call the function in a thread of this process; a forked child inherits none.

    Raises RuntimeError where no thread can be started.
    """
    global _pool  # noqa: PLW0603 (one for each process)
    if _pool.pid != getpid():
        _pool = Pool()
    return _pool.submit(function)


def call_with_timeout(function: Callable[[], T], seconds: float) -> T:
    """Return function(), or raise TimeoutError after so many seconds.

    Inside a transaction the function runs in this thread, without a timeout, because other
    threads do not see what the transaction has written.
    """
    if in_transaction():
        return function()
    future = submit(function)
    try:
        return future.result(seconds)
    finally:
        future.cancel()


def in_transaction() -> bool:
    return any(known.in_atomic_block for known in connections.all(initialized_only=True))
