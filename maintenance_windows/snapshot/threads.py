"""Work that is done beside the requests, in threads that nobody waits for for long."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

from django.core import mail
from django.db import close_old_connections, connections

THREADS = 4
# Python has a thread give way to others after 5 ms; one that sleeps does so at once. Seconds.
NAP = 0.0001

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def yield_gil(items: Iterable[Item], at_once: int) -> Iterator[Item]:
    """Each of these, with a chance for requests to run after every `at_once` of them."""
    for number, item in enumerate(items, start=1):
        yield item
        if number % at_once == 0:
            time.sleep(NAP)


def close_connections() -> None:
    """After a thread of ours has used the database: as after a request."""
    close_old_connections()
    if hasattr(mail, "outbox"):
        # Somebody's tests: an open connection would keep their database from going.
        connections.close_all()


class Pool:
    """A few threads that start with the first question and do not keep a process from ending.

    Those of concurrent.futures do: one that hangs in a frozen database would.
    """

    def __init__(self) -> None:
        self._questions: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._starting = threading.Lock()
        self._started = 0

    def ask(self, question: Callable[[], Any]) -> "Future[Any]":
        with self._starting:
            if self._started < THREADS:
                self._started += 1
                threading.Thread(target=self._run, name="maintenance-ask", daemon=True).start()
        future: Future[Any] = Future()
        self._questions.put((future, question))
        return future

    def _run(self) -> None:
        while True:
            future, question = self._questions.get()
            if not future.set_running_or_notify_cancel():
                continue  # nobody waits for it any more
            try:
                close_old_connections()
                future.set_result(question())
            except BaseException as error:  # noqa: BLE001 (whoever asked is told)
                future.set_exception(error)
            with suppress(Exception):  # nothing may end this thread
                close_connections()


pool = Pool()


def answer(question: Callable[[], Answer], within: float) -> Answer:
    """What this answers; raises TimeoutError where that takes longer than so many seconds.

    A database that is frozen never answers. Inside a transaction, of which only this thread sees
    all, it is asked here and takes as long as it takes.
    """
    if any(known.in_atomic_block for known in connections.all(initialized_only=True)):
        return question()
    future: Future[Answer] = pool.ask(question)
    try:
        return future.result(within)
    finally:
        future.cancel()


def _renew() -> None:
    global pool  # noqa: PLW0603 (one a process is the point)
    pool = Pool()


# The threads did not come along into the child.
os.register_at_fork(after_in_child=_renew)
