"""The flags in the database over time, and the recorded status changes."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

import psycopg

from tests.faults.supervised import Supervised
from tests.faults.windows import Window

FLAGS = (
    "SELECT s.domain, m.in_maintenance FROM maintenance_windows_sitemaintenance m"
    " JOIN django_site s ON s.id = m.site_id"
)
RECORD = (
    "SELECT s.domain, w.starts_at, w.ends_at, w.started_at, w.ended_at,"
    " array_agg(t.done_at) FILTER (WHERE t.in_maintenance),"
    " array_agg(t.done_at) FILTER (WHERE NOT t.in_maintenance),"
    " bool_and(t.due_at = CASE WHEN t.in_maintenance THEN w.starts_at ELSE w.ends_at END)"
    " FROM maintenance_windows_maintenancewindow w JOIN django_site s ON s.id = w.site_id"
    " LEFT JOIN maintenance_windows_transition t ON t.window_id = w.id"
    " GROUP BY s.domain, w.id ORDER BY w.starts_at"
)

# A tick reads the clock before it commits, so a change is seen a little later.
GRACE = timedelta(milliseconds=500)


class Flags:
    """Polls all flags every few milliseconds and keeps each change, across outages."""

    def __init__(self, fleet: Supervised, every: float = 0.005) -> None:
        self.fleet, self.every = fleet, every
        self.changes: list[tuple[str, bool, datetime]] = []
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join(10)

    def _watch(self) -> None:
        before: dict[str, bool] = {}
        while not self._left.is_set():
            try:
                with self.fleet.connection() as connection:
                    while not self._left.wait(self.every):
                        after = dict(connection.execute(FLAGS).fetchall())
                        now = datetime.now(UTC)
                        for site, on in after.items():
                            if before.get(site, on) != on:
                                self.changes.append((site, on, now))
                        before = after
            except psycopg.Error:
                time.sleep(0.05)

    def changed(self, site: str, *, on: bool, since: datetime) -> datetime | None:
        """When the flag was first seen with this value after `since`."""
        seen = (when for name, is_on, when in self.changes if (name, is_on) == (site, on))
        return next((when for when in seen if when >= since), None)

    def waited(self, site: str, *, on: bool, since: datetime, timeout: float) -> timedelta | None:
        """How long after `since` the flag got this value; None after the timeout."""
        stop = time.monotonic() + timeout
        while (seen := self.changed(site, on=on, since=since)) is None:
            if time.monotonic() > stop:
                return None
            time.sleep(0.01)
        return seen - since

    def early(self, windows: Iterable[Window]) -> list[str]:
        """Changes that were wrong when seen, and shortly before."""
        spans = list(windows)
        return [
            f"{site} {'set' if on else 'cleared'} {when:%H:%M:%S.%f}"
            for site, on, when in self.changes
            if on
            not in {
                any(w.site == site and w.start <= moment < w.end for w in spans)
                for moment in (when - GRACE, when)
            }
        ]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A window with what the database says has happened to it."""

    window: Window
    started_at: datetime | None
    ended_at: datetime | None
    set_at: tuple[datetime, ...]
    cleared_at: tuple[datetime, ...]
    in_time: bool

    @property
    def with_its_own_times(self) -> bool:
        """Whether the window and its status changes have the scheduled times."""
        planned = (self.window.start, self.window.end)
        return (self.started_at, self.ended_at) == planned and self.in_time

    @property
    def missed(self) -> bool:
        return not self.set_at and not self.cleared_at

    def lateness(self) -> list[timedelta]:
        return [moment - self.window.start for moment in self.set_at] + [
            moment - self.window.end for moment in self.cleared_at
        ]


def recorded(fleet: Supervised, windows: Iterable[Window] = ()) -> list[Recorded]:
    """All windows, or only these, as the database has them."""
    only, rows = set(windows), fleet.query(RECORD)
    found = [
        Recorded(
            Window(site, start, end),
            started_at,
            ended_at,
            tuple(set_at or ()),
            tuple(cleared_at or ()),
            in_time is not False,
        )
        for site, start, end, started_at, ended_at, set_at, cleared_at, in_time in rows
    ]
    return [one for one in found if not only or one.window in only]
