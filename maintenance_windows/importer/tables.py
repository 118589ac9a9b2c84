"""Read the two tables of django-maintenancemode-2, which are the same in all of its releases.

They are read with SQL, so that the package need not be installed. They are never written.
"""

from dataclasses import dataclass, field
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from maintenance_windows.exceptions import Refused

NAME = "django-maintenancemode-2"
FLAGS, PATTERNS = "maintenancemode_maintenance", "maintenancemode_ignoredurl"


@dataclass(slots=True)
class Former:
    """The flag of one site, and its patterns with their descriptions."""

    site_id: int
    closed: bool = False
    patterns: list[tuple[str, str]] = field(default_factory=list)


def read(connection: BaseDatabaseWrapper) -> tuple[list[Former], list[str]]:
    """Return the data of each site, and the patterns that belong to no site.

    Raises Refused if a table or a column is missing.
    """
    flags = _rows(connection, FLAGS, "id", "site_id", "is_being_performed")
    patterns = _rows(connection, PATTERNS, "id", "maintenance_id", "pattern", "description")
    formers: dict[int, Former] = {}
    by_row: dict[int, Former] = {}
    for pk, site_id, closed in flags:
        # Older releases could create several rows for a site.
        former = by_row[pk] = formers.setdefault(site_id, Former(site_id))
        former.closed |= bool(closed)
    strays = []
    for _, flag, pattern, description in patterns:
        if flag in by_row:
            by_row[flag].patterns.append((pattern, description))
        else:
            strays.append(pattern)
    return list(formers.values()), strays


def _rows(connection: BaseDatabaseWrapper, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """Return these columns of all rows, ordered by the first column."""
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            raise Refused(f"Table {table} of {NAME} not found.")
        here = {c.name for c in connection.introspection.get_table_description(cursor, table)}
        if missing := ", ".join(name for name in columns if name not in here):
            raise Refused(f"Table {table} does not belong to {NAME}: it has no {missing}.")
        quote = connection.ops.quote_name
        names = ", ".join(map(quote, columns))
        # No part of this statement is user input.
        cursor.execute(f"SELECT {names} FROM {quote(table)} ORDER BY {quote(columns[0])}")  # noqa: S608
        return list(cursor.fetchall())
