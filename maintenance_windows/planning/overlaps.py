"""Warnings about planned windows, for the admin and the shell: what they overlap, above all.

Overlapping windows are allowed, but seldom meant.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from itertools import islice
from typing import Any

from django.contrib.sites.models import Site
from django.db.models import Count, Q, Window
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from maintenance_windows.core.recurrence import Occurrence
from maintenance_windows.exceptions import RuleError
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.planning.lengths import length_warnings
from maintenance_windows.wording.spans import format_times

MAX_WARNINGS = 10
AHEAD = timedelta(days=366)  # occurrences of recurring windows that are compared
SAME = 5  # occurrences after which two recurring windows count as the same
MAX_COMPARED = 200  # recurring windows


def window_warnings(
    starts_at: datetime,
    ends_at: datetime,
    sites: Collection[Site],
    zone: tzinfo,
    now: datetime,
    *,
    level: str,
    exclude: Collection[int],
) -> list[str]:
    """Return a sentence for all that people should know of windows with these times."""
    return [
        *length_warnings(ends_at - starts_at, level, sites, now),
        *overlap_warnings(starts_at, ends_at, sites, zone, now, exclude=exclude),
    ]


def overlap_warnings(
    starts_at: datetime,
    ends_at: datetime,
    sites: Iterable[Site],
    zone: tzinfo,
    now: datetime,
    *,
    exclude: Collection[int],
) -> list[str]:
    """Return a sentence for each live window of the sites that overlaps these times.

    In one query. The spans are in `zone`, the language is the active one.
    """
    begins = Q(starts_at__lt=ends_at) | Q(started_at__lt=ends_at)
    found: list[Any] = list(
        MaintenanceWindow.objects.live(now)
        .filter(begins, ends_at__gt=starts_at, site__in=[site.pk for site in sites])
        .exclude(pk__in=exclude)
        .select_related("site")
        .annotate(number=Window(Count("*")))
        .order_by("site__domain", "starts_at", "pk")[:MAX_WARNINGS]
    )
    warnings = [_of_window(window, zone, now) for window in found]
    if found and (more := found[0].number - len(found)):
        warnings.append(_more(more))
    return warnings


def series_warnings(series: WindowSeries, sites: Sequence[Site], now: datetime) -> list[str]:
    """Return a sentence for each window, and each other series, that a series would overlap.

    `series` need not be saved, nor have a site. Raises RuleError.
    """
    recurrence = series.recurrence()
    occurrences = list(recurrence.occurrences(now, now + AHEAD))
    warnings = [
        *_of_other_series(series, occurrences, sites, now),
        *_of_single_windows(series, occurrences, sites, now),
    ]
    if (more := len(warnings) - MAX_WARNINGS) > 0:
        return [*warnings[:MAX_WARNINGS], _more(more)]
    return warnings


def _of_single_windows(
    series: WindowSeries, occurrences: Sequence[Occurrence], sites: Sequence[Site], now: datetime
) -> Iterator[str]:
    """Windows without a series, and those that somebody moved, also of this series."""
    alone = Q(series=None) | Q(edited__contains="times")
    found = MaintenanceWindow.objects.live(now).filter(alone, site__in=[one.pk for one in sites])
    for window in found.select_related("site").order_by("site__domain", "starts_at", "pk"):
        met = _meeting(occurrences, window.begins_at, window.ends_at)
        if met and not (window.series_id == series.pk and met.date == window.occurs_on):
            yield _of_window(window, series.recurrence().zone, now)


def _of_other_series(
    series: WindowSeries, occurrences: Sequence[Occurrence], sites: Sequence[Site], now: datetime
) -> Iterator[str]:
    others = WindowSeries.objects.going_on().filter(site__in=[site.pk for site in sites])
    zone = series.recurrence().zone
    chosen = others.exclude(pk=series.pk).select_related("site").order_by("site__domain", "pk")
    for other in chosen[:MAX_COMPARED]:
        texts: dict[str, object] = {"site": other.site, "id": other.pk}
        try:
            theirs = list(other.recurrence().occurrences(now, now + AHEAD))
        except RuleError:
            continue  # written with SQL
        if theirs and [one[1:] for one in theirs[:SAME]] == [one[1:] for one in occurrences[:SAME]]:
            yield _("%(site)s: recurring window %(id)s has the same times.") % texts
            continue
        meetings = (_meeting(occurrences, one.starts_at, one.ends_at) for one in theirs)
        if first := next(filter(None, meetings), None):
            texts["span"] = format_times(first.starts_at, first.ends_at, zone, now)
            sentence = _("%(site)s: overlaps recurring window %(id)s, the first time on %(span)s.")
            yield sentence % texts


def _meeting(
    occurrences: Sequence[Occurrence], starts_at: datetime, ends_at: datetime
) -> Occurrence | None:
    """Return the first occurrence that overlaps the times."""
    after = bisect_right(occurrences, starts_at, key=lambda one: one.ends_at)
    later = islice(occurrences, after, after + 1)
    return next((one for one in later if one.starts_at < ends_at), None)


def _of_window(window: MaintenanceWindow, zone: tzinfo, now: datetime) -> str:
    text = _(
        "%(site)s: overlaps window %(id)s (%(span)s). The site stays down for the combined period."
    )
    span = format_times(window.begins_at, window.ends_at, zone, now)
    return text % {"site": window.site, "id": window.pk, "span": span}


def _more(number: int) -> str:
    return ngettext("And one more.", "And %(number)s more.", number) % {"number": number}
