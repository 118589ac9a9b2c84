"""What visitors meet on a site now, in the list of sites and on the page of one."""

from collections.abc import Collection
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from maintenance_windows.admin.base import BoundedChangeList
from maintenance_windows.admin.columns import DOWN, READ_ONLY, STATE_LABELS, UP, state_of
from maintenance_windows.models import MaintenanceWindow, SiteMaintenance
from maintenance_windows.models.querysets import among
from maintenance_windows.snapshot import clock
from maintenance_windows.snapshot.loader import load


class StateFilter(admin.SimpleListFilter):
    """By what visitors meet now: the tick may not have updated the rows yet."""

    title = _lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(state, STATE_LABELS[state]) for state in (DOWN, READ_ONLY, UP)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in STATE_LABELS:
            return queryset
        now = clock.now()
        found = {site: state.at(now) for site, state in load(now).by_id.items()}
        levels = {site: one.level for site, one in found.items() if one is not None}
        if self.value() == UP:
            return queryset.exclude(pk__in=among(levels)) if levels else queryset
        chosen = [
            site
            for site, level in levels.items()
            if state_of(is_down=True, level=level) == self.value()
        ]
        return queryset.filter(pk__in=among(chosen)) if chosen else queryset.none()


def show_as_visitors_see(flags: Collection[SiteMaintenance]) -> None:
    """Update these flags in memory, because the tick may not have updated the rows yet."""
    now = clock.now()
    states = load(now, only=[flag.pk for flag in flags]).by_id
    for flag in flags:
        state = states.get(flag.pk)
        flag.apply_maintenance(state.at(now) if state else None, now)


class SiteChangeList(BoundedChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        show_as_visitors_see(self.result_list)


def describe_reason(flag: SiteMaintenance) -> str:
    """The last status change, unless the tick has not recorded yet what visitors meet."""
    last = flag.site.maintenance_transitions.order_by("-done_at", "-pk").first()
    if last is None or last.in_maintenance != flag.in_maintenance:
        return "-"
    if not last.actor:
        return str(last.why)
    return _("%(why)s, by %(actor)s") % {"why": last.why, "actor": last.actor}


def describe_message(flag: Any, admin_site: admin.AdminSite) -> str:
    """Whose message visitors see; the title of a window if the flag `shows_titles`."""
    now = clock.now()
    state = load(now, only=[flag.pk]).by_id.get(flag.pk)
    if state is None or state.at(now) is None:
        return "-"
    speaker = state.speaker(now)
    if speaker is None:
        return _("Visitors see the standard text: no message is set.")
    if speaker.window is None:
        return _("Visitors see the message below.")
    window = MaintenanceWindow.objects.filter(pk=speaker.window).first()
    title = window.title if window and flag.shows_titles else ""
    text = _("Visitors see the message of window %(id)s.")
    if title:
        text = _("Visitors see the message of window %(id)s, “%(title)s”.")
    link: Any = speaker.window
    if flag.shows_titles and admin_site.is_registered(MaintenanceWindow):
        name = "admin:maintenance_windows_maintenancewindow_change"
        url = reverse(name, args=[link], current_app=admin_site.name)
        link = format_html('<a href="{}">{}</a>', url, link)
    return mark_safe(escape(text) % {"id": link, "title": escape(title)})  # noqa: S308
