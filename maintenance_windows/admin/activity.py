"""The list of all status changes."""

from copy import copy
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from maintenance_windows.admin.base import BoundedChangeList
from maintenance_windows.admin.columns import (
    DOWN,
    READ_ONLY,
    STATE_LABELS,
    UP,
    show_state,
    state_of,
    time_column,
)
from maintenance_windows.admin.search import NearNowAdmin
from maintenance_windows.core.state import Level
from maintenance_windows.models import Transition


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(state, STATE_LABELS[state]) for state in (DOWN, READ_ONLY, UP)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "down":
                return queryset.filter(in_maintenance=True).exclude(level=Level.READ_ONLY)
            case "read_only":
                return queryset.filter(in_maintenance=True, level=Level.READ_ONLY)
            case "up":
                return queryset.filter(in_maintenance=False)
        return queryset


class ActivityChangeList(BoundedChangeList):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Count status changes: the list is their activity."""
        super().__init__(*args, **kwargs)
        self.opts = copy(self.opts)
        self.opts.verbose_name_plural = _("status changes")


done_at = time_column("done_at", _("time"), seconds=True)
due_at = time_column("due_at", _("scheduled for"), seconds=True)


@admin.register(Transition)
class TransitionAdmin(NearNowAdmin):
    list_display = ("site", "state", done_at, due_at, "why", "actor")
    list_filter = (StateFilter,)
    search_fields = ("site__domain", "actor")
    sortable_by = (done_at,)
    date_hierarchy = "done_at"
    ordering = ("-done_at", "-pk")
    fields = ("site", "state", done_at, due_at, "why", "actor")

    class Media:
        css = {"all": ("maintenance_windows/controls.css",)}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ActivityChangeList

    @admin.display(description=_("state"))
    def state(self, transition: Transition) -> str:
        is_down = transition.in_maintenance
        return show_state(state_of(is_down=is_down, level=transition.level))

    @admin.display(description=_("reason"))
    def why(self, transition: Transition) -> str:
        return transition.why

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
