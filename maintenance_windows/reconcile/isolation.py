"""Transactions that see what other writers committed before the lock, at any isolation level.

PostgreSQL's REPEATABLE READ and SERIALIZABLE show what was committed before the first statement,
which is the one that waits for the lock. So our own transactions are READ COMMITTED there. On
MariaDB REPEATABLE READ shows what was committed before the first SELECT, which follows the lock.
READ COMMITTED would not do there: statement-based binary logs exclude it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

from django.db import connections, transaction
from django.utils.translation import gettext as _

from maintenance_windows.exceptions import Refused

IDLE = 0  # psycopg and psycopg2: no statement of a transaction has been sent
SET = "SET TRANSACTION ISOLATION LEVEL"
STALE = {"REPEATABLE READ", "SERIALIZABLE"}

# Connections inside fresh_transaction(), so that a verb may call another.
_fresh: WeakSet[Any] = WeakSet()


@contextmanager
def fresh_transaction(using: str) -> Iterator[str]:
    """Open a transaction whose reads follow the lock, and yield the SQL to send before it.

    Raises Refused inside a transaction that has begun at a level that hides later commits.
    """
    connection = connections[using]
    is_nested = connection in _fresh
    opening = "" if is_nested else open_fresh(connection)
    if opening is None and not _is_test(connection):
        sentence = _(
            "A transaction at isolation level %(level)s does not see changes that others make: "
            "do this outside of it."
        )
        raise Refused(sentence % {"level": level(connection)})
    with transaction.atomic(using=using):
        _fresh.add(connection)
        try:
            yield opening or ""
        finally:
            if not is_nested:
                _fresh.discard(connection)


def open_fresh(connection: Any) -> str | None:
    """Return the SQL to send first so that reads follow the lock, None if it is too late."""
    is_open = connection.in_atomic_block or not connection.get_autocommit()
    match connection.vendor:
        case "postgresql":
            read_committed = f"{SET} READ COMMITTED;"
            if not is_open:
                return read_committed
            if level(connection) in STALE:
                if connection.connection.info.transaction_status != IDLE:
                    return None
                with connection.cursor() as cursor:  # now, because a savepoint would come first
                    cursor.execute(read_committed)
        case "mysql":
            if is_open:
                return None if level(connection) in STALE else ""
            if connection.isolation_level not in {"read committed", "repeatable read"}:
                return f"{SET} REPEATABLE READ"
    return ""


def level(connection: Any) -> str:
    """Return the isolation level of the connection's transactions, in SQL's words."""
    chosen = connection.isolation_level
    if connection.vendor == "postgresql":
        return str(chosen.name.replace("_", " "))
    if chosen is None:
        with connection.cursor() as cursor:
            # MariaDB and MySQL name it differently.
            names = "'transaction_isolation', 'tx_isolation'"
            cursor.execute(f"SHOW VARIABLES WHERE variable_name IN ({names})")
            chosen = cursor.fetchone()[1].replace("-", " ")
    return str(chosen.upper())


def _is_test(connection: Any) -> bool:
    """Return whether django.test.TestCase has opened the transaction: nobody else writes then."""
    return any(block._from_testcase for block in connection.atomic_blocks)  # noqa: SLF001
