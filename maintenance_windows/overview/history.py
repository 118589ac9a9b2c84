"""Who did what, as sentences: the history pages of the admin, and `maintenance log`.

Each event stands once: what a status change tells is not told again by the change of its window.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sites.models import Site
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime, parse_duration
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from maintenance_windows.core.state import Level
from maintenance_windows.models import Change, Freeze, MaintenanceWindow, Transition, WindowSeries
from maintenance_windows.models.base import LEVELS
from maintenance_windows.snapshot import clock
from maintenance_windows.wording.durations import format_duration
from maintenance_windows.wording.spans import format_moment, format_times

MOST = 200  # events of a page; the list of status changes has all of those
LABELS = {
    field.name: field.verbose_name
    for model in (WindowSeries, MaintenanceWindow)
    for field in model._meta.fields  # noqa: SLF001 (public, as the documentation says)
}
# Facts that only the history keeps.
LABELS |= {"freeze": gettext_lazy("freeze"), "override": gettext_lazy("overridden because")}
MOMENTS = {"starts_at", "ends_at", "started_at", "ended_at", "cancelled_at", "published_at"}
# The fields that the words for a recurrence depend on.
WORDS = {"rule", "starts_on", "start_time", "zone", "length", "by_clock"}
STATES = {"started_at", "ended_at", "cancelled_at"}
SOON_AFTER = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line: `due` is when a status change should have been made, `rank` orders a second.

    `site` is None for all sites. `actor` is empty for what happened by itself.
    """

    at: datetime
    what: str
    site: Site | None = None
    actor: str = ""
    due: datetime | None = None
    rank: int = 0


def of_window(window: MaintenanceWindow) -> list[Event]:
    changes = list(window.changes_made.order_by("-pk"))
    transitions = _newest(window.transitions.all())
    told = [*_changes(changes, transitions), *_transitions(transitions)]
    return sort([_planned(window, changes), *told])


def of_series(series: WindowSeries) -> list[Event]:
    changes = list(series.changes_made.order_by("-pk"))
    return sort([_begun(series, changes), *_changes(changes[:MOST])])


def of_freeze(freeze: Freeze) -> list[Event]:
    return sort(_freezes([freeze], lambda _freeze: [None]))


def of_site(site: Site, *, titles: bool) -> list[Event]:
    """`titles` is False for readers without permission to see windows."""
    return latest([site], titles=titles)


def latest(
    sites: Collection[Site] | None = None, most: int = MOST, *, titles: bool = True
) -> list[Event]:
    """Return the newest events of these sites, or of all, newest first.

    Windows that a recurring window makes are not among them: its own creation tells of them.
    """
    of = Q() if sites is None else Q(site__in=sites)
    everywhere = Q() if sites is None else Q(everywhere=True) | Q(sites__in=sites)
    planned = MaintenanceWindow.objects.filter(of, series=None)
    windows = _newest(planned.select_related("site"), most)
    transitions = _newest(Transition.objects.filter(of).select_related("site"), most)
    of_each = defaultdict(list)
    for change in Change.objects.filter(window__in=windows).order_by("-pk"):
        of_each[change.window_id].append(change)
    begun = _newest(WindowSeries.objects.filter(of).select_related("site"), most)
    begun_changes = defaultdict(list)
    for change in Change.objects.filter(series__in=begun).order_by("-pk"):
        begun_changes[change.series_id].append(change)
    freezes = Freeze.objects.filter(everywhere).distinct().prefetch_related("sites")

    def frozen(freeze: Freeze) -> list[Site | None]:
        """Of the sites of a freeze, those that are asked for."""
        if freeze.everywhere:
            return [None]
        return [site for site in freeze.sites.all() if sites is None or site in sites]

    return sort(
        [
            *(_planned(window, of_each[window.pk]) for window in windows),
            *(_begun(one, begun_changes[one.pk]) for one in begun),
            *_changes(_newest_changes(sites, most), transitions, titles=titles),
            *_transitions(transitions),
            *_freezes(_newest(freezes, most), frozen),
        ],
        most,
    )


def sort(events: Iterable[Event], most: int = MOST) -> list[Event]:
    """Return the newest events, newest first. Within a second, effects come before causes."""

    def key(event: Event) -> tuple[datetime, int, datetime]:
        return (event.at.replace(microsecond=0), event.rank, event.at)

    return sorted(events, key=key, reverse=True)[:most]


def tells(events: Iterable[Event], at: datetime, actor: str) -> bool:
    """Return whether one of the events is what this person did at this time."""
    return any(one.actor == actor and abs(one.at - at) <= SOON_AFTER for one in events)


def _newest(rows: QuerySet[Any], most: int = MOST) -> list[Any]:
    return list(rows.order_by("-pk")[:most])


def _newest_changes(sites: Collection[Site] | None, most: int) -> list[Change]:
    """Read those of windows and of recurring windows apart: one query for both uses no index."""
    changes = Change.objects.select_related("window__site", "series__site")
    if sites is None:
        return _newest(changes, most)
    of_windows = changes.filter(window__site__in=sites)
    of_series = changes.filter(series__site__in=sites)
    return [*_newest(of_windows, most), *_newest(of_series, most)]


def _planned(window: MaintenanceWindow, changes: Iterable[Change]) -> Event:
    """The times as first planned, which the changes, newest first, lead back to."""
    times: dict[str, Any] = {"starts_at": window.starts_at, "ends_at": window.ends_at}
    for change in changes:
        old = {name: before for name, (before, _after) in change.changes.items()}
        times = {name: old.get(name, value) for name, value in times.items()}
    start, end = (_moment(value) for value in times.values())
    what = _("Window %(id)s scheduled: %(times)s")
    if window.series_id:
        what = _("Window %(id)s scheduled by recurring window %(series)s: %(times)s")
    zone = timezone.get_current_timezone()
    times_in_words = format_times(start, end, zone, clock.now())
    facts = {"id": window.pk, "series": window.series_id, "times": times_in_words}
    actor = window.created_by
    return Event(at=window.created_at, site=window.site, what=what % facts, actor=actor)


def _begun(series: WindowSeries, changes: Iterable[Change]) -> Event:
    """The recurrence as first planned, which the changes, newest first, lead back to."""
    first = copy(series)
    for change in changes:
        for name in WORDS & change.changes.keys():
            field: Any = WindowSeries._meta.get_field(name)  # noqa: SLF001 (public, see above)
            setattr(first, name, field.to_python(change.changes[name][0]))
    what = _("Recurring window %(id)s created: %(words)s")
    return Event(
        at=series.created_at,
        site=series.site,
        what=what % {"id": series.pk, "words": first.words()},
        actor=series.created_by,
    )


def _freezes(
    freezes: Iterable[Freeze], sites_of: Callable[[Freeze], Iterable[Site | None]]
) -> Iterator[Event]:
    """Yield an event for each site that `sites_of` names; None means all sites."""
    for freeze in freezes:
        facts = {"id": freeze.pk, "reason": freeze.reason}
        for site in sites_of(freeze):
            what = _("Freeze %(id)s created: %(reason)s") % facts
            yield Event(at=freeze.created_at, site=site, what=what, actor=freeze.created_by)
            if freeze.ended_at is not None:
                what = _("Freeze %(id)s ended: %(reason)s") % facts
                actor = freeze.ended_by
                yield Event(at=freeze.ended_at, site=site, what=what, actor=actor, rank=1)


def _changes(
    changes: Iterable[Change], transitions: Iterable[Transition] = (), *, titles: bool = True
) -> Iterator[Event]:
    told = {(one.window_id, one.done_at) for one in transitions}
    for change in changes:
        facts = dict(change.changes)
        if (change.window_id, change.at) in told:  # the status change says why
            facts = {name: value for name, value in facts.items() if name not in STATES}
        if not facts:
            continue
        what = "; ".join(_change(name, *values, titles=titles) for name, values in facts.items())
        if change.window_id:
            what = _("Window %(id)s: %(changes)s") % {"id": change.window_id, "changes": what}
        else:
            what = _("Recurring window %(id)s: %(changes)s") % {
                "id": change.series_id,
                "changes": what,
            }
        of = change.window or change.series
        site = of.site if of else None
        yield Event(at=change.at, site=site, what=what, actor=change.actor, rank=1)


def _transitions(transitions: Iterable[Transition]) -> Iterator[Event]:
    for row in transitions:
        yield Event(
            at=row.done_at,
            due=row.due_at,
            site=row.site,
            what=_status_change(row),
            actor=row.actor,
            rank=2,
        )


def _status_change(row: Transition) -> str:
    """Say what happened to the site, and why: Down: window 7 started as scheduled."""
    state = _("Up")
    if row.in_maintenance:
        state = _("Read-only") if row.level == Level.READ_ONLY else _("Down")
    return _("%(state)s: %(why)s") % {"state": state, "why": row.why}


def _change(name: str, before: Any, after: Any, *, titles: bool) -> str:
    match name, before, after:
        case "title", _, _ if not titles:
            return str(LABELS[name])
        case "started_at", None, _:
            return _("started by hand")
        case "ended_at", None, _:
            return _("ended by hand")
        case "cancelled_at", None, _:
            return _("cancelled")
        case "cancelled_at", _, None:
            return _("restored")
    old = "" if before is None else f"{_format(name, before)} → "
    return f"{LABELS[name]} {old}{_format(name, after)}"


def _format(name: str, value: Any) -> str:
    if name in {"length", "banner_lead"} and value:
        return format_duration(parse_duration(value) or timedelta(0)) or "0"
    if name == "level":
        return str(dict(LEVELS).get(value, value))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    moment = _moment(value) if name in MOMENTS else value
    if isinstance(moment, datetime):
        return format_moment(moment, timezone.get_current_timezone(), clock.now())
    if isinstance(value, list):  # dates
        value = ", ".join(map(str, value))
    return str(value) if value else "-"


def _moment(value: Any) -> Any:
    return parse_datetime(value) if isinstance(value, str) else value
