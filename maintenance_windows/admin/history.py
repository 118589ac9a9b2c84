"""What happened: the history of all sites, and the history page of a window, series or site."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.sites.models import Site
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime, parse_duration
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from maintenance_windows.admin.base import HistoryEntry, KeptForTheRecord
from maintenance_windows.admin.search import SearchedNearNow
from maintenance_windows.models import Change, MaintenanceWindow, Transition, WindowSeries
from maintenance_windows.wording.durations import format_duration

NEWEST = 200  # events of a site that are shown; all its transitions have a page of their own
NAMES = {
    field.name: field.verbose_name
    for model in (WindowSeries, MaintenanceWindow)
    for field in model._meta.fields  # noqa: SLF001 (public, as the documentation says)
}
MOMENTS = {"starts_at", "ends_at", "started_at", "ended_at", "cancelled_at"}


@admin.register(Transition)
class TransitionAdmin(SearchedNearNow, KeptForTheRecord):
    list_display = ("site", "in_maintenance", "due_at", "done_at", "why", "actor")
    list_filter = ("in_maintenance",)
    moment, texts = "done_at", ("actor",)
    search_fields = ("site__domain", *texts)
    sortable_by = (moment,)
    date_hierarchy = moment
    ordering = ("-done_at", "-pk")

    @admin.display(description=gettext_lazy("why"))
    def why(self, transition: Transition) -> str:
        return transition.why

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def of_window(window: MaintenanceWindow) -> list[HistoryEntry]:
    changes = list(window.changes_made.order_by("-pk"))
    return _newest_first(
        [
            _planned(window, changes),
            *map(_change, changes),
            *map(_transition, window.transitions.order_by("-pk")[:NEWEST]),
        ]
    )


def of_series(series: WindowSeries) -> list[HistoryEntry]:
    changes = series.changes_made.order_by("-pk")[:NEWEST]
    begun = HistoryEntry(at=series.created_at, what=_("series begun"), actor=series.created_by)
    return _newest_first([begun, *map(_change, changes)])


def of_site(site: Site, *, titles: bool) -> list[HistoryEntry]:
    """Without titles for readers who may not see the windows themselves."""

    def newest(rows: QuerySet[Any]) -> list[Any]:
        return list(rows.order_by("-pk")[:NEWEST])

    windows = newest(MaintenanceWindow.objects.filter(site=site))
    changes = newest(Change.objects.filter(window__site=site))
    transitions = newest(Transition.objects.filter(site=site))
    of_each = defaultdict(list)
    for change in changes:
        of_each[change.window_id].append(change)
    return _newest_first(
        [
            *[_planned(window, of_each[window.pk]) for window in windows],
            *[_change(change, titles=titles) for change in changes],
            *map(_transition, transitions),
        ]
    )


def _newest_first(events: Iterable[HistoryEntry]) -> list[HistoryEntry]:
    return sorted(events, key=lambda event: event.at, reverse=True)[:NEWEST]


def _planned(window: MaintenanceWindow, changes: Iterable[Change]) -> HistoryEntry:
    """Changes, newest first, lead back to the times that were planned."""
    times: dict[str, Any] = {"starts_at": window.starts_at, "ends_at": window.ends_at}
    for change in changes:
        times |= {
            name: before for name, (before, _after) in change.changes.items() if name in times
        }
    what = _("window %(id)s planned by series %(series)s: %(starts_at)s to %(ends_at)s")
    if not window.series_id:
        what = _("window %(id)s planned: %(starts_at)s to %(ends_at)s")
    said = {name: _said(name, moment) for name, moment in times.items()}
    facts = {"id": window.pk, "series": window.series_id, **said}
    return HistoryEntry(at=window.created_at, what=what % facts, actor=window.created_by)


def _change(change: Change, *, titles: bool = True) -> HistoryEntry:
    said = "; ".join(
        _fact(name, *values) if titles or name != "title" else str(NAMES[name])
        for name, values in change.changes.items()
    )
    what = said
    if change.window_id:
        what = _("window %(id)s: %(changes)s") % {"id": change.window_id, "changes": said}
    return HistoryEntry(at=change.at, what=what, actor=change.actor)


def _fact(name: str, before: Any, after: Any) -> str:
    label = str(NAMES[name])
    if before is None:
        return f"{label} {_said(name, after)}"
    return f"{label} {_said(name, before)} → {_said(name, after)}"


def _transition(transition: Transition) -> HistoryEntry:
    what = _("site closed: %(why)s") if transition.in_maintenance else _("site opened: %(why)s")
    return HistoryEntry(
        at=transition.done_at,
        due=transition.due_at,
        what=what % {"why": transition.why},
        actor=transition.actor,
    )


def _said(name: str, value: Any) -> str:
    if name == "length" and (length := parse_duration(value)):
        return format_duration(length)
    moment = parse_datetime(value) if isinstance(value, str) and name in MOMENTS else value
    if isinstance(moment, datetime):
        return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S %Z}"
    return str(value) if value else "-"
