"""A preview of the next windows of a series before it is saved."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice

from django.contrib.sites.models import Site

from maintenance_windows.core.freezes import FrozenTime
from maintenance_windows.core.recurrence import Occurrence
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.planning import frozen
from maintenance_windows.planning.series.dates import since_when
from maintenance_windows.planning.series.plan import SeriesPlanner
from maintenance_windows.planning.series.starting import late

MOST_SKIPPED = 1000  # occurrences


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedWindow:
    """A coming window; `window` is set if it exists and no longer follows the series.

    `date` is that of its occurrence, `frozen` is set if the series skips it.
    """

    date: date | None
    starts_at: datetime
    ends_at: datetime
    window: MaintenanceWindow | None = None
    frozen: FrozenTime | None = None


def preview(series: WindowSeries, now: datetime, number: int) -> list[PreviewedWindow]:
    """Return the next windows if the series were saved like this. Raises RuleError."""
    stored = WindowSeries.objects.filter(pk=series.pk).first() if series.pk else None
    freezes = frozen.read(since_when(now))
    taken = SeriesPlanner([series], now, freezes).plan(series, stored).taken
    free = (
        _previewed(one, freezes.first([series.site_id], one.starts_at, one.ends_at), now)
        for one in series.recurrence().occurrences(now)
        if one.date not in taken
    )
    live = MaintenanceWindow.objects.live(now).filter(series=series.pk) if series.pk else ()
    kept = [
        PreviewedWindow(
            date=None, starts_at=window.begins_at, ends_at=window.ends_at, window=window
        )
        for window in live
        if "times" in window.edits or window.begins_at <= now
    ]
    return sorted([*islice(free, number), *kept], key=lambda coming: coming.starts_at)[:number]


def _previewed(one: Occurrence, frozen: FrozenTime | None, now: datetime) -> PreviewedWindow:
    starts_at = one.starts_at if frozen else late(one, now).starts_at
    return PreviewedWindow(date=one.date, starts_at=starts_at, ends_at=one.ends_at, frozen=frozen)


def upcoming(
    template: WindowSeries, sites: Collection[Site], now: datetime, number: int
) -> Iterator[tuple[Occurrence, dict[Site, FrozenTime]]]:
    """Yield the next occurrences of a template, each with the sites that skip it.

    It ends with the occurrence that is the `number`th on at least one site, or when as many as
    MOST_SKIPPED more are skipped. Raises RuleError.
    """
    freezes = frozen.read(since_when(now))
    for one in islice(template.recurrence().occurrences(now), number + MOST_SKIPPED):
        skipped = {
            site: met
            for site in sites
            if (met := freezes.first([site.pk], one.starts_at, one.ends_at))
        }
        takes_place = len(skipped) < len(sites)
        yield (late(one, now) if takes_place else one), skipped
        number -= takes_place
        if not number:
            return
