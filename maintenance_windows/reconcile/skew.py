"""How far the clock of this host is from the database's, which all hosts share."""

import logging
from datetime import UTC, datetime, timedelta
from time import monotonic

from django.db import connections, router
from django.utils import timezone

from maintenance_windows.models import SiteMaintenance

EVERY = 30.0  # seconds
# More than this is worth a word: windows open and close for visitors by the clock of each host.
TOLERANCE = timedelta(seconds=2)
# SQLite has the clock of the host.
NOW = {"postgresql": "SELECT clock_timestamp()", "mysql": "SELECT utc_timestamp(6)"}

logger = logging.getLogger("maintenance_windows")
_due = 0.0


def compare() -> None:
    """Warn, twice a minute at the most, while this host's clock is wrong."""
    global _due  # noqa: PLW0603 (once a process is the point)
    if monotonic() < _due:
        return
    _due = monotonic() + EVERY
    off = skew()
    if abs(off) > TOLERANCE:
        logger.warning(
            "This host's clock is %+.1f s off the database's: set both by NTP.", off.total_seconds()
        )


def skew() -> timedelta:
    """This host's clock less the database's; positive where it is ahead."""
    connection = connections[router.db_for_write(SiteMaintenance)]
    if (sql := NOW.get(connection.vendor)) is None:
        return timedelta(0)
    with connection.cursor() as cursor:
        cursor.execute(sql)
        theirs: datetime = cursor.fetchone()[0]
    return timezone.now() - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))
