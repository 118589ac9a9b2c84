"""Cost of creating the windows of a thousand series: `python -m tests.benchmarks.series`.

A thousand sites have a series each: daily, weekly on several days, or monthly on a weekday, begun
last month or years ago, in five time zones. Runs on a database of its own, on the server of
DATABASE_URL; without one on SQLite. What the log says of each window is written, to nowhere.
"""

import argparse
import logging
import os
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import cycle, product
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.benchmarks.own_fleet import own_fleet
from tests.benchmarks.table import aligned

NOW = datetime(2029, 11, 4, 1, tzinfo=UTC)
DAY = timedelta(days=1)
RULES = ("FREQ=DAILY", "FREQ=WEEKLY;BYDAY={days}", "FREQ=MONTHLY;BYDAY={nth}TU")
DAYS = ("MO,WE,FR", "SA,SU", "TU,TH,SA", "MO,TU,WE,TH,FR")
BEGUN = (date(2029, 10, 1), date(2027, 3, 1), date(2019, 6, 3))
ZONES = ("Europe/Berlin", "America/New_York", "UTC", "Asia/Kathmandu", "Australia/Lord_Howe")
HEAD = ("", "seconds", "windows made", "changed", "statements", "longest lock, ms")
GOALS = "Goals: the first time at most 5 s, again at most 1 s; no lock for as long as a second."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--series", type=int, default=1000, metavar="NUMBER")
    parser.add_argument("--smoke", action="store_true", help="twenty: whether it runs")
    chosen = parser.parse_args()
    number = 20 if chosen.smoke else chosen.series
    with own_fleet(number), Path(os.devnull).open("w") as nowhere:
        logging.getLogger().handlers[0].setStream(nowhere)
        logging.getLogger("maintenance_windows").setLevel(logging.INFO)
        print(aligned(HEAD, measured()))
    print(GOALS)


def measured() -> list[tuple[object, ...]]:
    from django.db import connection

    from maintenance_windows.models import WindowSeries

    begin()
    lines = [
        materialise("the first time", NOW),
        materialise("again", NOW),
        materialise("a day later", NOW + DAY),
    ]
    one = WindowSeries.objects.earliest("pk")
    WindowSeries.objects.filter(pk=one.pk).update(length=timedelta(hours=1))
    lines.append(materialise("one series was changed", NOW + DAY))
    connection.close()
    return lines


def begin() -> None:
    """Create a series without windows for each site."""
    from django.contrib.sites.models import Site

    from maintenance_windows.models import WindowSeries

    sites = Site.objects.filter(domain__endswith=".example").exclude(domain="example.com")
    kinds = cycle(product(range(1, 5), ZONES, BEGUN, DAYS, RULES))
    numbered = enumerate(zip(sites, kinds, strict=False))  # as many as there are sites
    WindowSeries.objects.bulk_create(
        WindowSeries(
            site=site,
            rule=rule.format(days=days, nth=nth),
            starts_on=starts_on + number % 28 * DAY,
            start_time=time(number % 24, number % 60),
            zone=zone,
            length=timedelta(hours=2),
            title="Nightly jobs",
            message="Back soon.",
        )
        for number, (site, (nth, zone, starts_on, days, rule)) in numbered
    )


def materialise(title: str, now: datetime) -> tuple[object, ...]:
    """Measure one run of the task, as a line of the table."""
    from django.db import connection

    from maintenance_windows.planning import series

    statements, locked = 0, [0.0]

    def watch(execute: Callable[..., Any], sql: str, *given: Any) -> Any:
        nonlocal statements
        statements += 1
        result = execute(sql, *given)
        if "pg_advisory_xact_lock" in sql or ("UPDATE" in sql and "last_tick" in sql):
            had = perf_counter()
            connection.on_commit(lambda: locked.append(perf_counter() - had))
        return result

    begun = perf_counter()
    with connection.execute_wrapper(watch):
        outcomes = series.materialise(lambda: now)
    seconds = perf_counter() - begun
    made = sum(len(outcome.made) for outcome in outcomes)
    changed = sum(len(outcome.changed) for outcome in outcomes)
    longest = f"{max(locked) * 1000:.0f}"
    return title, f"{seconds:.2f}", made, changed, statements, longest


if __name__ == "__main__":
    main()
