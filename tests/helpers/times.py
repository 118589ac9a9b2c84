"""Times for tests."""

from datetime import UTC, datetime, timedelta

# A Sunday night, far from the real time.
TWO = datetime(2029, 11, 4, 2, 0, tzinfo=UTC)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
FOUR = TWO + 2 * HOUR
