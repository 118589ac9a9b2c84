"""The `flush` that transactional tests call at their end.

Django's `flush` empties every table and sends post_migrate, which is most of a test's time. This
one does so once, remembers the resulting rows, and afterwards restores only the tables that
differ.
"""

from typing import Any

from django.contrib.sites.models import Site
from django.core.management.commands import flush
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from maintenance_windows.snapshot import runtime

Rows = list[tuple[Any, ...]]

fresh: dict[str, dict[str, Rows]] = {}  # by database alias and table name


class Command(flush.Command):
    def handle(self, **options: Any) -> None:
        runtime.forget()  # stop the refresher thread, which may not use the database after the test
        connection = connections[options["database"]]
        if (tables := fresh.get(connection.alias)) is None:
            super().handle(**options)
            names = connection.introspection.django_table_names(include_views=False)
            fresh[connection.alias] = {name: read(connection, name) for name in names}
            return
        changed = {
            name: rows
            for name, rows in tables.items()
            if read(connection, name, limit=len(rows) + 1) != rows
        }
        with connection.constraint_checks_disabled(), transaction.atomic(connection.alias):
            for name, rows in changed.items():
                refill(connection, name, rows)
        Site.objects.clear_cache()


def read(connection: BaseDatabaseWrapper, table: str, limit: int = 10_000) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)} LIMIT {limit}")
        return [tuple(row) for row in cursor.fetchall()]


def refill(connection: BaseDatabaseWrapper, table: str, rows: Rows) -> None:
    name = connection.ops.quote_name(table)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {name}")
        if rows:
            values = ", ".join(["%s"] * len(rows[0]))
            cursor.executemany(f"INSERT INTO {name} VALUES ({values})", rows)
