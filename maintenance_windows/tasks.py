"""The beat tasks: one sets and clears the flags, one makes the windows of series."""

import logging
import time
from datetime import timedelta
from typing import Any

from celery import shared_task
from django.db import Error as DatabaseError
from django.utils import timezone

from maintenance_windows import clock, reconcile, series
from maintenance_windows.logonce import LogOnce

# A little over the second between two ticks, so that no boundary falls between them.
HORIZON = timedelta(seconds=1.1)


complaints = LogOnce(logging.getLogger("maintenance_windows"), over="The tick works again.")


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def tick(**kwargs: Any) -> None:
    """Make the fleet right now, and again at each boundary of the second that follows."""
    try:
        clock.compare()
        watch_boundaries()
    except DatabaseError as error:
        complaints.now({"database": f"The tick fails, the next one will do it: {error}"})
    else:
        complaints.now({})


def watch_boundaries() -> None:
    stop = time.monotonic() + HORIZON.total_seconds()
    while (left := stop - time.monotonic()) > 0:
        boundary = reconcile.tick(horizon=timedelta(seconds=left))
        if boundary is None:
            return
        # The clock may step meanwhile: never wait longer than this tick lasts.
        wait = (boundary - timezone.now()).total_seconds()
        time.sleep(min(max(wait, 0.0), left))


# Of thousands of series it may take longer than a tick may.
@shared_task(ignore_result=True, soft_time_limit=540, time_limit=600)  # type: ignore[untyped-decorator]
def materialise(**kwargs: Any) -> None:
    """Make the windows of all series up to the horizon, and follow new zone data."""
    series.materialise()
