"""The expected maintenance of one site, computed minute by minute from the actions on it.

The oracle shares no code with the app: no spans, no queries and no stored results. All boundaries
are whole minutes, so actions within a minute see the state at its start.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

FULL, READ_ONLY = "full", "read_only"
ACTOR = "alice"

Levels = list[str | None]  # of each minute; None while the site is up, and the last continues


def served_again(levels: Levels, minute: int, refused: set[str]) -> int | None:
    """The first minute whose level is not among those that refuse a request, or None."""
    return next((n for n in range(minute, len(levels)) if levels[n] not in refused), None)


def next_full(levels: Levels, minute: int) -> int | None:
    """The first full minute that follows in a read-only outage without a gap, or None."""
    if levels[minute] != READ_ONLY:
        return None
    end = served_again(levels, minute, {READ_ONLY})
    return end if end is not None and levels[end] == FULL else None


def next_stricter(levels: Levels, minute: int) -> int | None:
    """The next minute at which the site goes down, or down fully, or None."""
    for n, (before, after) in enumerate(pairwise(levels[minute:]), start=minute + 1):
        if after != before and (after == FULL or before is None):
            return n
    return None


@dataclass(eq=False)
class Window:
    """`start` is the actual start, before `planned` when the window was started early.

    A recorded start, end or cancellation is final, whatever later clocks show.
    """

    site: int
    number: int
    planned: int
    end: int
    level: str
    start: int = field(init=False)
    begun: bool = False
    over: bool = False
    cancelled: bool = False
    by_hand: bool = False  # somebody cancelled it, not its series
    moved: bool = False  # its times are no longer those of its series
    series: "Series | None" = None

    def __post_init__(self) -> None:
        self.start = self.planned

    def is_over(self, minute: int) -> bool:
        return self.over or self.end <= minute

    def is_waiting(self, minute: int) -> bool:
        return not self.is_over(minute) and not self.begun and minute < self.start

    def covers(self, minute: int) -> bool:
        return not self.is_over(minute) and not self.is_waiting(minute)

    def cancel(self, *, by_hand: bool) -> None:
        self.over = self.cancelled = True
        self.by_hand = by_hand

    def restore(self) -> None:
        self.over = self.cancelled = self.by_hand = False
        self.start = self.planned

    def stop(self, minute: int) -> None:
        """End the window early, but not before its start."""
        self.end = max(minute, self.start)
        self.over = True

    def record(self, minute: int) -> bool:
        """Record a start or an end that is due; return whether there was one."""
        before = self.begun, self.over
        if not self.over and self.start <= minute:
            self.begun, self.over = True, self.end <= minute
        return (self.begun, self.over) != before


@dataclass(eq=False)
class Series:
    """A recurring window, of which one occurrence is tonight. `window` is None if it has none."""

    site: int
    number: int
    planned: int
    end: int
    level: str
    skipped: bool = False
    window: Window | None = None

    def follow(self, minute: int, frozen: bool, late: int) -> bool:
        """Let the window be what the series says; return whether there is to be a new one.

        `late` is the start of one that should have started.
        """
        window = self.window
        due = self.end > minute and not self.skipped and not frozen
        if window is None:
            return due
        if window.cancelled and due and not window.by_hand:
            if not window.moved:
                window.planned, window.end = self.planned, self.end
            if minute - window.planned > 1:
                window.planned = late
            window.restore()
        elif window.is_waiting(minute) and not due and not window.moved:
            window.cancel(by_hand=False)
        return False


@dataclass(eq=False)
class Freeze:
    number: int
    sites: tuple[int, ...]
    start: int
    end: int
    ended: int | None = None

    def meets(self, site: int, start: int, end: int) -> bool:
        last = self.end if self.ended is None else min(self.end, self.ended)
        return site in self.sites and max(start, self.start) < min(end, last)


class Row(NamedTuple):
    """An expected status change; `actor` is empty when a tick made it."""

    on: bool
    due: int
    done: int
    actor: str


class Flag(NamedTuple):
    on: bool
    until: int | None
    level: str


UP = Flag(on=False, until=None, level=FULL)


class Plan:
    """The windows and the hold of one site, and what was recorded at the last look."""

    def __init__(self) -> None:
        self.windows: list[Window] = []
        self.hold: str | None = None
        self.looked = 0
        self.flag = UP
        self.rows: list[Row] = []

    def level(self, minute: int) -> str | None:
        """The site's level; None while it is up."""
        levels = [window.level for window in self.windows if window.covers(minute)]
        if self.hold:
            levels.append(self.hold)
        return FULL if FULL in levels else READ_ONLY if levels else None

    def ahead(self, minute: int) -> Levels:
        """The level of each minute from this one; the last level continues."""
        last = max([minute, *(window.end for window in self.windows)])
        return [self.level(at) for at in range(minute, last + 1)]

    def changes(self, minute: int, stop: int) -> list[tuple[bool, int]]:
        """When the site goes down (True) or comes up (False), after `minute` and until `stop`."""
        closed = [self.level(at) is not None for at in range(minute, stop + 1)]
        steps = enumerate(pairwise(closed), start=minute + 1)
        return [(after, at) for at, (before, after) in steps if before is not after]

    def boundary(self, minute: int) -> int | None:
        """The next minute at which a window starts or ends."""
        live = [window for window in self.windows if not window.over]
        times = [window.end if window.begun else window.start for window in live]
        return min((time for time in times if time > minute), default=None)

    def look(self, minute: int) -> bool:
        """Record what became due since the last look; return whether anything was due.

        The flag never shows an outage that started and ended between two looks. A clock that steps
        back makes nothing due and undoes nothing.
        """
        up = [at for at in range(self.looked, minute + 1) if self.level(at) is None]
        if up and self.flag.on:
            self.rows.append(Row(False, up[0], minute, ""))
        if up and self.level(minute):
            self.rows.append(Row(True, up[-1] + 1, minute, ""))
        return self._record(minute)

    @contextmanager
    def verb(self, minute: int, actor: str = ACTOR) -> Iterator[None]:
        """Apply an action: its own effects get an actor, overdue changes do not."""
        self.look(minute)
        yield
        for window in self.windows:
            if not window.begun and window.planned < minute:
                window.start = minute  # the site was up until now
        closed = self.level(minute) is not None
        if closed is not self.flag.on:
            self.rows.append(Row(closed, minute, minute, actor))
        self._record(minute)

    def _record(self, minute: int) -> bool:
        due = [window.record(minute) for window in self.windows]
        ahead = self.ahead(minute)
        if self.hold:
            self.flag = Flag(True, None, self.hold)
        elif ahead[0]:
            self.flag = Flag(True, minute + ahead.index(None), ahead[0])
        else:
            self.flag = UP
        self.looked = minute
        return any(due)
