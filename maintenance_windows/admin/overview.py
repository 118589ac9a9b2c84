"""The overview as a page in the lists of models."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from maintenance_windows.models import Overview
from maintenance_windows.permissions import may_operate, may_see_all_windows


@admin.register(Overview)
class OverviewAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Django and its themes link to the list of each model; of this one that is the overview."""

    def get_urls(self) -> list[URLPattern]:
        """Only the list: there are no rows to add, change or delete."""
        view, part = map(self.admin_site.admin_view, (self.changelist_view, self.part_view))
        return [
            path("", view, name="maintenance_windows_overview_changelist"),
            path("part/", part, name="maintenance_windows_overview_part"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        title = _("Maintenance overview")
        context = self.admin_site.each_context(request) | {"opts": self.opts, "title": title}
        request.current_app = self.admin_site.name
        template = "maintenance_windows/admin/overview/page.html"
        return TemplateResponse(request, template, context | (extra_context or {}))

    def part_view(self, request: HttpRequest) -> HttpResponse:
        """What the page's script renews in place: neither menus nor messages, which stay unread."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "maintenance_windows/admin/overview/part.html")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see_all_windows(request.user) or may_operate(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
