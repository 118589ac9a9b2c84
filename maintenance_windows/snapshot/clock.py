"""The time that counts: that of the database, which all hosts share.

Every statement that tells the database's time also corrects the clock of this process, so that
now() needs no query. Where the hosts' clocks agree with the database's, now() is the host's time.
SQLite has no clock of its own: there the host's counts.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from math import inf

from django.db import connections, router
from django.utils import timezone

from maintenance_windows.conf import conf
from maintenance_windows.logonce import LogOnce, get_logger
from maintenance_windows.models import SiteMaintenance
from maintenance_windows.snapshot import threads

SQL = {"postgresql": "SELECT clock_timestamp()", "mysql": "SELECT utc_timestamp(6)"}

# After the database has told its time, that time goes on for so many seconds by a clock that nobody
# sets. Until the next reading, one that steps changes nothing.
FRESH = 2.0

# A clock that keeps counting while the machine sleeps; time.monotonic() does not on Linux.
if hasattr(time, "CLOCK_BOOTTIME"):
    elapsed = partial(time.clock_gettime, time.CLOCK_BOOTTIME)
else:
    elapsed = partial(time.time)

_offset = timedelta(0)  # of the database's clock from this host's
_last: tuple[datetime, float] = (datetime.min.replace(tzinfo=UTC), -inf)  # by now() and elapsed()
_is_hosts = False
_problems = LogOnce(get_logger(), over="This host's clock agrees with the database's.")


def now() -> datetime:
    """Return this host's time, corrected by the last time that the database told; in UTC."""
    told, at = _last
    since = elapsed() - at
    return told + timedelta(seconds=since) if since < FRESH else timezone.now() + _offset


def ask() -> datetime:
    """Return the database's time, by a query."""
    connection = connections[router.db_for_write(SiteMaintenance)]
    if (sql := SQL.get(connection.vendor)) is None:
        return now()
    sent = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return observe(cursor.fetchone()[0], sent)


def observe(told: datetime | None, sent: datetime) -> datetime:
    """Correct the clock by the time that a statement told, sent at `sent` by this host's clock.

    The time was told between `sent` and now, so a correction that agrees with that stays as it is:
    a slow answer is no wrong clock. Nothing changes without a time, which SQLite has not, and in
    the tests of a project, which stop the host's. Returns the time that counts.
    """
    global _offset, _last  # noqa: PLW0603 (one clock for each process)
    if told is None or _is_hosts or not threads.may_run():
        return now()
    told = told if told.tzinfo else told.replace(tzinfo=UTC)  # MariaDB's has no zone
    here = timezone.now()
    _offset = min(max(_offset, told - here), told - sent)
    _last = here + _offset, elapsed()
    _report(-_offset)
    return told


def off() -> timedelta:
    """Return this host's time minus the database's; positive if this host is ahead."""
    return -_offset


def problem(off: timedelta) -> str | None:
    """Return a sentence if a clock that is `off` by so much is more wrong than tolerated."""
    if abs(off) <= conf.MAINTENANCE_CLOCK_TOLERANCE:
        return None
    side = "ahead of" if off > timedelta(0) else "behind"
    seconds = abs(off).total_seconds()
    return f"This host's clock is {seconds:.0f} s {side} the database's: check NTP."


def _report(off: timedelta) -> None:
    sentence = problem(off)
    _problems.now({off > timedelta(0): sentence} if sentence else {})


def forget() -> None:
    """Start over with the host's time, as between two tests."""
    global _offset, _last
    _offset, _last = timedelta(0), (_last[0], -inf)


@contextmanager
def hosts_clock() -> Iterator[None]:
    """Let the host's clock count, for tests that stop it."""
    global _offset, _last, _is_hosts
    before = _offset, _last, _is_hosts
    _offset, _last, _is_hosts = timedelta(0), (before[1][0], -inf), True
    try:
        yield
    finally:
        _offset, _last, _is_hosts = before
