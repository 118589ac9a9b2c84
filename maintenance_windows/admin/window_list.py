"""The list of windows: by day, with their states, and the actions for several of them."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from maintenance_windows.admin.agenda import OF_SERIES, SeriesFilter, TabFilter, WindowChangeList
from maintenance_windows.admin.moments import format_clocks, format_when, is_today
from maintenance_windows.admin.returning import ReturningAdmin
from maintenance_windows.admin.schedule import in_freeze
from maintenance_windows.admin.search import NearNowAdmin
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.models.querysets import Status
from maintenance_windows.planning import frozen, series, windows
from maintenance_windows.snapshot import clock

MINUTE = timedelta(minutes=1)
GOES_DOWN = _("These windows start now. Visitors get the maintenance page, or a read-only site.")
SOME_GO_DOWN = _(
    "Those whose start has passed start now. Visitors get the maintenance page, or a read-only"
    " site."
)
COMES_UP = _(
    "These windows end now. Their sites come up, unless another window or a person keeps them down."
)


def describe_status(window: MaintenanceWindow) -> str:
    now = clock.now()
    notes = [in_freeze(met) for _window, met in frozen.reaching_into([window], now)]
    return " ".join([f"{window}: {window.status_at(now).label}.", *notes])


def action(
    name: str,
    verb: Callable[..., MaintenanceWindow],
    label: Any,
    permission: str = "operate",
    consequence: Any = "",
) -> Any:
    """An action of the list that calls a verb of planning.windows for each selected window."""

    def apply(model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        limited = verb
        if permission == "operate":
            limited = partial(verb, rights=model_admin.rights(request))
        return model_admin.apply_to_each(
            request, queryset, limited, describe_status, label=label, consequence=consequence
        )

    apply.__name__ = name
    return admin.action(apply, permissions=[permission], description=label)


class WindowListAdmin(ReturningAdmin, NearNowAdmin):
    list_display = ("site_column", "times_column", "state_column", "level", "title")
    list_filter = (TabFilter, "level", ("series", SeriesFilter))
    search_fields = ("site__domain", "title")
    date_hierarchy = "starts_at"
    ordering = ("-starts_at", "-pk")
    actions = (
        action("start_now", windows.start, _("Start now"), consequence=GOES_DOWN),
        action("extend_15", partial(windows.extend, by=15 * MINUTE), _("Extend by 15 minutes")),
        action("extend_30", partial(windows.extend, by=30 * MINUTE), _("Extend by 30 minutes")),
        action("extend_60", partial(windows.extend, by=60 * MINUTE), _("Extend by 60 minutes")),
        action("end_now", windows.end, _("End now"), consequence=COMES_UP),
        action("cancel", windows.cancel, _("Cancel"), permission="change"),
        "restore",
    )

    @admin.display(description=_("site"))
    def site_column(self, window: MaintenanceWindow) -> str:
        return self.name_column(window)

    @admin.display(description=_("time"), ordering="starts_at")
    def times_column(self, window: Any) -> str:
        """The times, below the day where that begins, and how many more a recurring one has."""
        times = window.begins_at, window.ended_at or window.ends_at
        is_under_day = not window.is_in_progress or is_today(window.begins_at)
        text = format_clocks(*times) if is_under_day else format_when(*times)
        head = (
            format_html('<strong class="mw-day">{}</strong> ', window.head) if window.head else ""
        )
        if not window.series_id:
            return format_html('{}<span class="mw-times">{}</span>', head, text)
        more, link = "", f"?{OF_SERIES}={window.series_id}"
        if window.more:
            label = gettext("more")
            if not window.is_cut:
                label = ngettext("%(number)s more", "%(number)s more", window.more)
                label %= {"number": window.more}
            more = format_html(', <a class="mw-more" href="{}">{}</a>', link, label)
        mark = format_html('<span title="{}">↻</span>', gettext("Recurring window"))
        return format_html('{}<span class="mw-times">{} {}{}</span>', head, text, mark, more)

    @admin.display(description=_("state"))
    def state_column(self, window: MaintenanceWindow) -> str:
        status = window.status_at(clock.now())
        label = capfirst(str(status.label))
        return format_html('<span class="mw-pill {}">{}</span>', status.value, label)

    @admin.action(permissions=["change"], description=_("Restore"))
    def restore(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """As one is scheduled: only operators restore what then starts at once."""
        now, label = clock.now(), gettext("Restore")
        verb = partial(series.restore, rights=self.rights(request))
        begun = queryset.filter(cancelled_at__isnull=False, starts_at__lte=now, ends_at__gt=now)
        starts = self.has_operate_permission(request) and begun.exists()
        consequence = SOME_GO_DOWN if starts else ""
        return self.apply_to_each(
            request, queryset, verb, describe_status, label=label, consequence=consequence
        )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return WindowChangeList

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        """The first tab begins with what is in progress, and cannot be turned round."""
        shown = request.GET.get(TabFilter.parameter_name, "")
        return ("times_column",) if shown in {"all", *Status.values} else ()
