"""The value of Retry-After."""

from datetime import datetime

from maintenance_windows.core.intervals import whole_seconds
from maintenance_windows.core.state import Maintenance


def retry_after(maintenance: Maintenance, now: datetime, open_ended: int | None) -> int | None:
    """Return the whole seconds until the end, or `open_ended` if the end is unknown."""
    if maintenance.until is None:
        return open_ended
    return whole_seconds(now, maintenance.until)


def spread(seconds: int, jitter: int, most: int | None, chance: float) -> int:
    """Add up to `jitter` seconds, so that clients do not all come back in the same second.

    `chance` is in [0, 1). The result never exceeds `most`: if `seconds` does, up to `jitter`
    seconds are taken from `most` instead.
    """
    if most is not None and seconds > most:
        least, most = max(1, most - jitter), max(1, most)
    else:
        least, most = seconds, min(seconds + jitter, seconds + jitter if most is None else most)
    return least + int(chance * (most - least + 1))
