"""What people should know of a series before it is saved: valid need not be what they mean."""

from collections.abc import Sequence
from datetime import datetime

from django.contrib.sites.models import Site
from django.utils.translation import gettext as _

from maintenance_windows.models import WindowSeries
from maintenance_windows.planning.lengths import length_warnings
from maintenance_windows.planning.overlaps import series_warnings


def notes(series: WindowSeries, sites: Sequence[Site], now: datetime) -> list[str]:
    """Return sentences about a valid series, saved or not, on these sites."""
    recurrence = series.recurrence()
    found = []
    if recurrence.overlaps(now):
        found.append(_("These windows overlap. The site stays down for the combined period."))
    for day in recurrence.misses(now.astimezone(recurrence.zone).date()):
        texts = {"date": day.isoformat()}
        sentence = _("There is no window to skip on %(date)s.")
        if near := recurrence.nearest(day):
            texts["near"] = near.isoformat()
            sentence = _("There is no window to skip on %(date)s: the nearest starts on %(near)s.")
        found.append(sentence % texts)
    found += length_warnings(series.length, series.level, sites, now)
    return [*found, *series_warnings(series, sites, now)]
