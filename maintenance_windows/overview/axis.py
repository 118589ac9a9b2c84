"""The time axis of the overview: positions in per cent, and rows for overlapping bars."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from maintenance_windows.core.intervals import Span

HUNDRED = 100.0


@dataclass(frozen=True, slots=True)
class Axis:
    """Aware times from `start` to `end`; `mirrored` for languages read from right to left."""

    start: datetime
    end: datetime
    mirrored: bool = False

    def at(self, moment: datetime) -> float:
        """Return the position of a moment in per cent from the left, clamped to the axis."""
        share = (moment - self.start) / (self.end - self.start)
        share = min(max(share, 0.0), 1.0) * HUNDRED
        return round(HUNDRED - share if self.mirrored else share, 3)

    def stretch(self, span: Span) -> tuple[float, float]:
        """Return the left edge and the width of a span in per cent."""
        edges = sorted([self.at(span.start), self.at(span.end or self.end)])
        return edges[0], round(edges[1] - edges[0], 3)

    def midnights(self, zone: tzinfo) -> Iterator[datetime]:
        """Yield the midnights of `zone` after the start, also after days of 23 or 25 hours."""
        day = self.start.astimezone(zone).date() + timedelta(days=1)
        while (midnight := datetime.combine(day, time(), zone).astimezone(UTC)) < self.end:
            yield midnight
            day += timedelta(days=1)

    def around(self, span: Span, share: float) -> Span:
        """Return a span as long as `share` of the axis, with the same middle, or the longer one."""
        start, end = max(span.start, self.start), min(span.end or self.end, self.end)
        least = (self.end - self.start) * share
        spare = max(least - (end - start), timedelta()) / 2
        return Span(start - spare, end + spare)


def stack(spans: Iterable[Span]) -> list[int]:
    """Return for each span, given in order of start, the first row where it overlaps no other."""
    rows: list[Span] = []
    placed: list[int] = []
    for span in spans:
        free = (n for n, last in enumerate(rows) if last.end is not None and last.end <= span.start)
        row = next(free, len(rows))
        rows[row : row + 1] = [span]
        placed.append(row)
    return placed
