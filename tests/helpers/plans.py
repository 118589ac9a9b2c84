"""How a database goes about what is asked of it."""

import re
from collections.abc import Callable
from typing import Any

from django.db import connection

# What is asked each second is found by these, in which no window is that is over; MariaDB, whose
# indexes have no conditions, has indexes of its own in which it stands apart.
LIVE = {
    "mw_window_announced",
    "mw_window_live",
    "mw_window_running",
    "mw_window_waiting",
    "mw_flag_live",
}
if connection.vendor == "mysql":
    LIVE = {"mw_window_lead_state", "mw_window_state", "mw_window_site_state"}
    LIVE |= {"mw_flag_state", "mw_flag_live"}
# Sites, their flags and ignored URLs are found by their keys, and so is any window; of schedulers
# there is one row.
BY_KEY = re.compile(
    r"INTEGER PRIMARY KEY|PRIMARY|django_site_pkey"
    r"|maintenance_windows_(sitemaintenance|maintenancewindow|scheduler)_pkey"
    r"|maintenance_windows_scheduler|.*maintenance_windows_ignoredurl_.+|mw_ignored_url_once"
)

# The index of a step, or the table that it scans.
READS = re.compile(
    r"Seq Scan on (\w+)|(?:Index|Index Only) Scan using (\w+)|Bitmap Index Scan on (\w+)"
    r"|(?:SCAN|SEARCH) \w+ USING (?:COVERING )?(?:INDEX (\w+)|(INTEGER PRIMARY KEY))"
    r"|(?:SCAN|SEARCH) (\w+)"
)


def strays(found: set[str]) -> set[str]:
    """Of what was read, the tables read as a whole, and the indexes that history is in."""
    return {name for name in found - LIVE if not BY_KEY.fullmatch(name)}


def reads(work: Callable[[], object]) -> set[str]:
    """The indexes by which its statements find rows, and the tables that they read as a whole."""
    queries: list[tuple[str, Any]] = []

    def keep(execute: Callable[..., Any], sql: str, params: Any, *given: Any) -> Any:
        if re.match(r"\(?SELECT .* FROM|UPDATE", sql):
            queries.append((sql, params))
        return execute(sql, params, *given)

    with connection.execute_wrapper(keep):
        work()
    steps = [step for sql, params in queries for step in plan(sql, params)]
    found = (READS.search(step) for step in steps)
    return {next(filter(None, match.groups())) for match in found if match}


def plan(sql: str, params: Any) -> list[str]:
    """The steps of a query plan, in the terms of PostgreSQL or SQLite."""
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {sql}", params)
        rows = cursor.fetchall()
    if connection.vendor == "mysql":
        steps = [(row[2], row[5]) for row in rows if row[2] and not row[2].startswith("<")]
        return [
            f"SEARCH {table} USING INDEX {key}" if key else f"SCAN {table}" for table, key in steps
        ]
    steps = [row[-1] for row in rows]
    # Whether a table has a row at all is known after the first one, however it is scanned.
    return [
        step for step, after in zip(steps, [*steps[1:], ""], strict=True) if "> 0)" not in after
    ]
