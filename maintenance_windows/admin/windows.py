"""Windows: planned, moved, started, ended and cancelled."""

from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from maintenance_windows.admin import history
from maintenance_windows.admin.base import HistoryEntry, KeptForTheRecord
from maintenance_windows.admin.calendar import OwnCalendar
from maintenance_windows.admin.schedule import Scheduling
from maintenance_windows.admin.search import SearchedNearNow
from maintenance_windows.forms.windows import WindowForm
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.models.querysets import Status
from maintenance_windows.planning import windows


class StatusFilter(admin.SimpleListFilter):
    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Status.choices)

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        if value not in Status.values:
            return queryset
        return queryset.with_status(Status(value), timezone.now())


class SeriesFilter(admin.EmptyFieldListFilter):
    def get_lookup_condition(self) -> Q:
        """Asked for those without a series by an index of series, SQLite would sort all of them."""
        return ~Q(series__isnull=False)


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(OwnCalendar, Scheduling, SearchedNearNow, KeptForTheRecord):
    form = WindowForm
    list_display = ("site", "starts_at", "ends_at", "status", "level", "title")
    list_filter = (StatusFilter, "level", ("series", SeriesFilter))
    moment, texts = "starts_at", ("title",)
    search_fields = ("site__domain", *texts)
    sortable_by = (moment,)
    date_hierarchy = moment
    ordering = ("-starts_at", "-pk")
    actions = ("start_now", "extend_15", "extend_30", "extend_60", "end_now", "cancel")
    facts = ("status", "started_at", "ended_at", "cancelled_at", "created_by")
    recurring = ("series", "occurs_on", "overridden")

    @admin.display(description=_("status"))
    def status(self, window: MaintenanceWindow) -> str:
        return str(window.status_at(timezone.now()).label)

    def story(self, request: HttpRequest, obj: MaintenanceWindow) -> list[HistoryEntry]:
        return history.of_window(obj)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fields = ("site", "starts_at", "ends_at", "level", "title", "message")
        return (*fields, *self.facts_of(obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        # What was shown is judged when it is sent: things may have changed in between.
        running = obj.status_at(timezone.now()) is Status.ACTIVE and request.method != "POST"
        facts = self.facts_of(obj)
        return ("site", "starts_at", *facts) if running else ("site", *facts)

    def facts_of(self, window: MaintenanceWindow) -> tuple[str, ...]:
        return (*self.facts, *self.recurring) if window.series_id else self.facts

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The past is shown, not edited; whoever sends a page of it is told so. What runs is for
        operators.
        """
        if obj and obj.status_at(timezone.now()) is Status.ACTIVE:
            allowed = super().has_change_permission(request, obj)
            return allowed and self.has_operate_permission(request)
        over = {Status.COMPLETED, Status.CANCELLED}
        if obj and request.method != "POST" and obj.status_at(timezone.now()) in over:
            return False
        return super().has_change_permission(request, obj)

    def save_model(
        self,
        request: HttpRequest,
        obj: MaintenanceWindow,
        form: Any,
        change: bool,  # noqa: FBT001
    ) -> None:
        if not change:
            self.schedule(request, obj, form)
            return
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        window = windows.revise(obj.pk, actor=request.user.get_username(), **changes)
        if {"starts_at", "ends_at"} & changes.keys():
            self.warn(request, [window], form.tz)

    @admin.action(description=_("Start now"), permissions=["operate"])
    def start_now(self, request: HttpRequest, queryset: QuerySet[MaintenanceWindow]) -> None:
        self.each(request, queryset, windows.start, self.said)

    @admin.action(description=_("Extend by 15 minutes"), permissions=["operate"])
    def extend_15(self, request: HttpRequest, queryset: QuerySet[MaintenanceWindow]) -> None:
        self.extend(request, queryset, minutes=15)

    @admin.action(description=_("Extend by 30 minutes"), permissions=["operate"])
    def extend_30(self, request: HttpRequest, queryset: QuerySet[MaintenanceWindow]) -> None:
        self.extend(request, queryset, minutes=30)

    @admin.action(description=_("Extend by 60 minutes"), permissions=["operate"])
    def extend_60(self, request: HttpRequest, queryset: QuerySet[MaintenanceWindow]) -> None:
        self.extend(request, queryset, minutes=60)

    def extend(
        self, request: HttpRequest, queryset: QuerySet[MaintenanceWindow], *, minutes: int
    ) -> None:
        verb = partial(windows.extend, by=timedelta(minutes=minutes))
        self.each(request, queryset, verb, self.said)

    @admin.action(description=_("End now"), permissions=["operate"])
    def end_now(self, request: HttpRequest, queryset: QuerySet[MaintenanceWindow]) -> None:
        self.each(request, queryset, windows.end, self.said)

    @admin.action(description=_("Cancel"), permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[MaintenanceWindow]) -> None:
        self.each(request, queryset, windows.cancel, self.said)

    def said(self, window: MaintenanceWindow) -> str:
        return f"{window}: {self.status(window)}."
