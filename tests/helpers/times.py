"""The times that tests are set at."""

from datetime import UTC, datetime, timedelta

# Sunday night, as operators like it; far enough ahead that no test's own clock is near.
TWO = datetime(2029, 11, 4, 2, 0, tzinfo=UTC)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
FOUR = TWO + 2 * HOUR
