"""The timeline of the overview: for each site the bars of its windows, holds and freezes."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from django.contrib.sites.models import Site
from django.db.models import Q
from django.http import HttpRequest

from maintenance_windows.core.intervals import Span
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.models.querysets import Status
from maintenance_windows.overview import agenda, scale, status
from maintenance_windows.overview.axis import Axis
from maintenance_windows.overview.bars import ROW, Bar, Count, FreezeBar, count, freeze_bar, place
from maintenance_windows.overview.links import Links
from maintenance_windows.overview.scale import Scale
from maintenance_windows.planning import frozen

MOST_BARS = 100  # for each site
MOST_ROWS = 4  # on a week or a month; more windows at once are counted
STEPS = {scale.DAYS: 15}  # minutes to which a pointer snaps
STEP = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One site; `record` is its entry in `maintenance status --json`.

    `hold` is the left edge and the width of the bar of a hold, and `counted` are the bars that a
    count stands for.
    """

    site: Site
    record: status.Record
    bars: list[Bar]
    counted: list[Bar]
    counts: list[Count]
    height: int
    hold: tuple[float, float] | None
    freezes: list[FreezeBar]


def context(
    request: HttpRequest, sites: Collection[Site], now: datetime, zone: tzinfo, *, mirrored: bool
) -> dict[str, Any]:
    """Return what timeline.html shows of these sites; the query chooses the time, see Scale."""
    query = request.GET
    shown = Scale.read(query, now, zone)
    axis = shown.axis(mirrored=mirrored)
    links = Links(query, shown)
    found = list(lanes(sites, axis, now, shown, links))
    last = axis.end - timedelta.resolution
    return {
        "lanes": found,
        "axis": axis,
        "timeline": {
            "links": links,
            "list": query.get("view") == "list",
            "may_cancel": request.user.has_perm("maintenance_windows.change_maintenancewindow"),
            "first": axis.start,
            "last": last.astimezone(zone).date(),
            "line": axis.at(now) if axis.start <= now < axis.end else None,
            "step": STEPS.get(shown.days, STEP),
            "major": shown.major(axis),
            "minor": shown.minor(axis),
            "lines": shown.lines(axis),
            "midnights": [axis.at(midnight) for midnight in shown.midnights()],
            "nights": shown.nights(axis),
            "weekends": shown.weekends(axis),
            "agenda": agenda.days(map(_row, found), axis.start, now, zone),
        },
    }


def lanes(
    chosen: Collection[Site], axis: Axis, now: datetime, shown: Scale, links: Links
) -> Iterator[Lane]:
    """Yield a lane for each site, in the given order."""
    windows, freezes = _windows(chosen, axis), frozen.read(axis.start)
    running = _running(chosen, now)
    for site, record in zip(chosen, status.sites(chosen, now), strict=True):
        hold = _hold(record, axis, now if running[site.pk] else None)
        top = ROW if hold else 0
        limit = MOST_BARS if shown.days == scale.DAYS else MOST_ROWS
        found = _limited(windows[site.pk], now)
        for window in found:
            window.site = site  # without a query
        bars = place(found, axis, top, now, shown.zone)
        drawn = [bar for bar in bars if bar.top < top + limit * ROW]
        counted = [bar for bar in bars if bar.top >= top + limit * ROW]
        counts = count(counted, axis, top + limit * ROW, shown, links)
        yield Lane(
            site=site,
            record=record,
            bars=drawn,
            counted=counted,
            counts=counts,
            height=ROW + max([0, *(bar.top for bar in drawn), *(one.top for one in counts)]),
            hold=hold,
            freezes=[
                freeze_bar(time, axis, shown.now, shown.zone)
                for time in freezes.times([site.pk], axis.start, axis.end)
            ],
        )


def _row(lane: Lane) -> agenda.Row:
    return agenda.Row(
        site=lane.site.domain,
        bars=[*lane.bars, *lane.counted],
        freezes=lane.freezes,
        held=lane.record if lane.hold else None,
    )


def _hold(record: status.Record, axis: Axis, now: datetime | None) -> tuple[float, float] | None:
    """Return where a hold is drawn: beside windows in progress it starts `now`.

    The outage may have started before it, and its own start is not recorded.
    """
    if not record["held"]:
        return None
    left, width = axis.stretch(Span(now or datetime.fromisoformat(record["since"]), None))
    return (left, width) if width else None


def _limited(windows: list[MaintenanceWindow], now: datetime) -> list[MaintenanceWindow]:
    """Keep at most MOST_BARS windows, preferring present and coming ones."""
    ahead = [window for window in windows if window.ends_at > now][:MOST_BARS]
    past = [window for window in windows if window.ends_at <= now]
    return [*past[max(0, len(past) + len(ahead) - MOST_BARS) :], *ahead]


def _windows(chosen: Collection[Site], axis: Axis) -> defaultdict[int, list[MaintenanceWindow]]:
    begins = Q(starts_at__lt=axis.end) | Q(started_at__lt=axis.end)
    ends = Q(ended_at__gt=axis.start) | Q(ended_at=None, ends_at__gt=axis.start)
    found = MaintenanceWindow.objects.filter(begins, ends, site__in=chosen)
    return _by_site(found)


def _running(chosen: Collection[Site], now: datetime) -> defaultdict[int, list[MaintenanceWindow]]:
    """Read the windows in progress, which the timeline need not show."""
    return _by_site(
        MaintenanceWindow.objects.with_status(Status.ACTIVE, now).filter(site__in=chosen)
    )


def _by_site(windows: Iterable[MaintenanceWindow]) -> defaultdict[int, list[MaintenanceWindow]]:
    by_site: defaultdict[int, list[MaintenanceWindow]] = defaultdict(list)
    for window in sorted(windows, key=lambda window: (window.begins_at, window.pk)):
        by_site[window.site_id].append(window)
    return by_site
