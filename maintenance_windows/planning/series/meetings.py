"""What each date of a series overlaps, before it is saved."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from django.contrib.sites.models import Site
from django.db.models import Q

from maintenance_windows.core.intervals import Span
from maintenance_windows.exceptions import RuleError
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.planning.overlaps import MAX_COMPARED

MAX_WINDOWS = 1000  # that are compared


class Meeting(NamedTuple):
    """A window that takes place at the same time; `window` is None if it is not created yet."""

    site: Site
    starts_at: datetime
    ends_at: datetime
    window: int | None
    series: int | None


def meetings(
    series: WindowSeries, sites: Collection[Site], spans: Sequence[Span], now: datetime
) -> list[list[Meeting]]:
    """Return for each span the windows of the sites that overlap it, in order of their starts."""
    ends = [span.end for span in spans if span.end is not None]
    if not (sites and ends):
        return [[] for _span in spans]
    around = Span(min(span.start for span in spans), max(ends))
    found = [*_single(series, sites, around, now), *_of_others(series, sites, around, now)]
    found.sort(key=lambda one: (one.starts_at, one.site.domain))
    return [
        [one for one in found if span.end and one.starts_at < span.end and span.start < one.ends_at]
        for span in spans
    ]


def _single(
    series: WindowSeries, sites: Collection[Site], around: Span, now: datetime
) -> Iterator[Meeting]:
    """Windows without a series, and those that somebody moved."""
    alone = Q(series=None) | Q(edited__contains="times")
    begins = Q(starts_at__lt=around.end) | Q(started_at__lt=around.end)
    rows = MaintenanceWindow.objects.live(now).filter(
        alone, begins, ends_at__gt=around.start, site__in=[site.pk for site in sites]
    )
    if series.pk:
        rows = rows.exclude(series=series.pk)
    for row in rows.select_related("site").order_by("starts_at", "pk")[:MAX_WINDOWS]:
        yield Meeting(row.site, row.begins_at, row.ends_at, row.pk, None)


def _of_others(
    series: WindowSeries, sites: Collection[Site], around: Span, now: datetime
) -> Iterator[Meeting]:
    others = WindowSeries.objects.going_on().filter(site__in=[site.pk for site in sites])
    chosen = others.exclude(pk=series.pk).select_related("site").order_by("site__domain", "pk")
    for other in chosen[:MAX_COMPARED]:
        try:
            theirs = list(other.recurrence().occurrences(max(now, around.start), around.end))
        except RuleError:
            continue  # written with SQL
        for one in theirs[:MAX_WINDOWS]:
            yield Meeting(other.site, one.starts_at, one.ends_at, None, other.pk)
