"""Windows: the forms that schedule one or several and change one."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext_lazy as _

from maintenance_windows.admin import window_page
from maintenance_windows.admin.calendar import calendar_view
from maintenance_windows.admin.columns import span_column, time_column
from maintenance_windows.admin.preview import Preview, PreviewedAdmin
from maintenance_windows.admin.repeating import BUILDER, repeat
from maintenance_windows.admin.schedule import (
    describe_added,
    describe_plan,
    warn_of_freezes,
    warn_of_windows,
)
from maintenance_windows.admin.site_search import sites_view
from maintenance_windows.admin.verbs import verb_view
from maintenance_windows.admin.window_list import WindowListAdmin
from maintenance_windows.forms.prefill import initial_from_query
from maintenance_windows.forms.publication import PUBLICATION
from maintenance_windows.forms.schedule import ScheduleForm
from maintenance_windows.forms.windows import TIMES, WindowForm
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.models.querysets import Status
from maintenance_windows.overview import history
from maintenance_windows.permissions import may_plan_series
from maintenance_windows.planning import windows
from maintenance_windows.snapshot import clock

start = time_column("begins_at", _("start"))
planned_times = span_column("starts_at", "ends_at", _("times"))
FACTS = (
    "status",
    time_column("started_at", _("started")),
    time_column("ended_at", _("ended")),
    time_column("cancelled_at", _("cancelled")),
    "created_by",
)
FACTS_OF_SERIES = ("series", "occurs_on", "edited_parts")


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(WindowListAdmin, PreviewedAdmin):
    form = WindowForm
    anchor = "window"
    preview = Preview(
        parameter="window",
        title=_("Preview"),
        template="maintenance_windows/admin/preview.html",
        describe=describe_plan,
    )

    class Media:
        js = (
            "maintenance_windows/preview.js",
            "maintenance_windows/window.js",
            "maintenance_windows/series.js",
        )
        css = {
            "all": (
                "maintenance_windows/controls.css",
                "maintenance_windows/preview.css",
                "maintenance_windows/window.css",
                "maintenance_windows/series.css",
            )
        }

    @admin.display(description=_("status"))
    def status(self, window: MaintenanceWindow) -> str:
        return str(window.status_at(clock.now()).label)

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
            self.page("<path:object_id>/verb/", verb_view, "verb"),
        ]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if window := context["original"]:
            context["head"] = window_page.head(self, request, window, clock.now())
            context["back"] = self.came_from(request)
            context["series_url"] = self.series_url(window)
        return super().render_change_form(request, context, *args, **kwargs)

    def series_url(self, window: MaintenanceWindow) -> str:
        """The page of its recurring window, if this admin site has that."""
        if not window.series_id or not self.admin_site.is_registered(WindowSeries):
            return ""
        name = "admin:maintenance_windows_windowseries_change"
        return reverse(name, args=[window.series_id], current_app=self.admin_site.name)

    def history_events(self, request: HttpRequest, obj: MaintenanceWindow) -> list[history.Event]:
        return history.of_window(obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only operators change one in progress, and nobody one that is over.

        On POST the form is still validated, and says so.
        """
        allowed = super().has_change_permission(request, obj)
        if not obj or not allowed or request.method == "POST":
            return allowed
        match obj.status_at(clock.now()):
            case Status.ACTIVE:
                return self.has_operate_permission(request)
            case Status.COMPLETED | Status.CANCELLED:
                return False
        return True

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            texts = {"fields": ("level", "message", "title", *PUBLICATION)}
            adding: tuple[Any, ...] = ("sites", "zone", *TIMES, *self.terms(request))
            if self.may_repeat(request):
                adding = (*adding, "repeats", *BUILDER, "excluded")
            return ((None, {"fields": adding}), (_("Details"), texts))
        times: tuple[Any, ...] = (planned_times,)
        if self.has_change_permission(request, obj):
            shown_start = start if self.is_in_progress(request, obj) else "starts_at"
            times = ("zone", shown_start, "ends_at", "length", *self.terms(request))
        facts = (*FACTS, *FACTS_OF_SERIES) if obj.series_id else FACTS
        return (
            (None, {"fields": ("site", *times)}),
            (_("Details"), {"fields": ("level", "message", "title", *PUBLICATION)}),
            (_("Status"), {"fields": facts}),
        )

    def may_repeat(self, request: HttpRequest) -> bool:
        return may_plan_series(request.user)

    def terms(self, request: HttpRequest) -> tuple[str, ...]:
        """The fields that confirm a start in the past and override a freeze, for people who may."""
        rights = self.rights(request)
        fields = {"start_now": rights.operate, "override": rights.freeze}
        return tuple(name for name, allowed in fields.items() if allowed)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        return ("site", planned_times, start, *FACTS, *FACTS_OF_SERIES)

    def is_in_progress(self, request: HttpRequest, obj: MaintenanceWindow) -> bool:
        """On POST the form checks the start: the window may have started after it was shown."""
        return obj.status_at(clock.now()) is Status.ACTIVE and request.method != "POST"

    def get_form(self, request: HttpRequest, obj: Any = None, *args: Any, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = ScheduleForm
        form: Any = super().get_form(request, obj, *args, **kwargs)
        form.rights = self.rights(request)
        form.may_repeat = self.may_repeat(request)
        form.admin_site = self.admin_site
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial = super().get_changeform_initial_data(request)
        may_view = self.has_view_permission(request)
        return initial | dict.fromkeys(TIMES) | initial_from_query(request.GET, may_view=may_view)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        """Schedule, or change one window. With several, `obj` stays unsaved."""
        who: dict[str, Any] = {"actor": request.user.get_username(), "rights": self.rights(request)}
        values = form.cleaned_data
        if change:
            changes = form.changes()
            saved = [windows.revise(obj.pk, **who, **changes)]
            obj.starts_at, obj.ends_at = saved[0].starts_at, saved[0].ends_at
            if changes.keys().isdisjoint({*TIMES, "level"}):
                return
        elif form.series:
            obj.saved = repeat(self, request, form, **who)
            return
        else:
            names = (*ScheduleForm.Meta.fields, *self.terms(request))
            fields = {name: values[name] for name in names}
            saved = windows.schedule(values["sites"], **who, **fields)
            obj.starts_at, obj.ends_at = saved[0].starts_at, saved[0].ends_at
            obj.saved = [window.pk for window in saved]
            if len(saved) == 1:
                obj.pk, obj.site = saved[0].pk, saved[0].site
            else:
                person: Any = request.user
                LogEntry.objects.log_actions(person.pk, saved, ADDITION, [{"added": {}}])
                self.message_user(request, describe_added(saved), messages.SUCCESS)
        warn_of_windows(self, request, saved)
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

    def saved_ids(self, request: HttpRequest, obj: Any) -> list[int]:
        return getattr(obj, "saved", None) or super().saved_ids(request, obj)
