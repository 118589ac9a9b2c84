"""A preview of the next windows of a series before it is saved."""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.planning.series.plan import SeriesPlanner


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedWindow:
    """A coming window; `window` is set if it exists and no longer follows the series."""

    starts_at: datetime
    ends_at: datetime
    window: MaintenanceWindow | None = None


def preview(series: WindowSeries, now: datetime, number: int) -> list[PreviewedWindow]:
    """Return the next windows if the series were saved like this. Raises RuleError."""
    stored = WindowSeries.objects.filter(pk=series.pk).first() if series.pk else None
    taken = SeriesPlanner([series], now).plan(series, stored).taken
    free = (
        PreviewedWindow(starts_at=one.starts_at, ends_at=one.ends_at)
        for one in series.recurrence().occurrences(now)
        if one.date not in taken
    )
    live = MaintenanceWindow.objects.live(now).filter(series=series.pk) if series.pk else ()
    kept = [
        PreviewedWindow(starts_at=window.begins_at, ends_at=window.ends_at, window=window)
        for window in live
        if "times" in window.edits or window.begins_at <= now
    ]
    return sorted([*islice(free, number), *kept], key=lambda coming: coming.starts_at)[:number]
