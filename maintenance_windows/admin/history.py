"""The history: the list of all status changes, and the entries of each history page."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.sites.models import Site
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.dateparse import parse_datetime, parse_duration
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from maintenance_windows.admin.base import HistoryEntry, format_time
from maintenance_windows.admin.search import NearNowAdmin
from maintenance_windows.models import Change, Freeze, MaintenanceWindow, Transition, WindowSeries
from maintenance_windows.wording.durations import format_duration

MAX_ENTRIES = 200  # of a history page; the list has all status changes
LABELS = {
    field.name: field.verbose_name
    for model in (WindowSeries, MaintenanceWindow)
    for field in model._meta.fields  # noqa: SLF001 (public, as the documentation says)
}
# Facts that only the history keeps.
LABELS |= {"freeze": gettext_lazy("freeze"), "override": gettext_lazy("overridden because")}
TIMES = {"starts_at", "ends_at", "started_at", "ended_at", "cancelled_at", "published_at"}


@admin.register(Transition)
class TransitionAdmin(NearNowAdmin):
    list_display = ("site", "in_maintenance", "due_at", "done_at", "why", "actor")
    list_filter = ("in_maintenance",)
    search_fields = ("site__domain", "actor")
    sortable_by = ("done_at",)
    date_hierarchy = "done_at"
    ordering = ("-done_at", "-pk")

    @admin.display(description=gettext_lazy("reason"))
    def why(self, transition: Transition) -> str:
        return transition.why

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def of_window(window: MaintenanceWindow) -> list[HistoryEntry]:
    changes = list(window.changes_made.order_by("-pk"))
    transitions = _newest(window.transitions.all())
    return _sorted([_planned(window, changes), *_changes(changes), *_transitions(transitions)])


def of_series(series: WindowSeries) -> list[HistoryEntry]:
    begun = HistoryEntry(
        at=series.created_at, what=_("recurring window created"), actor=series.created_by
    )
    return _sorted([begun, *_changes(_newest(series.changes_made.all()))])


def of_freeze(freeze: Freeze) -> list[HistoryEntry]:
    made = HistoryEntry(at=freeze.created_at, what=_("freeze created"), actor=freeze.created_by)
    if freeze.ended_at is None:
        return [made]
    ended = HistoryEntry(at=freeze.ended_at, what=_("freeze ended"), actor=freeze.ended_by)
    return _sorted([made, ended])


def of_site(site: Site, *, titles: bool) -> list[HistoryEntry]:
    """`titles` is False for readers without permission to see windows."""
    windows = _newest(MaintenanceWindow.objects.filter(site=site))
    changes = _newest(Change.objects.filter(window__site=site))
    transitions = _newest(Transition.objects.filter(site=site))
    of_each = defaultdict(list)
    for change in changes:
        of_each[change.window_id].append(change)
    planned = [_planned(window, of_each[window.pk]) for window in windows]
    return _sorted([*planned, *_changes(changes, titles=titles), *_transitions(transitions)])


def _newest(rows: QuerySet[Any]) -> list[Any]:
    return list(rows.order_by("-pk")[:MAX_ENTRIES])


def _sorted(entries: Iterable[HistoryEntry]) -> list[HistoryEntry]:
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:MAX_ENTRIES]


def _planned(window: MaintenanceWindow, changes: Iterable[Change]) -> HistoryEntry:
    """The times as first planned, which the changes, newest first, lead back to."""
    times: dict[str, Any] = {"starts_at": window.starts_at, "ends_at": window.ends_at}
    for change in changes:
        old = {name: before for name, (before, _after) in change.changes.items()}
        times = {name: old.get(name, value) for name, value in times.items()}
    what = _("window %(id)s scheduled: %(starts_at)s to %(ends_at)s")
    if window.series_id:
        what = _(
            "window %(id)s scheduled by recurring window %(series)s: %(starts_at)s to %(ends_at)s"
        )
    facts: dict[str, Any] = {name: _format(name, value) for name, value in times.items()}
    facts |= {"id": window.pk, "series": window.series_id}
    return HistoryEntry(at=window.created_at, what=what % facts, actor=window.created_by)


def _changes(changes: Iterable[Change], *, titles: bool = True) -> Iterator[HistoryEntry]:
    for change in changes:
        what = "; ".join(
            _format_change(name, *values) if titles or name != "title" else str(LABELS[name])
            for name, values in change.changes.items()
        )
        if change.window_id:
            what = _("window %(id)s: %(changes)s") % {"id": change.window_id, "changes": what}
        yield HistoryEntry(at=change.at, what=what, actor=change.actor)


def _transitions(transitions: Iterable[Transition]) -> Iterator[HistoryEntry]:
    for row in transitions:
        what = _("site down: %(why)s") if row.in_maintenance else _("site up: %(why)s")
        what %= {"why": row.why}
        yield HistoryEntry(at=row.done_at, due=row.due_at, what=what, actor=row.actor)


def _format_change(name: str, before: Any, after: Any) -> str:
    old = "" if before is None else f"{_format(name, before)} → "
    return f"{LABELS[name]} {old}{_format(name, after)}"


def _format(name: str, value: Any) -> str:
    if name in {"length", "banner_lead"} and value and (duration := parse_duration(value)):
        return format_duration(duration)
    moment = parse_datetime(value) if isinstance(value, str) and name in TIMES else value
    if isinstance(moment, datetime):
        return format_time(moment)
    return str(value) if value else "-"
