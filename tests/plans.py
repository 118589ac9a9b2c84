"""How a database goes about a query."""

import re

from django.db import connection

# What is asked each second is found by these, and no window that is over is in one of them.
LIVE = {"mw_window_waiting", "mw_window_running", "mw_window_live", "mw_flag_live"}
FLAG = {"maintenance_windows_sitemaintenance_pkey", "INTEGER PRIMARY KEY"}

# The index that is read by, or else the table that is read as a whole.
READS = re.compile(
    r"Seq Scan on (\w+)|(?:Index|Index Only) Scan using (\w+)|Bitmap Index Scan on (\w+)"
    r"|(?:SCAN|SEARCH) \w+ USING (?:COVERING )?(?:INDEX (\w+)|(INTEGER PRIMARY KEY))"
    r"|(?:SCAN|SEARCH) (?!found)(\w+)"
)


def plan(sql: str) -> list[str]:
    """The steps, in the words of PostgreSQL or SQLite."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            return [step for *_, step in cursor.fetchall()]
        cursor.execute(f"EXPLAIN {sql}")
        return [step for (step,) in cursor.fetchall()]


def read_by(sql: str) -> set[str]:
    """The indexes by which a query reads, and the tables that it reads as a whole."""
    found = (READS.search(step) for step in plan(sql))
    return {next(filter(None, match.groups())) for match in found if match}
