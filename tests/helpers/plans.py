"""How a database goes about a query."""

import re

from django.db import connection

# What is asked each second is found by these; no window that is over is in one of the first four,
# and in MariaDB's own it stands apart.
LIVE = {"mw_window_waiting", "mw_window_running", "mw_window_live", "mw_flag_live"}
LIVE |= {"mw_window_state", "mw_flag_state"}
FLAG = {"maintenance_windows_sitemaintenance_pkey", "INTEGER PRIMARY KEY", "PRIMARY"}

# The index that is read by, or else the table that is read as a whole.
READS = re.compile(
    r"Seq Scan on (\w+)|(?:Index|Index Only) Scan using (\w+)|Bitmap Index Scan on (\w+)"
    r"|(?:SCAN|SEARCH) \w+ USING (?:COVERING )?(?:INDEX (\w+)|(INTEGER PRIMARY KEY))"
    r"|(?:SCAN|SEARCH) (?!found)(\w+)"
)


def plan(sql: str) -> list[str]:
    """The steps in the words of PostgreSQL, else in those of SQLite."""
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {sql}")
        rows = cursor.fetchall()
    if connection.vendor == "mysql":
        steps = [(row[2], row[5]) for row in rows if not str(row[2]).startswith("<")]
        return [
            f"SEARCH {table} USING INDEX {key}" if key else f"SCAN {table}" for table, key in steps
        ]
    return [row[-1] for row in rows]


def read_by(sql: str) -> set[str]:
    """The indexes by which a query reads, and the tables that it reads as a whole."""
    found = (READS.search(step) for step in plan(sql))
    return {next(filter(None, match.groups())) for match in found if match}
