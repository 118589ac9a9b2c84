"""When a client should come back."""

from datetime import datetime

from maintenance_windows.core.intervals import whole_seconds
from maintenance_windows.core.state import Maintenance


def retry_after(maintenance: Maintenance, now: datetime, open_ended: int | None) -> int | None:
    """Whole seconds until the end; `open_ended` where none is known."""
    if maintenance.until is None:
        return open_ended
    return whole_seconds(now, maintenance.until)


def spread(seconds: int, jitter: int, most: int | None, chance: float) -> int:
    """The value of Retry-After for one client, so that not all come back in the same second.

    `chance` is in [0, 1). At most `jitter` seconds later than `seconds`, never earlier; only
    where that is more than `most` is it `most`, and then up to `jitter` seconds earlier.
    """
    if most is not None and seconds > most:
        least, most = max(1, most - jitter), max(1, most)
    else:
        least, most = seconds, min(seconds + jitter, seconds + jitter if most is None else most)
    return least + int(chance * (most - least + 1))
