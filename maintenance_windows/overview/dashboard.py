"""The data of the admin's overview: the state and the timeline of each site."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sites.models import Site
from django.db.models import DateTimeField, F, Q, QuerySet, Value
from django.db.models.functions import Cast, Coalesce

from maintenance_windows.core.freezes import FrozenTime
from maintenance_windows.core.intervals import Span
from maintenance_windows.models import MaintenanceWindow, SiteMaintenance, all_sites
from maintenance_windows.models.querysets import Status, among
from maintenance_windows.models.search import contains, matching_ids
from maintenance_windows.overview import status
from maintenance_windows.overview.axis import HUNDRED, Axis, depth, stack
from maintenance_windows.planning import frozen

BACK, AHEAD = timedelta(days=1), timedelta(days=14)
NAMES = ("domain", "name")
MOST_NEAR = 5000  # windows that move their sites to the front
MOST_BARS = 100  # for each site: more bars than this look like one stripe
ROW = 20  # height of a row of bars, in pixels
LEAST_WIDTH = 0.5  # per cent, so that a window of minutes can be seen and clicked


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """The bar of one window: `left` and `width` in per cent, `top` in pixels."""

    window: MaintenanceWindow
    status: Status
    span: Span
    left: float
    width: float
    top: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeBar:
    """A time in which nothing may be planned: `left` and `width` in per cent."""

    time: FrozenTime
    left: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One site; `record` is its entry in `maintenance status --json`.

    `running` are its windows in progress, and `hold` the left edge and the width of the bar of a
    hold.
    """

    site: Site
    record: status.Record
    bars: list[Bar]
    height: int
    running: list[MaintenanceWindow]
    hold: tuple[float, float] | None
    freezes: list[FreezeBar]


def axis(now: datetime, *, mirrored: bool = False) -> Axis:
    """Return the axis from a day ago to two weeks ahead."""
    return Axis(now - BACK, now + AHEAD, mirrored)


class Sites:
    """A sequence of the sites with `text` in domain or name, or of all sites, for a paginator.

    Sites that are down come first, by domain; then those with scheduled windows, by the start. The
    others follow by domain; `busy` leaves them out.
    """

    def __init__(self, text: str, *, busy: bool, now: datetime) -> None:
        site_ids = matching_ids(text, *NAMES) if text else None
        few = Q() if site_ids is None else Q(pk__in=site_ids)
        many = contains(text, *NAMES) if text and site_ids is None else Q()
        near = _near(now, site_ids)
        found = all_sites().filter(few, many)
        if many:
            matching = set(found.filter(pk__in=near).values_list("pk", flat=True))
            near = [pk for pk in near if pk in matching]
        self.near = near
        self.found = found.filter(pk__in=near) if busy else found

    def count(self) -> int:
        return self.found.count()

    def __getitem__(self, wanted: slice) -> list[Site]:
        ids, beyond = self.near[wanted], len(self.near)
        near = all_sites().in_bulk(ids)
        first, last = max(wanted.start - beyond, 0), max(wanted.stop - beyond, 0)
        others = self.found.exclude(pk__in=self.near).order_by("domain", "pk")[first:last]
        return [*(near[pk] for pk in ids if pk in near), *others]


def _near(now: datetime, site_ids: list[int] | None) -> list[int]:
    """Return the ids of the sites that are down, by domain, and of those with scheduled windows."""
    windows = MaintenanceWindow.objects.filter(ends_at__gt=now)
    is_down = Q(until=None) | Q(until__gt=now)
    at_once = Cast(Value(now), DateTimeField())  # MariaDB would take a literal for text
    begins = Coalesce("since", at_once)  # a flag that was set with SQL may have no `since`
    rows: list[QuerySet[Any]] = [
        SiteMaintenance.objects.down().filter(is_down).annotate(begins=begins),
        windows.running().annotate(begins=F("started_at")),
        windows.waiting().filter(starts_at__lt=now + AHEAD).annotate(begins=F("starts_at")),
    ]
    chosen = Q() if site_ids is None else Q(site__in=site_ids)
    parts = [part.filter(chosen).values_list("site_id", "begins") for part in rows]
    union = parts[0].union(*parts[1:], all=True).order_by("begins", "site_id")
    found = list(union[:MOST_NEAR])
    down = {site_id for site_id, begins in found if begins <= now}
    sites = all_sites().filter(pk__in=among(down)).order_by("domain", "pk") if down else []
    by_domain = [site.pk for site in sites]
    return [*by_domain, *dict.fromkeys(pk for pk, _ in found if pk not in down)]


def lanes(chosen: Collection[Site], axis: Axis, now: datetime) -> Iterator[Lane]:
    """Yield a lane for each site, in the given order."""
    windows, freezes = _windows(chosen, axis), frozen.read(axis.start)
    for site, record in zip(chosen, status.sites(chosen, now), strict=True):
        running = [w for w in windows[site.pk] if w.status_at(now) is Status.ACTIVE]
        shown = _limited(windows[site.pk], now)
        spans = [Span(window.begins_at, window.ended_at or window.ends_at) for window in shown]
        rows = stack(spans)
        bars = [
            _bar(window, span, row, axis, now)
            for window, span, row in zip(shown, spans, rows, strict=True)
        ]
        # An outage with windows may have started before the hold, whose own start is not recorded.
        since = now if running or not record["held"] else datetime.fromisoformat(record["since"])
        yield Lane(
            site=site,
            record=record,
            bars=bars,
            height=depth(rows) * ROW,
            running=running,
            hold=axis.stretch(Span(since, None)) if record["held"] else None,
            freezes=[
                _freeze_bar(time, axis) for time in freezes.times([site.pk], axis.start, axis.end)
            ],
        )


def _limited(windows: list[MaintenanceWindow], now: datetime) -> list[MaintenanceWindow]:
    """Keep at most MOST_BARS windows, preferring present and coming ones."""
    ahead = [window for window in windows if window.ends_at > now][:MOST_BARS]
    past = [window for window in windows if window.ends_at <= now]
    return [*past[max(0, len(past) + len(ahead) - MOST_BARS) :], *ahead]


def _windows(chosen: Collection[Site], axis: Axis) -> defaultdict[int, list[MaintenanceWindow]]:
    begins = Q(starts_at__lt=axis.end) | Q(started_at__lt=axis.end)
    ends = Q(ended_at__gt=axis.start) | Q(ended_at=None, ends_at__gt=axis.start)
    found = MaintenanceWindow.objects.filter(begins, ends, site__in=chosen)
    by_site: defaultdict[int, list[MaintenanceWindow]] = defaultdict(list)
    for window in sorted(found, key=lambda window: (window.begins_at, window.pk)):
        by_site[window.site_id].append(window)
    return by_site


def _freeze_bar(time: FrozenTime, axis: Axis) -> FreezeBar:
    left, width = axis.stretch(Span(time.starts_at, time.ends_at))
    return FreezeBar(time=time, left=left, width=width)


def _bar(window: MaintenanceWindow, span: Span, row: int, axis: Axis, now: datetime) -> Bar:
    left, width = axis.stretch(span)
    width = max(width, LEAST_WIDTH)
    return Bar(
        window=window,
        status=window.status_at(now),
        span=span,
        left=min(left, HUNDRED - width),
        width=width,
        top=row * ROW,
    )
