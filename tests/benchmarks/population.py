"""Fills a migrated database with sites, completed windows and scheduled ones.

    DATABASE_URL=postgres://… python -m tests.benchmarks.population --sites 100000

A few statements generate the rows in the database: at most a minute for a million windows.
"""

import argparse
import os
import time
from datetime import datetime

import django
from django.db import connection, transaction
from django.utils import timezone

DAY, YEAR = 86_400, 365 * 86_400  # seconds

NUMBERS = """
WITH RECURSIVE numbers (number) AS
    (SELECT 0 UNION ALL SELECT number + 1 FROM numbers WHERE number < {count} - 1)
"""
SITES = """
INSERT INTO django_site (domain, name) {numbers}
SELECT 's' || number || '.example', 'Site ' || number FROM numbers
"""
FLAGS = """
INSERT INTO maintenance_windows_sitemaintenance (site_id, in_maintenance, level, message, bypass)
SELECT id, false, 'full', '', 0 FROM django_site
WHERE id NOT IN (SELECT site_id FROM maintenance_windows_sitemaintenance)
"""
# Windows rotate over the sites, so that each site has some of every age.
WINDOWS = """
INSERT INTO maintenance_windows_maintenancewindow
    (site_id, level, title, message, starts_at, ends_at, started_at, ended_at, cancelled_at,
     created_by, created_at, edited)
{numbers}
SELECT {first_site} + number % {sites}, CASE number % 10 WHEN 0 THEN 'read_only' ELSE 'full' END,
    'Disks ' || number, 'We move to new disks.', {start}, {end}, {started}, {ended}, {cancelled},
    'alice', {begin}, ''
FROM numbers
"""
TRANSITIONS = """
INSERT INTO maintenance_windows_transition
    (site_id, in_maintenance, due_at, done_at, window_id, actor)
SELECT site_id, {to}, {time}, {time}, id, '' FROM maintenance_windows_maintenancewindow
WHERE ended_at IS NOT NULL ORDER BY id
"""
# Seconds since 1970 as a time in UTC.
MOMENTS = {
    "postgresql": "to_timestamp({})",
    "sqlite": "datetime({}, 'unixepoch')",
    "mysql": "timestampadd(second, {}, '1970-01-01')",
}
PREPARED = {
    "mysql": "SET SESSION max_recursive_iterations = 4294967295, sql_mode = 'PIPES_AS_CONCAT'"
}


def populate(
    sites: int, past: int, coming: int, *, transitions: bool = False, now: datetime | None = None
) -> None:
    """Add all rows to a database without windows."""
    add_sites(sites)
    add_windows(past, coming, now or timezone.now())
    if transitions:
        add_transitions()


def add_sites(number: int) -> None:
    """Add sites `s0.example`, `s1.example`, …, all of them up."""
    with transaction.atomic(), connection.cursor() as cursor:
        if preparation := PREPARED.get(connection.vendor):
            cursor.execute(preparation)
        cursor.execute(SITES.format(numbers=NUMBERS.format(count=number)))
        cursor.execute(FLAGS)


def add_windows(past: int, coming: int, now: datetime) -> None:
    """Past windows lie in the five years until the day before `now`; one in forty is cancelled.

    Scheduled windows lie in the year from the day after it.
    """
    at = round(now.timestamp())
    spans = (past, at - DAY - 5 * YEAR, 5 * YEAR), (coming, at + DAY, YEAR)
    with transaction.atomic(), connection.cursor() as cursor:
        if preparation := PREPARED.get(connection.vendor):
            cursor.execute(preparation)
        cursor.execute("SELECT min(id), count(*) FROM django_site WHERE domain LIKE 's%.example'")
        first_site, sites = cursor.fetchone()
        for count, begin, length in spans:
            if count:
                fields = times(count, begin, length, over=begin < at)
                numbers = NUMBERS.format(count=count)
                cursor.execute(
                    WINDOWS.format(numbers=numbers, sites=sites, first_site=first_site, **fields)
                )


def add_transitions() -> None:
    """Add two status changes for each completed window."""
    with transaction.atomic(), connection.cursor() as cursor:
        for to, moment in (("true", "started_at"), ("false", "ended_at")):
            cursor.execute(TRANSITIONS.format(to=to, time=moment))


def times(count: int, begin: int, length: int, *, over: bool) -> dict[str, str]:
    """SQL for the times of windows of half an hour to four hours, spread over `length` seconds."""

    def moment(seconds: str) -> str:
        return MOMENTS[connection.vendor].format(seconds)

    start = f"{begin} + round({length} / {count}.0 * number)"
    fields = {
        "begin": moment(f"{begin}"),
        "start": moment(start),
        "end": moment(f"{start} + 1800 + 600 * (number % 21)"),
        "started": "NULL",
        "ended": "NULL",
        "cancelled": "NULL",
    }
    if over:
        happened = "CASE number % 40 WHEN 0 THEN NULL ELSE {} END"
        fields["started"] = happened.format(fields["start"])
        fields["ended"] = happened.format(fields["end"])
        fields["cancelled"] = f"CASE number % 40 WHEN 0 THEN {fields['begin']} END"
    return fields


def analyze() -> None:
    """Update the database's statistics, as it does by itself within a day."""
    names = connection.introspection.table_names()
    statements = {
        "postgresql": "VACUUM ANALYZE",
        "sqlite": "ANALYZE",
        "mysql": f"ANALYZE TABLE {', '.join(names)}",
    }
    with connection.cursor() as cursor:
        cursor.execute(statements[connection.vendor])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sites", type=int, default=100_000)
    parser.add_argument("--past", type=int, default=1_000_000, metavar="WINDOWS")
    parser.add_argument("--coming", type=int, default=100_000, metavar="WINDOWS")
    parser.add_argument("--transitions", action="store_true", help="two for each past window")
    chosen = parser.parse_args()
    begun = time.perf_counter()
    populate(chosen.sites, chosen.past, chosen.coming, transitions=chosen.transitions)
    analyze()
    print(f"{connection.vendor}: {time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    main()
