"""The beat tasks: one sets and clears the flags, one makes the windows of series."""

import logging
from typing import Any

from celery import shared_task
from django.db import Error as DatabaseError

from maintenance_windows.logonce import LogOnce
from maintenance_windows.planning import series
from maintenance_windows.reconcile import skew
from maintenance_windows.reconcile.tick import watch_boundaries

complaints = LogOnce(logging.getLogger("maintenance_windows"), over="The tick works again.")


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def tick(**kwargs: Any) -> None:
    """Make the fleet right now, and again at each boundary of the second that follows."""
    try:
        skew.compare()
        watch_boundaries()
    except DatabaseError as error:
        complaints.now({"database": f"The tick fails, the next one will do it: {error}"})
    else:
        complaints.now({})


# Of thousands of series it may take longer than a tick may.
@shared_task(ignore_result=True, soft_time_limit=540, time_limit=600)  # type: ignore[untyped-decorator]
def materialise(**kwargs: Any) -> None:
    """Make the windows of all series up to the horizon, and follow new zone data."""
    series.materialise()
