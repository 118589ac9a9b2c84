"""Compare this host's clock with the database's, which all hosts share."""

import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from time import monotonic

from django.db import connections, router
from django.utils import timezone

from maintenance_windows.models import SiteMaintenance

EVERY = 30.0  # seconds
# Larger differences are logged: each host starts and ends windows for visitors by its own clock.
TOLERANCE = timedelta(seconds=2)
# SQLite uses the clock of the host.
NOW = {"postgresql": "SELECT clock_timestamp()", "mysql": "SELECT utc_timestamp(6)"}

logger = logging.getLogger("maintenance_windows")
_due = 0.0


def compare() -> None:
    """Warn while this host's clock is wrong, at most twice a minute."""
    global _due  # noqa: PLW0603 (one interval for the whole process)
    if monotonic() < _due:
        return
    _due = monotonic() + EVERY
    off = skew()
    if abs(off) > TOLERANCE:
        text = "This host's clock is %+.1f s off the database's: set both by NTP."
        with suppress(Exception):  # such as of the project's logging filter
            logger.warning(text, off.total_seconds())


def skew() -> timedelta:
    """Return this host's time minus the database's; positive if this host is ahead."""
    connection = connections[router.db_for_write(SiteMaintenance)]
    if (sql := NOW.get(connection.vendor)) is None:
        return timedelta(0)
    with connection.cursor() as cursor:
        cursor.execute(sql)
        theirs: datetime = cursor.fetchone()[0]
    return timezone.now() - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))
