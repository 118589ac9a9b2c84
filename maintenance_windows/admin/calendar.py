"""The page where staff create, replace and revoke their own calendar address."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from maintenance_windows.admin.base import RecordAdmin
from maintenance_windows.models import CalendarToken
from maintenance_windows.permissions import may_see_all_windows

PAGE = "maintenance_windows/admin/calendar.html"


def calendar_view(model_admin: RecordAdmin, request: HttpRequest) -> HttpResponse:
    """The address is shown once, when it is created: only a digest of its key is stored."""
    if not may_see_all_windows(request.user):
        raise PermissionDenied
    own = CalendarToken.objects.filter(user=request.user.pk)
    if "revoke" in request.POST:
        for token in own:
            model_admin.log_change(request, token, _("Calendar URL revoked."))
        own.delete()
        model_admin.message_user(
            request, _("Your calendar URL has been revoked."), messages.SUCCESS
        )
        return HttpResponseRedirect(request.path)
    served, address = calendar_path(), None
    if served and "renew" in request.POST:
        key = CalendarToken.renew(request.user)
        address = request.build_absolute_uri(f"{served}?{urlencode({'token': key})}")
        model_admin.log_change(request, own.get(), _("Calendar URL created."))
    context = {"address": address, "served": served, "token": own.first()}
    return model_admin.render_page(request, PAGE, _("Your calendar"), **context)


def calendar_path() -> str | None:
    """The path of the feed, or None if the project does not include maintenance_windows.urls."""
    try:
        return reverse("maintenance_windows:calendar")
    except NoReverseMatch:
        return None
