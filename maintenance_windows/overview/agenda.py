"""The timeline as a list by day, for narrow screens and for people who prefer text."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from itertools import groupby

from django.utils.translation import gettext as _

from maintenance_windows.core.freezes import FrozenTime
from maintenance_windows.models.querysets import Status
from maintenance_windows.overview.bars import Bar, FreezeBar
from maintenance_windows.overview.status import Record
from maintenance_windows.wording.spans import format_day

MOST_LINES = 300
FOLDED = {Status.SCHEDULED, Status.COMPLETED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The lane of a site. `held` is the record of a site that is held, else None."""

    site: str
    bars: list[Bar]
    freezes: list[FreezeBar]
    held: Record | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A window, a freeze or a hold from `start`, with its times in words.

    `more` occurrences of its recurring window with the same status are left out. A freeze has a
    `reason`, and may be for several `sites`; a hold has a `level`.
    """

    start: datetime
    clock: str
    sites: tuple[str, ...]
    bar: Bar | None = None
    more: int = 0
    reason: str = ""
    level: str = ""


def days(
    rows: Iterable[Row], since: datetime, now: datetime, zone: tzinfo
) -> list[tuple[str, list[Line]]]:
    """Return the lines of each day, named in words, ordered by start."""
    chosen = list(rows)
    lines = [
        *_windows(chosen, since, zone),
        *_freezes(chosen, since, zone),
        *_holds(chosen, since, zone),
    ]
    lines.sort(key=lambda line: (line.start, line.sites))
    by_day = groupby(lines[:MOST_LINES], key=lambda line: _day(line.start, zone))
    return [
        (format_day(of_day[0].start, zone, now), of_day)
        for of_day in (list(some) for _heading, some in by_day)
    ]


def _windows(rows: Iterable[Row], since: datetime, zone: tzinfo) -> Iterator[Line]:
    for row in rows:
        times = Counter(map(_fold, row.bars))
        seen = set()
        for bar in sorted(row.bars, key=lambda bar: bar.span.start):
            if (fold := _fold(bar)) in seen:
                continue
            seen.add(fold)
            yield Line(
                start=max(bar.span.start, since),
                clock=_clock(bar.span.start, bar.span.end or bar.span.start, since, zone),
                sites=(row.site,),
                bar=bar,
                more=times[fold] - 1,
            )


def _fold(bar: Bar) -> tuple[object, ...]:
    """Return what a window shares with those that one line of the list stands for."""
    window = bar.window
    if window.series_id and bar.status in FOLDED:
        return window.series_id, bar.status
    return None, window.pk


def _freezes(rows: Iterable[Row], since: datetime, zone: tzinfo) -> Iterator[Line]:
    frozen: dict[FrozenTime, list[str]] = {}
    for row in rows:
        for freeze in row.freezes:
            frozen.setdefault(freeze.time, []).append(row.site)
    for time, sites in frozen.items():
        yield Line(
            start=max(time.starts_at, since),
            clock=_clock(time.starts_at, time.ends_at, since, zone),
            sites=tuple(sites),
            reason=time.reason,
        )


def _holds(rows: Iterable[Row], since: datetime, zone: tzinfo) -> Iterator[Line]:
    for row in rows:
        if row.held:
            at = datetime.fromisoformat(row.held["since"])
            yield Line(
                start=max(at, since),
                clock=_("from %(start)s") % {"start": _moments([at], max(at, since), zone)[0]},
                sites=(row.site,),
                level=row.held["level"],
            )


def _clock(starts_at: datetime, ends_at: datetime, since: datetime, zone: tzinfo) -> str:
    """Return start and end by the clock, with each day that the heading does not name."""
    parts = _moments([starts_at, ends_at], max(starts_at, since), zone)
    spaced = " " if any(" " in part for part in parts) else ""
    return f"{parts[0]}{spaced}\u2013{spaced}{parts[1]}"


def _moments(moments: list[datetime], heading: datetime, zone: tzinfo) -> list[str]:
    parts = []
    for moment in moments:
        local = moment.astimezone(zone)
        day = "" if local.date() == _day(heading, zone) else f"{format_day(moment, zone, heading)} "
        parts.append(f"{day}{local:%H:%M}")
    return parts


def _day(at: datetime, zone: tzinfo) -> date:
    return at.astimezone(zone).date()
