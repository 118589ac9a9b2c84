"""The page of one's own calendar: its address is made, renewed and revoked here."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from maintenance_windows.models import CalendarToken
from maintenance_windows.permissions import may_see_all_windows

PAGE = "maintenance_windows/admin/calendar.html"


class OwnCalendar(admin.ModelAdmin):  # type: ignore[type-arg]
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.calendar_view)
        name = "maintenance_windows_maintenancewindow_calendar"
        return [path("calendar/", view, name=name), *super().get_urls()]

    def calendar_view(self, request: HttpRequest) -> HttpResponse:
        if not may_see_all_windows(request.user):
            raise PermissionDenied
        own = CalendarToken.objects.filter(user=request.user.pk)
        if "revoke" in request.POST:
            for token in own:
                self.log_change(request, token, _("Calendar address revoked."))
            own.delete()
            self.message_user(request, _("Your calendar address is revoked."), messages.SUCCESS)
            return HttpResponseRedirect(request.path)
        served, address = served_at(), None
        if served and "renew" in request.POST:
            key = CalendarToken.renew(request.user)
            address = request.build_absolute_uri(f"{served}?{urlencode({'token': key})}")
            self.log_change(request, own.get(), _("Calendar address made."))
        context: dict[str, Any] = {
            "address": address,
            "opts": self.opts,
            "served": served,
            "title": _("Your calendar"),
            "token": own.first(),
        }
        return TemplateResponse(request, PAGE, self.admin_site.each_context(request) | context)


def served_at() -> str | None:
    """The path of the calendars; None where the project does not serve them."""
    try:
        return reverse("maintenance_windows:calendar")
    except NoReverseMatch:
        return None
