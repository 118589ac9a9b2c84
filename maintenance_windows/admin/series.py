"""Recurring windows: planned and changed with a preview of the next windows, and ended."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from maintenance_windows.admin import occurrences
from maintenance_windows.admin.columns import time_column
from maintenance_windows.admin.dates import describe_dates
from maintenance_windows.admin.preview import Preview, PreviewedAdmin
from maintenance_windows.admin.repeating import BUILDER, describe_change
from maintenance_windows.admin.returning import ReturningAdmin
from maintenance_windows.admin.schedule import warn
from maintenance_windows.admin.site_search import sites_view
from maintenance_windows.forms import repeats
from maintenance_windows.forms.publication import PUBLICATION
from maintenance_windows.forms.series import SeriesForm
from maintenance_windows.forms.site_search import SiteField, SiteWidget
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.overview import history
from maintenance_windows.planning import series as verbs
from maintenance_windows.planning.series.apply import SeriesChange
from maintenance_windows.snapshot import clock

ended_at = time_column("ended_at", _("ended"))
FACTS = ("its_windows", ended_at, "created_by")


class EndedFilter(admin.SimpleListFilter):
    title = _("status")
    parameter_name = "ended"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("not ended")), ("yes", _("ended"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() not in {"no", "yes"}:
            return queryset
        return queryset.filter(ended_at__isnull=self.value() == "no")


def describe_series(form: SeriesForm) -> dict[str, Any]:
    """The context of the preview; empty where the form is not valid."""
    if form.series is None:
        return {}
    site = form.instance.site if form.instance.pk else form.cleaned_data.get("site")
    return describe_dates(form.series, [site] if site else [], clock.now())


@admin.register(WindowSeries)
class WindowSeriesAdmin(ReturningAdmin, PreviewedAdmin):
    form = SeriesForm
    anchor = "series"
    list_display = ("site_column", "words", "level", "title", ended_at)
    list_filter = (EndedFilter, "level")
    list_select_related = ("site",)
    search_fields = ("site__domain", "site__name", "title")
    ordering = ("site__domain", "pk")
    actions = ("end_series", "end_with_edited")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "site",
                    ("starts_on", "start_time"),
                    "zone",
                    ("length", "end_time", "end_days"),
                    "start_now",
                )
            },
        ),
        (_("Repeats"), {"fields": (*BUILDER, "excluded")}),
        (_("Details"), {"fields": ("level", "message", "title", *PUBLICATION)}),
    )
    preview = Preview(
        parameter="series",
        title=_("Next windows"),
        template="maintenance_windows/admin/preview.html",
        describe=describe_series,
    )

    class Media:
        js = ("maintenance_windows/preview.js", "maintenance_windows/series.js")
        css = {
            "all": (
                "maintenance_windows/controls.css",
                "maintenance_windows/preview.css",
                "maintenance_windows/window.css",
                "maintenance_windows/series.css",
            )
        }

    @admin.display(description=_("site"), ordering="site__domain")
    def site_column(self, series: WindowSeries) -> str:
        return self.name_column(series)

    @admin.display(description=_("recurrence"))
    def words(self, series: WindowSeries) -> str:
        return series.words()

    @admin.display(description=_("windows"))
    def its_windows(self, series: WindowSeries) -> str:
        """The number of windows that have not ended, with a link where this admin lists them."""
        live = series.windows.live(clock.now()).count()
        text = ngettext(
            "%(number)s upcoming or in progress", "%(number)s upcoming or in progress", live
        )
        label = text % {"number": live}
        if not self.admin_site.is_registered(MaintenanceWindow):
            return label
        name = "admin:maintenance_windows_maintenancewindow_changelist"
        url = reverse(name, current_app=self.admin_site.name)
        return format_html('<a href="{}?series__id__exact={}">{}</a>', url, series.pk, label)

    def own_urls(self) -> list[URLPattern]:
        return [
            *super().own_urls(),
            self.page("sites/", sites_view, "sites"),
            self.page("<path:object_id>/verb/", occurrences.verb_view, "verb"),
        ]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if series := context["original"]:
            context["head"] = occurrences.head(self, request, series)
            context["back"] = ""  # the page itself: one skips several dates in a row
        return super().render_change_form(request, context, *args, **kwargs)

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Lead to the one form that schedules, for people who may use that."""
        windows: Any = (
            self.admin_site.get_model_admin(MaintenanceWindow)
            if (self.admin_site.is_registered(MaintenanceWindow))
            else None
        )
        if request.method != "GET" or not (windows and windows.has_add_permission(request)):
            return super().add_view(request, *args, **kwargs)
        name = "admin:maintenance_windows_maintenancewindow_add"
        url = reverse(name, current_app=self.admin_site.name)
        query = request.GET.copy()
        query.setdefault("repeats", repeats.WEEKLY)
        return HttpResponseRedirect(f"{url}?{query.urlencode()}")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "site":
            kwargs["widget"] = SiteWidget(db_field, self.admin_site)
            kwargs["form_class"] = SiteField
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def history_events(self, request: HttpRequest, obj: WindowSeries) -> list[history.Event]:
        return history.of_series(obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An ended one is read-only. On POST the verb refuses it, and says so."""
        if obj and request.method != "POST" and obj.ended_at is not None:
            return False
        return super().has_change_permission(request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets: Any = self.fieldsets
        if not self.has_operate_permission(request):
            (heading, times), *others = fieldsets
            confirmed = tuple(field for field in times["fields"] if field != "start_now")
            fieldsets = ((heading, {**times, "fields": confirmed}), *others)
        if obj is None:
            return fieldsets
        so_far = (_("Status"), {"fields": FACTS})
        if self.has_change_permission(request, obj):
            return (*fieldsets, so_far)
        fields = ("site", "words", "rule", "excluded", *WindowSeries.TEXTS)
        return ((None, {"fields": fields}), so_far)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("site", "words", *FACTS) if obj else ()

    def get_form(self, request: HttpRequest, obj: Any = None, *args: Any, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, *args, **kwargs)
        form.rights = self.rights(request)
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        who: dict[str, Any] = {"actor": request.user.get_username(), "rights": self.rights(request)}
        who["start_now"] = form.cleaned_data.get("start_now", False)
        if change:
            outcome = verbs.revise(obj.pk, **who, **form.changes())
            obj.refresh_from_db()  # the message names it
        else:
            (outcome,) = verbs.repeat([form.cleaned_data["site"]], form.series, **who)
            obj.pk = outcome.series.pk
        self.message_user(request, describe_change(outcome))
        warn(self, request, verbs.notes(outcome.series, [outcome.series.site], clock.now()))

    @admin.action(description=_("End recurring windows"), permissions=["change"])
    def end_series(self, request: HttpRequest, queryset: QuerySet[WindowSeries]) -> None:
        def describe(outcome: SeriesChange) -> str:
            return f"{outcome.series}: {describe_change(outcome)}"

        self.apply_to_each(request, queryset, verbs.end, describe)

    @admin.action(
        description=_("End recurring windows, and cancel windows edited individually"),
        permissions=["change"],
    )
    def end_with_edited(self, request: HttpRequest, queryset: QuerySet[WindowSeries]) -> None:
        def describe(outcome: SeriesChange) -> str:
            return f"{outcome.series}: {describe_change(outcome)}"

        verb = partial(verbs.end, with_edited=True)
        self.apply_to_each(request, queryset, verb, describe)
