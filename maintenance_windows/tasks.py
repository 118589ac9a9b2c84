"""The beat task that sets and clears the flags."""

import time
from datetime import timedelta
from typing import Any

from celery import shared_task
from django.utils import timezone

from maintenance_windows import reconcile

# A little over the second between two ticks, so that no boundary falls between them.
HORIZON = timedelta(seconds=1.1)


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def tick(**kwargs: Any) -> None:
    """Make the fleet right now, and again at each boundary of the second that follows."""
    stop = time.monotonic() + HORIZON.total_seconds()
    while (left := stop - time.monotonic()) > 0:
        boundary = reconcile.tick(horizon=timedelta(seconds=left))
        if boundary is None:
            return
        # The clock may step meanwhile: never wait longer than this tick lasts.
        wait = (boundary - timezone.now()).total_seconds()
        time.sleep(min(max(wait, 0.0), left))
