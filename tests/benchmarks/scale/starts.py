"""Windows of thousands of sites that start and end in the same second."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event, Thread
from time import sleep

from django.db import connection

from maintenance_windows.models import SiteMaintenance
from maintenance_windows.reconcile.lock import locked
from tests.benchmarks.scale.databases import plan
from tests.benchmarks.scale.sizes import Size
from tests.benchmarks.scale.ticks import at
from tests.benchmarks.scale.timing import milliseconds, queries

HEAD = ("in one second", "flags", "seconds", "statements", "others wait, ms")
LENGTH = timedelta(minutes=30)


def together(size: Size, now: datetime) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Measure all sites and a tenth of them, to show growth."""
    return HEAD, [line for count in (size.many // 10, size.many) for line in course(count, now)]


def course(count: int, now: datetime) -> Iterator[tuple[object, ...]]:
    """Measure ticks at the start, at a missed gap and at the end of the windows."""
    plan(count, now, LENGTH)
    plan(count, now + 2 * LENGTH, LENGTH)
    yield measured(f"{count:,} start", now)
    yield measured("nothing is due, while they run", now + LENGTH / 2)
    yield measured("they ended, and others started", now + 2.5 * LENGTH)
    yield measured("these end", now + 3 * LENGTH)


def measured(title: str, now: datetime) -> tuple[object, ...]:
    asked: list[str] = []
    with others() as waits:
        taken = milliseconds(lambda: asked.extend(queries(lambda: at(now))))
    flags = SiteMaintenance.objects.filter(in_maintenance=True).count()
    return (title, f"{flags:,}", f"{taken / 1000:.2f}", len(asked), f"{max(waits):.0f}")


@contextmanager
def others() -> Iterator[list[float]]:
    """Take the lock all the time from another thread; record each wait."""
    waits: list[float] = []
    done = Event()

    def lock() -> None:
        with locked():
            pass

    def run() -> None:
        while not done.is_set():
            waits.append(milliseconds(lock))
            sleep(0.01)
        connection.close()

    thread = Thread(target=run)
    thread.start()
    try:
        yield waits
    finally:
        done.set()
        thread.join()
