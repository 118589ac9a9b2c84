"""How long something takes, and what it asks the database."""

from collections.abc import Callable
from time import perf_counter

from django.db import connection
from django.test.utils import CaptureQueriesContext

Work = Callable[[], object]


def milliseconds(work: Work) -> float:
    begun = perf_counter()
    work()
    return 1000 * (perf_counter() - begun)


def queries(work: Work) -> list[str]:
    """Without what begins and ends a transaction."""
    with CaptureQueriesContext(connection) as captured:
        work()
    statements = (query["sql"] for query in captured)
    return [sql for sql in statements if not sql.startswith(("BEGIN", "COMMIT"))]
