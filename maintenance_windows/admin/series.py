"""Series: planned with the next windows before one's eyes, changed, and ended."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from maintenance_windows.admin import history
from maintenance_windows.admin.base import HistoryEntry, KeptForTheRecord
from maintenance_windows.admin.preview import Previewed
from maintenance_windows.forms.series import SeriesForm
from maintenance_windows.models import WindowSeries
from maintenance_windows.planning import series as verbs
from maintenance_windows.planning.series.apply import SeriesChange
from maintenance_windows.planning.series.preview import preview

PREVIEWED = 10


class GoingOnFilter(admin.SimpleListFilter):
    title = _("status")
    parameter_name = "ended"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("going on")), ("yes", _("ended"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() not in {"no", "yes"}:
            return queryset
        return queryset.filter(ended_at__isnull=self.value() == "no")


@admin.register(WindowSeries)
class WindowSeriesAdmin(Previewed, KeptForTheRecord):
    form = SeriesForm
    list_display = ("site", "words", "level", "title", "ended_at")
    list_filter = (GoingOnFilter, "level")
    list_select_related = ("site",)
    search_fields = ("site__domain", "title")
    ordering = ("site__domain", "pk")
    autocomplete_fields = ("site",)
    actions = ("end_series",)
    facts = ("its_windows", "ended_at", "created_by")
    fieldsets = (
        (None, {"fields": ("site", ("starts_on", "start_time"), "zone", "length")}),
        (
            _("Repeats"),
            {
                "fields": (
                    ("every", "unit"),
                    "weekdays",
                    ("monthly", "nth", "nth_weekday"),
                    "rule",
                    "until",
                    "excluded",
                )
            },
        ),
        (_("Texts"), {"fields": ("level", "message", "title")}),
    )
    previewed = "series"
    preview_title = _("Next windows")
    preview_template = "maintenance_windows/admin/preview.html"

    class Media:
        js = ("maintenance_windows/preview.js", "maintenance_windows/series.js")
        css = {"all": ("maintenance_windows/preview.css", "maintenance_windows/series.css")}

    @admin.display(description=_("takes place"))
    def words(self, series: WindowSeries) -> str:
        return series.words()

    @admin.display(description=_("windows"))
    def its_windows(self, series: WindowSeries) -> SafeString:
        url = reverse("admin:maintenance_windows_maintenancewindow_changelist")
        coming = series.windows.live(timezone.now()).count()
        text = ngettext("%(number)s to come or running", "%(number)s to come or running", coming)
        said = text % {"number": coming}
        return format_html('<a href="{}?series__id__exact={}">{}</a>', url, series.pk, said)

    def story(self, request: HttpRequest, obj: WindowSeries) -> list[HistoryEntry]:
        return history.of_series(obj)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.fieldsets
        so_far = (_("So far"), {"fields": self.facts})
        if not self.has_change_permission(request, obj):
            fields = ("site", "words", "rule", "excluded", *WindowSeries.TEXTS)
            return ((None, {"fields": fields}), so_far)
        return (*self.fieldsets, so_far)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("site", "words", *self.facts) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An ended one is shown, not edited; whoever sends a page of it is told so."""
        if obj and request.method != "POST" and obj.ended_at is not None:
            return False
        return super().has_change_permission(request, obj)

    def preview_of(self, form: SeriesForm) -> dict[str, Any]:
        """The rule in words and the next windows."""
        if form.series is None:
            return {}
        now = timezone.now()
        return {
            "words": form.series.words(),
            "zone": form.series.recurrence().zone,
            "coming": preview(form.series, now, PREVIEWED),
            "overlaps": form.series.recurrence().overlaps(now),
            "now": now,
        }

    def save_model(
        self,
        request: HttpRequest,
        obj: WindowSeries,
        form: Any,
        change: bool,  # noqa: FBT001
    ) -> None:
        actor = request.user.get_username()
        if change:
            outcome = verbs.revise(obj.pk, actor=actor, **form.changes())
        else:
            template, site = form.series, form.cleaned_data["site"]
            (outcome,) = verbs.repeat([site], template, actor=actor)
            obj.pk = outcome.series.pk
        self.message_user(request, said(outcome))
        if outcome.series.recurrence().overlaps(timezone.now()):
            text = _("The windows of this series overlap one another.")
            self.message_user(request, str(text), messages.WARNING)

    @admin.action(description=_("End the series"), permissions=["change"])
    def end_series(self, request: HttpRequest, queryset: QuerySet[WindowSeries]) -> None:
        self.each(request, queryset, verbs.end, lambda done: f"{done.series}: {said(done)}")


def said(outcome: SeriesChange) -> str:
    """How many windows were made, changed, cancelled, and left as people made them."""
    parts = [
        ngettext("%(number)s window made", "%(number)s windows made", len(outcome.made))
        % {"number": len(outcome.made)},
        ngettext("%(number)s changed", "%(number)s changed", len(outcome.changed))
        % {"number": len(outcome.changed)},
        ngettext("%(number)s cancelled", "%(number)s cancelled", len(outcome.cancelled))
        % {"number": len(outcome.cancelled)},
    ]
    if outcome.kept:
        ids = ", ".join(str(window.pk) for window in outcome.kept)
        parts.append(_("left as somebody changed them by hand: %(ids)s") % {"ids": ids})
    return f"{', '.join(map(str, parts))}."
