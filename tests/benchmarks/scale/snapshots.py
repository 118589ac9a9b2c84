"""Loading the snapshot, as each web process does once a second."""

import gc
import tracemalloc
from datetime import datetime, timedelta
from functools import partial
from statistics import median

from maintenance_windows.snapshot.loader import load
from tests.benchmarks.scale.databases import plan
from tests.benchmarks.scale.sizes import Size
from tests.benchmarks.scale.ticks import at
from tests.benchmarks.scale.timing import milliseconds, queries

HEAD = ("sites near maintenance", "ms", "median", "queries", "MB")
HALF, LENGTH = timedelta(minutes=30), timedelta(hours=3)


def readings(size: Size, now: datetime) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Measure loading: half of the sites are down, the others go down in half an hour."""
    lines, planned = [], 0
    for count in (0, size.some, size.many):
        half = (count - planned) // 2
        plan(half, now, LENGTH, skipped=planned)
        plan(half, now + HALF, LENGTH, skipped=planned + half)
        planned += 2 * half
        at(now)
        lines.append(reading(now, size.rounds))
    return HEAD, lines


def reading(now: datetime, rounds: int) -> tuple[object, ...]:
    gc.collect()
    tracemalloc.start()
    last = load(now)
    gc.collect()
    megabytes = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    again = partial(load, now, last=last)
    asked = len(queries(again))
    taken = [milliseconds(again) for _ in range(rounds)]
    number = f"{len(last.by_id):,}"
    return (number, f"{min(taken):.1f}", f"{median(taken):.1f}", asked, f"{megabytes:.1f}")
