"""Stable UIDs of calendar events.

The UID of an occurrence comes from its first local date, in the zone that its series had then. It
therefore survives when the window is created, moved or cancelled, when the series changes its
times or its zone, and when the series returns to a date that it had left out.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from uuid import UUID, uuid5

from maintenance_windows.exceptions import RuleError
from maintenance_windows.models import Change, MaintenanceWindow, WindowSeries
from maintenance_windows.models.series import zone

NAMESPACE = UUID("5d7c0f3e-6a52-4d0b-9a3c-3f1f6f0c8e21")


def uid(*names: object) -> str:
    """Return a stable, globally unique id: a UUID, as RFC 7986, section 5.3, recommends."""
    return str(uuid5(NAMESPACE, " ".join(map(str, names))))


def of_occurrence(series: WindowSeries, day: date, zone_name: str = "") -> str:
    """Return the UID of the window that a series has or will have on a local date."""
    name = zone_name or series.zone
    return uid("series", series.pk, series.created_at.isoformat(), name, day.isoformat())


def of_window(
    window: MaintenanceWindow, changes: Iterable[Change], changes_of_series: Iterable[Change]
) -> str:
    """Return the UID of a window, see of_occurrence(). Changes are given oldest first."""
    series = window.series
    if series is None:
        return alone(window)
    since = [change.changes for change in changes_of_series if change.at > window.created_at]
    zones = [changed["zone"][0] for changed in since if "zone" in changed]
    if window.occurs_on and not zones:
        return of_occurrence(series, window.occurs_on)
    # A window that its series cancelled has no date, and another zone may give it another date.
    first_zone = zones[0] if zones else series.zone
    day = _local_date(_first_start(window, changes), first_zone)
    return of_occurrence(series, day, first_zone)


def alone(window: MaintenanceWindow) -> str:
    """Return the UID of a window without a series."""
    return uid("window", window.pk, window.created_at.isoformat())


def _first_start(window: MaintenanceWindow, changes: Iterable[Change]) -> datetime:
    moves = (change.changes["starts_at"] for change in changes if "starts_at" in change.changes)
    first = next(moves, None)
    return window.starts_at if first is None else datetime.fromisoformat(first[0])


def _local_date(moment: datetime, zone_name: str) -> date:
    try:
        return moment.astimezone(zone(zone_name)).date()
    except RuleError:
        return moment.astimezone(UTC).date()  # the zone no longer exists
