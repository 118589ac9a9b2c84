"""The dates of a recurring window in its preview: what each overlaps, and whether it is skipped."""

from collections.abc import Collection, Iterator
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from django.contrib.sites.models import Site
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from maintenance_windows.core.freezes import FrozenTime
from maintenance_windows.core.intervals import Span, rfc3339
from maintenance_windows.models import WindowSeries
from maintenance_windows.planning import series as verbs
from maintenance_windows.planning.series.meetings import Meeting, meetings
from maintenance_windows.planning.series.preview import preview, upcoming
from maintenance_windows.wording.spans import format_clocks, format_times

PREVIEWED = 10  # windows that a preview shows
MAX_NAMED = 3  # overlaps of one date


@dataclass(frozen=True, kw_only=True)
class Row:
    """A date of a preview. `day` is None where it cannot be skipped here."""

    starts_at: datetime
    ends_at: datetime
    day: date | None
    is_skipped: bool = False
    notes: list[str] = field(default_factory=list)

    def when(self, zone: tzinfo, now: datetime) -> str:
        return format_times(self.starts_at, self.ends_at, zone, now)

    def iso(self) -> str:
        """The times as an interval of ISO 8601."""
        return "/".join(str(rfc3339(moment)) for moment in (self.starts_at, self.ends_at))


def describe_dates(series: WindowSeries, sites: Collection[Site], now: datetime) -> dict[str, Any]:
    """The context of the preview of a series, or of the template of one for each site."""
    zone = series.recurrence().zone
    rows = list(_coming(series, now) if series.pk or not sites else _new(series, sites, now))
    shown = [row for row in rows if not row.is_skipped]
    met = meetings(series, sites, [Span(row.starts_at, row.ends_at) for row in shown], now)
    for row, found in zip(shown, met, strict=True):
        row.notes.extend(_at_most([_overlap(one, zone, now) for one in found]))
    return {
        "words": series.words(),
        "zone": zone,
        "dates": [
            {
                "row": row,
                "day": row.day.isoformat() if row.day else "",
                "when": row.when(zone, now),
                "in_utc": "" if str(zone) == "UTC" else row.when(UTC, now),
            }
            for row in rows
        ],
        "notes": verbs.notes(series, list(sites), now),
        "now": now,
    }


def _new(series: WindowSeries, sites: Collection[Site], now: datetime) -> Iterator[Row]:
    """The next dates of a series that is not saved, with those that are left out on purpose."""
    coming = list(upcoming(series, sites, now, PREVIEWED))
    rows = [
        Row(
            starts_at=one.starts_at,
            ends_at=one.ends_at,
            day=one.date,
            is_skipped=bool(frozen) and len(frozen) == len(sites),
            notes=_in_freezes(frozen, len(sites)),
        )
        for one, frozen in coming
    ]
    yield from sorted([*rows, *_left_out(series, rows, now)], key=lambda row: row.starts_at)


def _coming(series: WindowSeries, now: datetime) -> Iterator[Row]:
    """The next dates of a series that is about to change, or of one without a site yet."""
    rows = []
    for one in preview(series, now, PREVIEWED):
        notes = [_frozen(one.frozen)] if one.frozen else []
        if one.window and one.window.edited:
            notes.append(_("edited individually"))
        rows.append(
            Row(
                starts_at=one.starts_at,
                ends_at=one.ends_at,
                day=one.date,
                is_skipped=bool(one.frozen),
                notes=notes,
            )
        )
    yield from sorted([*rows, *_left_out(series, rows, now)], key=lambda row: row.starts_at)


def _left_out(series: WindowSeries, rows: list[Row], now: datetime) -> Iterator[Row]:
    """The skipped dates of the form up to the last row."""
    if not series.excluded or not rows:
        return
    whole = copy(series)
    whole.excluded = []
    last = max(row.starts_at for row in rows) + timedelta(seconds=1)
    for one in whole.recurrence().occurrences(now, last):
        if one.date.isoformat() in series.excluded:
            yield Row(
                starts_at=one.starts_at, ends_at=one.ends_at, day=one.date, is_skipped=True
            )  # fmt: skip


def _in_freezes(frozen: dict[Site, FrozenTime], number: int) -> list[str]:
    if not frozen:
        return []
    if len(frozen) == number:
        return [_frozen(next(iter(frozen.values())))]
    texts = (f"{site.domain}: {_frozen(met)}" for site, met in frozen.items())
    return _at_most(list(texts))


def _frozen(met: FrozenTime) -> str:
    return _("skipped: freeze %(reason)s") % {"reason": met.reason}


def _overlap(met: Meeting, zone: tzinfo, now: datetime) -> str:
    text = _("%(site)s: overlaps window %(id)s, %(times)s")
    if met.window is None:
        text = _("%(site)s: overlaps recurring window %(id)s, %(times)s")
    times = format_clocks(met.starts_at, met.ends_at, zone, now)
    return text % {"site": met.site.domain, "id": met.window or met.series, "times": times}


def _at_most(texts: list[str]) -> list[str]:
    if (more := len(texts) - MAX_NAMED) <= 0:
        return texts
    also = ngettext("And one more.", "And %(number)s more.", more) % {"number": more}
    return [*texts[:MAX_NAMED], also]
