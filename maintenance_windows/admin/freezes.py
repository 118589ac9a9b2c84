"""Freezes: the list, the form that makes one, and the action that ends some."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _

from maintenance_windows.admin.base import RecordAdmin
from maintenance_windows.admin.columns import show_times, time_column
from maintenance_windows.admin.repeating import describe_change
from maintenance_windows.admin.site_search import sites_view
from maintenance_windows.forms.freezes import FreezeForm
from maintenance_windows.forms.prefill import initial_from_query
from maintenance_windows.forms.windows import TIMES
from maintenance_windows.models import Freeze
from maintenance_windows.overview import history
from maintenance_windows.permissions import may_freeze, may_plan, may_see_all_windows
from maintenance_windows.planning import freezes
from maintenance_windows.planning.freezes import FreezeChange
from maintenance_windows.snapshot import clock

created_at = time_column("created_at", _("created"))
ended_at = time_column("ended_at", _("ended"))
MAX_NAMED = 10  # sites in the list, and windows or recurring windows that messages name


class LiveFilter(admin.SimpleListFilter):
    title = _("status")
    parameter_name = "live"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("not ended")), ("no", _("ended"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        live = Freeze.objects.live(clock.now()).values("pk")
        match self.value():
            case "yes":
                return queryset.filter(pk__in=live)
            case "no":
                return queryset.exclude(pk__in=live)
        return queryset


@admin.register(Freeze)
class FreezeAdmin(RecordAdmin):
    form = FreezeForm
    list_display = ("reason", "where", "when", ended_at, "created_by")
    list_filter = (LiveFilter,)
    search_fields = ("reason",)
    sortable_by = ()
    ordering = ("-pk",)
    actions = ("end_freezes",)
    fields = ("reason", "where", "when", "created_by", created_at, "ended_by", ended_at)
    adding = (
        (None, {"fields": ("everywhere", "sites", "reason")}),
        (_("Times"), {"fields": ("zone", "starts_at", "ends_at", "rule")}),
    )

    class Media:
        js = ("maintenance_windows/window.js",)
        css = {"all": ("maintenance_windows/controls.css", "maintenance_windows/window.css")}

    @admin.display(description=_("sites"))
    def where(self, freeze: Freeze) -> str:
        if freeze.everywhere:
            return str(_("All sites"))
        domains = [site.domain for site in freeze.sites.all()]
        more = ", …" if len(domains) > MAX_NAMED else ""
        return ", ".join(sorted(domains)[:MAX_NAMED]) + more

    @admin.display(description=_("times"))
    def when(self, freeze: Freeze) -> str:
        if freeze.starts_at is None or freeze.ends_at is None:
            return freeze.words()
        return show_times(freeze.starts_at, freeze.ends_at)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("sites")

    def own_urls(self) -> list[URLPattern]:
        return [*super().own_urls(), self.page("sites/", sites_view, "sites")]

    def history_events(self, request: HttpRequest, obj: Freeze) -> list[history.Event]:
        return history.of_freeze(obj)

    def has_freeze_permission(self, request: HttpRequest) -> bool:
        return may_freeze(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_freeze_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A freeze is ended, and another one made."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """All people whom a freeze concerns see it."""
        sees = any(may(request.user) for may in (may_freeze, may_plan, may_see_all_windows))
        return sees or super().has_view_permission(request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.adding if obj is None else ((None, {"fields": self.fields}),)

    def get_form(self, request: HttpRequest, obj: Any = None, *args: Any, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, *args, **kwargs)
        form.admin_site = self.admin_site
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial = super().get_changeform_initial_data(request)
        return initial | dict.fromkeys(TIMES) | initial_from_query(request.GET, may_view=False)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        cleaned, actor = form.cleaned_data, request.user.get_username()
        sites = None if cleaned["everywhere"] else cleaned["sites"]
        outcome = freezes.freeze(sites, actor=actor, rights=self.rights(request), **form.values())
        obj.pk = outcome.freeze.pk
        self.show(request, outcome)

    def show(self, request: HttpRequest, outcome: FreezeChange) -> None:
        """Say which windows stay in the freeze, and what recurring windows do."""
        for window in outcome.kept[:MAX_NAMED]:
            facts = {"id": window.pk, "window": window}
            text = _("Window %(id)s is planned in this freeze and stays: %(window)s.") % facts
            self.message_user(request, text, messages.WARNING)
        if len(outcome.kept) > MAX_NAMED:
            text = _("%(number)s windows in all are planned in this freeze and stay.") % {
                "number": len(outcome.kept)
            }
            self.message_user(request, text, messages.WARNING)
        for change in outcome.series[:MAX_NAMED]:
            self.message_user(request, f"{change.series}: {describe_change(change)}")

    @admin.action(description=_("End freezes"), permissions=["freeze"])
    def end_freezes(self, request: HttpRequest, queryset: QuerySet[Freeze]) -> None:
        def unfreeze(pk: int, actor: str) -> Freeze:
            outcome = freezes.unfreeze(pk, actor=actor, rights=self.rights(request))
            self.show(request, outcome)
            return outcome.freeze

        def describe(freeze: Freeze) -> str:
            return _("The freeze has ended: %(reason)s.") % {"reason": freeze.reason}

        self.apply_to_each(request, queryset, unfreeze, describe)
