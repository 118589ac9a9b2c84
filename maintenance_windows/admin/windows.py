"""Windows: the list, its actions, and the forms that schedule one or several and change one."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _

from maintenance_windows.admin import history
from maintenance_windows.admin.base import HistoryEntry
from maintenance_windows.admin.calendar import calendar_view
from maintenance_windows.admin.preview import Preview, PreviewedAdmin
from maintenance_windows.admin.schedule import (
    describe_added,
    describe_times,
    in_freeze,
    warn_of_freezes,
    warn_of_overlaps,
)
from maintenance_windows.admin.search import NearNowAdmin
from maintenance_windows.admin.site_search import sites_view
from maintenance_windows.forms.publication import PUBLICATION
from maintenance_windows.forms.windows import TIMES, ScheduleForm, WindowForm, initial_from_query
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.models.querysets import Status
from maintenance_windows.permissions import may_freeze
from maintenance_windows.planning import frozen, series, windows
from maintenance_windows.snapshot import clock

MINUTE = timedelta(minutes=1)
FACTS = ("status", "started_at", "ended_at", "cancelled_at", "created_by")
FACTS_OF_SERIES = ("series", "occurs_on", "edited_parts")


class StatusFilter(admin.SimpleListFilter):
    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Status.choices)

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        if value not in Status.values:
            return queryset
        return queryset.with_status(Status(value), clock.now())


class SeriesFilter(admin.EmptyFieldListFilter):
    def get_lookup_condition(self) -> Q:
        """Not Q(series__isnull=True): for that SQLite uses an index of series, and sorts."""
        return ~Q(series__isnull=False)


def describe_status(window: MaintenanceWindow) -> str:
    now = clock.now()
    notes = [in_freeze(met) for _window, met in frozen.reaching_into([window], now)]
    return " ".join([f"{window}: {window.status_at(now).label}.", *notes])


def action(
    name: str, verb: Callable[..., MaintenanceWindow], label: Any, permission: str = "operate"
) -> Any:
    """An action of the list that calls a verb of planning.windows for each selected window."""

    def apply(model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        model_admin.apply_to_each(request, queryset, verb, describe_status)

    apply.__name__ = name
    return admin.action(apply, permissions=[permission], description=label)


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(PreviewedAdmin, NearNowAdmin):
    form = WindowForm
    list_display = ("site", "starts_at", "ends_at", "status", "level", "title")
    list_filter = (StatusFilter, "level", ("series", SeriesFilter))
    search_fields = ("site__domain", "title")
    sortable_by = ("starts_at",)
    date_hierarchy = "starts_at"
    ordering = ("-starts_at", "-pk")
    actions = (
        action("start_now", windows.start, _("Start now")),
        action("extend_15", partial(windows.extend, by=15 * MINUTE), _("Extend by 15 minutes")),
        action("extend_30", partial(windows.extend, by=30 * MINUTE), _("Extend by 30 minutes")),
        action("extend_60", partial(windows.extend, by=60 * MINUTE), _("Extend by 60 minutes")),
        action("end_now", windows.end, _("End now")),
        action("cancel", windows.cancel, _("Cancel"), permission="change"),
        "restore",
    )
    preview = Preview(
        parameter="window",
        title=_("Preview"),
        template="maintenance_windows/admin/window_preview.html",
        describe=describe_times,
    )

    class Media:
        js = ("maintenance_windows/preview.js", "maintenance_windows/window.js")
        css = {
            "all": (
                "maintenance_windows/controls.css",
                "maintenance_windows/preview.css",
                "maintenance_windows/window.css",
            )
        }

    @admin.display(description=_("status"))
    def status(self, window: MaintenanceWindow) -> str:
        return str(window.status_at(clock.now()).label)

    @admin.action(permissions=["change"], description=_("Restore"))
    def restore(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """As one is scheduled: only operators restore what then starts at once."""
        verb = partial(series.restore, ahead=not self.has_operate_permission(request))
        self.apply_to_each(request, queryset, verb, describe_status)

    @admin.display(description=_("edited individually"))
    def edited_parts(self, window: MaintenanceWindow) -> str:
        names: dict[str, Any] = {"times": _("start and end"), "cancelled": _("cancelled")}
        names |= {name: history.LABELS[name] for name in MaintenanceWindow.TEXTS}
        return ", ".join(str(names[part]) for part in sorted(window.edits & names.keys()))

    def own_urls(self) -> list[URLPattern]:
        return [
            self.page("calendar/", calendar_view, "calendar"),
            *super().own_urls(),
            self.page("sites/", sites_view, "sites"),
        ]

    def history_entries(self, request: HttpRequest, obj: MaintenanceWindow) -> list[HistoryEntry]:
        return history.of_window(obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only operators change one in progress. One that is over is read-only; on POST the form
        is still validated, and says so.
        """
        allowed = super().has_change_permission(request, obj)
        status = obj.status_at(clock.now()) if obj else None
        if status is Status.ACTIVE:
            return allowed and self.has_operate_permission(request)
        if status in {Status.COMPLETED, Status.CANCELLED} and request.method != "POST":
            return False
        return allowed

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            texts = {"fields": ("level", "message", "title", *PUBLICATION)}
            times = ("sites", "zone", *TIMES, *self.override(request))
            return ((None, {"fields": times}), (_("Details"), texts))
        override = self.override(request) if self.has_change_permission(request, obj) else ()
        times = ("site", "starts_at", "ends_at", *override)
        fields = (*times, "level", "title", "message", *PUBLICATION)
        facts = (*FACTS, *FACTS_OF_SERIES) if obj.series_id else FACTS
        return ((None, {"fields": (*fields, *facts)}),)

    def override(self, request: HttpRequest) -> tuple[str, ...]:
        """The field for the reason of planning into a freeze, for people who may."""
        return ("override",) if may_freeze(request.user) else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        fields = ("site", *FACTS, *FACTS_OF_SERIES)
        # On POST the form checks the start: the window may have started after it was shown.
        in_progress = obj.status_at(clock.now()) is Status.ACTIVE and request.method != "POST"
        return (*fields, "starts_at") if in_progress else fields

    def get_form(self, request: HttpRequest, obj: Any = None, *args: Any, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = ScheduleForm
        form: Any = super().get_form(request, obj, *args, **kwargs)
        form.may_operate = self.has_operate_permission(request)
        form.may_freeze = may_freeze(request.user)
        form.admin_site = self.admin_site
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial = super().get_changeform_initial_data(request)
        return initial | dict.fromkeys(TIMES) | initial_from_query(request.GET)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        """Schedule a window for each site, or change one. With several, `obj` stays unsaved."""
        actor, values = request.user.get_username(), form.cleaned_data
        if change:
            changes = {name: values[name] for name in form.changed_data}
            saved = [windows.revise(obj.pk, actor=actor, **changes)]
            if changes.keys().isdisjoint(TIMES):
                return
        else:
            fields = {name: values[name] for name in ScheduleForm.Meta.fields}
            override = values.get("override", "")
            saved = windows.schedule(values["sites"], override=override, actor=actor, **fields)
            if len(saved) == 1:
                obj.pk, obj.site = saved[0].pk, saved[0].site
            else:
                person: Any = request.user
                LogEntry.objects.log_actions(person.pk, saved, ADDITION, [{"added": {}}])
                self.message_user(request, describe_added(saved, form.tz), messages.SUCCESS)
        warn_of_overlaps(self, request, saved, form.tz)
        warn_of_freezes(self, request, saved)

    def log_addition(self, request: HttpRequest, obj: MaintenanceWindow, message: Any) -> Any:
        """Log a single window; save_model() has logged several in one statement."""
        return super().log_addition(request, obj, message) if obj.pk else None

    def response_add(
        self, request: HttpRequest, obj: MaintenanceWindow, post_url_continue: str | None = None
    ) -> HttpResponse:
        if obj.pk:
            return super().response_add(request, obj, post_url_continue)
        if "_addanother" in request.POST:
            return HttpResponseRedirect(request.path)
        return self.response_post_save_add(request, obj)
