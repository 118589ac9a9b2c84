"""Half-open intervals of time, and the local times that a time zone skips or repeats."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from maintenance_windows.exceptions import AmbiguousTime

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    """Aware times from `start` up to but excluding `end`; None leaves the end open."""

    start: datetime
    end: datetime | None

    def covers(self, now: datetime) -> bool:
        return self.start <= now and (self.end is None or now < self.end)


def merge(spans: Iterable[Span]) -> list[Span]:
    """Join overlapping and touching spans into outages, ordered by start."""
    outages: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        last = outages[-1] if outages else None
        if last is None or (last.end is not None and last.end < span.start):
            outages.append(span)
        elif last.end is not None and (span.end is None or span.end > last.end):
            outages[-1] = Span(last.start, span.end)
    return outages


def covering(spans: Iterable[Span], now: datetime) -> Span | None:
    """Return the outage that `now` falls in, or None."""
    return next((outage for outage in merge(spans) if outage.covers(now)), None)


def whole_seconds(now: datetime, end: datetime) -> int:
    """Count the seconds from `now` to `end`, rounded up and at least 1.

    RFC 9110 section 10.2.3: delay-seconds is a non-negative decimal integer.
    """
    return max(1, -((now - end) // SECOND))


def rfc3339(moment: datetime | None) -> str | None:
    """Format an aware time in UTC by RFC 3339; None stays None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def from_local(naive: datetime, zone: tzinfo) -> datetime:
    """Convert a wall-clock time in `zone` to UTC.

    Raises AmbiguousTime if the zone's clock skips that time or shows it twice, and OverflowError
    if it lies outside the years that datetime supports.
    """
    readings = [naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    if readings[0] == readings[1]:
        return readings[0]
    skipped = readings[0].astimezone(zone).replace(tzinfo=None) != naive
    first, second = (reading.astimezone(zone).isoformat() for reading in sorted(readings))
    raise AmbiguousTime(
        skipped=skipped, time=naive.isoformat(" "), zone=str(zone), first=first, second=second
    )
