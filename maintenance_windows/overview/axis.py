"""A stretch of time laid out from 0 to 100 per cent, and what is drawn on it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo

from maintenance_windows.core.intervals import Span

HUNDRED = 100.0


@dataclass(frozen=True, slots=True)
class Axis:
    """Aware times from `start` up to `end`; `mirrored` where one reads from right to left."""

    start: datetime
    end: datetime
    mirrored: bool = False

    def at(self, moment: datetime) -> float:
        """Where a moment lies, in per cent from the left; beyond the ends at the ends."""
        share = (moment - self.start) / (self.end - self.start)
        share = min(max(share, 0.0), 1.0) * HUNDRED
        return round(HUNDRED - share if self.mirrored else share, 3)

    def stretch(self, span: Span) -> tuple[float, float]:
        """Where a span begins from the left, and how wide it is, in per cent."""
        edges = sorted([self.at(span.start), self.at(span.end or self.end)])
        return edges[0], round(edges[1] - edges[0], 3)

    def midnights(self, zone: tzinfo) -> Iterator[datetime]:
        """Each midnight on the axis by the clock of `zone`, also where days have 23 hours."""
        day = self.start.astimezone(zone).date() + timedelta(days=1)
        while (midnight := datetime.combine(day, time(), zone)) < self.end:
            yield midnight
            day += timedelta(days=1)


def stack(spans: Iterable[Span]) -> list[int]:
    """For each span, in order of its start, the first row in which it meets no earlier one."""
    rows: list[Span] = []
    placed: list[int] = []
    for span in spans:
        free = (n for n, last in enumerate(rows) if last.end is not None and last.end <= span.start)
        row = next(free, len(rows))
        rows[row : row + 1] = [span]
        placed.append(row)
    return placed


def depth(rows: Sequence[int]) -> int:
    """How many rows there are; one where nothing is drawn."""
    return max(rows, default=0) + 1
