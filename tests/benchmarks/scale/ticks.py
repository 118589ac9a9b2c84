"""Idle ticks, with a short history and with a long one."""

from datetime import datetime, timedelta
from functools import partial
from statistics import median

from django.utils import timezone

from maintenance_windows.reconcile.tick import tick
from maintenance_windows.snapshot.loader import load
from tests.benchmarks.scale.databases import Database
from tests.benchmarks.scale.sizes import Size
from tests.benchmarks.scale.timing import milliseconds, queries
from tests.helpers import plans

AHEAD = timedelta(seconds=1.1)  # as far as a tick looks
HEAD = ("a tick with nothing due", "ms", "median", "queries")


def idle(
    small: Database, large: Database, size: Size
) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Measure both databases in turn; each tick also writes last_tick."""
    taken: dict[Database, list[float]] = {small: [], large: []}
    asked = {}
    for seconds in range(0, 6 * size.rounds, 6):
        for database, times in taken.items():
            now = database.now + timedelta(seconds=seconds)
            database.use()
            asked[database] = len(queries(partial(at, now)))  # and the connection is open
            times.append(milliseconds(partial(at, now + timedelta(seconds=3))))
    lines = [
        (f"{one.past:,} windows are over", f"{min(t):.1f}", f"{median(t):.1f}", asked[one])
        for one, t in taken.items()
    ]
    return HEAD, lines


def at(now: datetime) -> datetime | None:
    return tick(lambda: now, AHEAD)


def strays() -> set[str]:
    """Tables that tick and snapshot scan, and indexes they use that contain history."""
    now = timezone.now()
    return plans.strays(plans.reads(partial(at, now)) | plans.reads(partial(load, now)))
