"""The history of all sites."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from maintenance_windows.admin.record import KeptForTheRecord
from maintenance_windows.admin.searching import SearchedNearNow
from maintenance_windows.models import Transition


@admin.register(Transition)
class TransitionAdmin(SearchedNearNow, KeptForTheRecord):
    list_display = ("site", "in_maintenance", "due_at", "done_at", "why", "actor")
    list_filter = ("in_maintenance",)
    moment, texts = "done_at", ("actor",)
    search_fields = ("site__domain", *texts)
    sortable_by = (moment,)
    date_hierarchy = moment
    ordering = ("-done_at", "-pk")

    @admin.display(description=_("why"))
    def why(self, transition: Transition) -> str:
        return transition.why

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
