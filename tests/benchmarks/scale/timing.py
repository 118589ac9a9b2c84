"""Times and queries of a call."""

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
    """The queries of a call, without BEGIN and COMMIT."""
    with CaptureQueriesContext(connection) as captured:
        work()
    statements = (query["sql"] for query in captured)
    return [sql for sql in statements if not sql.startswith(("BEGIN", "COMMIT"))]
