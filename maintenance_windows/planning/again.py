"""Reads what a window is, so that it can be planned again."""

from datetime import timedelta
from typing import NamedTuple

from django.contrib.sites.models import Site

from maintenance_windows.core.state import Level
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.planning.rules import unknown


class Pattern(NamedTuple):
    """What a window is, but for its start: the arguments with which it can be planned again."""

    site: Site
    length: timedelta
    level: Level
    title: str
    message: str


def like(window_id: int) -> Pattern:
    """Return what a window is, whatever its status, so that it can be planned again."""
    window = MaintenanceWindow.objects.select_related("site").filter(pk=window_id).first()
    if window is None:
        raise unknown(window_id)
    length = window.ends_at - window.starts_at
    return Pattern(window.site, length, Level(window.level), window.title, window.message)
