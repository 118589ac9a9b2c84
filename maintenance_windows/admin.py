"""The admin: windows are planned here, sites switched, and their history read."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db import router, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from maintenance_windows import lifecycle, store
from maintenance_windows.forms import SiteForm, WindowForm
from maintenance_windows.models import IgnoredURL, MaintenanceWindow, SiteMaintenance, Transition
from maintenance_windows.querysets import Status
from maintenance_windows.rules import Refused
from maintenance_windows.snapshot import Level


class KeptForTheRecord(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that nobody deletes here; they still go when their Site is deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        own = f"{self.opts.app_label}_{self.opts.model_name}_"
        match = request.resolver_match
        if match and (match.url_name or "").startswith(own):
            return False
        return super().has_delete_permission(request, obj)

    def changeform_view(
        self,
        request: HttpRequest,
        *args: Any,
        **kwargs: Any,
    ) -> HttpResponse:
        """A verb may refuse what the form still allowed, when things changed in between."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())


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


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(KeptForTheRecord):
    form = WindowForm
    list_display = ("site", "starts_at", "ends_at", "status", "level", "title")
    list_filter = (StatusFilter, "level")
    list_select_related = ("site",)
    search_fields = ("site__domain", "title")
    date_hierarchy = "starts_at"
    ordering = ("-starts_at", "-pk")
    autocomplete_fields = ("site",)
    actions = ("start_now", "end_now", "cancel")
    facts = ("status", "started_at", "ended_at", "cancelled_at", "created_by")

    @admin.display(description=_("status"))
    def status(self, window: MaintenanceWindow) -> str:
        return str(window.status_at(timezone.now()).label)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fields = ("site", "starts_at", "ends_at", "level", "title", "message")
        return (*fields, *self.facts) if obj else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        # What was shown is judged when it is sent: things may have changed in between.
        running = obj.status_at(timezone.now()) is Status.ACTIVE and request.method != "POST"
        return ("site", "starts_at", *self.facts) if running else ("site", *self.facts)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The past is shown, not edited; whoever sends a page of it is told so."""
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
        actor = request.user.get_username()
        if change:
            changes = {name: form.cleaned_data[name] for name in form.changed_data}
            lifecycle.revise(obj.pk, actor=actor, **changes)
        else:
            fields = dict(form.cleaned_data)
            (window,) = lifecycle.schedule([fields.pop("site")], actor=actor, **fields)
            obj.pk = window.pk

    @admin.action(description=_("Start now"), permissions=["change"])
    def start_now(self, request: HttpRequest, queryset: QuerySet[MaintenanceWindow]) -> None:
        self._each(request, queryset, lifecycle.start)

    @admin.action(description=_("End now"), permissions=["change"])
    def end_now(self, request: HttpRequest, queryset: QuerySet[MaintenanceWindow]) -> None:
        self._each(request, queryset, lifecycle.end)

    @admin.action(description=_("Cancel"), permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[MaintenanceWindow]) -> None:
        self._each(request, queryset, lifecycle.cancel)

    def _each(
        self,
        request: HttpRequest,
        queryset: QuerySet[MaintenanceWindow],
        verb: Callable[..., MaintenanceWindow],
    ) -> None:
        for window in queryset:
            try:
                changed = verb(window.pk, actor=request.user.get_username())
            except Refused as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
            else:
                self.log_change(request, changed, verb.__name__)
                self.message_user(request, f"{changed}: {self.status(changed)}.")


class IgnoredURLInline(admin.TabularInline):  # type: ignore[type-arg]
    model = IgnoredURL
    extra = 1


def as_visitors_know(flags: Iterable[SiteMaintenance]) -> None:
    """Bring these rows up to date in memory, for a page; the tick does it in the database."""
    now = timezone.now()
    states = store.load(now).by_id
    for flag in flags:
        state = states.get(flag.pk)
        flag.follow(state.at(now) if state else None, now)


class SiteChangeList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        as_visitors_know(self.result_list)


@admin.register(SiteMaintenance)
class SiteMaintenanceAdmin(KeptForTheRecord):
    form = SiteForm
    inlines = (IgnoredURLInline,)
    list_display = ("site", "in_maintenance", "since", "until", "level")
    list_filter = ("in_maintenance",)
    list_select_related = ("site",)
    search_fields = ("site__domain", "site__name")
    ordering = ("site__domain",)
    fields = ("site", "in_maintenance", "since", "until", "level", "message")
    readonly_fields = ("site", "since", "until")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Every Site has its row already."""
        return False

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """The flag as visitors know it, also where no tick has written it yet."""
        flag = super().get_object(request, object_id, from_field)
        if flag is not None:
            as_visitors_know([flag])
        return flag

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SiteChangeList

    def save_model(
        self,
        request: HttpRequest,
        obj: SiteMaintenance,
        form: Any,
        change: bool,  # noqa: FBT001
    ) -> None:
        if not form.changed_data:
            return
        actor = request.user.get_username()
        if obj.in_maintenance:
            lifecycle.switch_on(
                [obj.site], level=Level(obj.level), message=obj.message, actor=actor
            )
        else:
            for window in lifecycle.switch_off([obj.site], actor=actor):
                text = _("The window %(window)s was running and has been ended early.")
                self.message_user(request, text % {"window": window}, messages.WARNING)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        super().save_related(request, form, formsets, change)
        transaction.on_commit(store.publish, using=router.db_for_write(IgnoredURL))


@admin.register(Transition)
class TransitionAdmin(KeptForTheRecord):
    list_display = ("site", "in_maintenance", "due_at", "done_at", "window", "actor")
    list_filter = ("in_maintenance",)
    list_select_related = ("site", "window__site")
    search_fields = ("site__domain", "actor")
    date_hierarchy = "done_at"
    ordering = ("-done_at", "-pk")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
