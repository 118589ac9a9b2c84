"""The page where operators create and revoke the bypass links of a site."""

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from maintenance_windows.admin.base import RecordAdmin
from maintenance_windows.exceptions import Refused
from maintenance_windows.forms.sites import LinkForm
from maintenance_windows.planning import bypass

PAGE = "maintenance_windows/admin/links.html"


def links_view(model_admin: RecordAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """A link is shown once, when it is created, and stored nowhere."""
    flag = model_admin.get_object(request, unquote(object_id))
    if flag is None:
        raise Http404
    if not model_admin.has_operate_permission(request):
        raise PermissionDenied
    rights = model_admin.rights(request)
    if "revoke" in request.POST:
        try:
            bypass.revoke([flag.site], rights=rights, actor=request.user.get_username())
        except Refused as refusal:
            model_admin.message_user(request, str(refusal), messages.ERROR)
        else:
            model_admin.log_change(request, flag, _("Bypass links revoked."))
            text = _("All bypass links have been revoked.")
            model_admin.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(request.get_full_path())
    form, link = LinkForm(request.POST or None), None
    if form.is_valid():
        try:
            made = bypass.make(flag.site, length=form.cleaned_data["length"], rights=rights)
        except Refused as refusal:
            form.add_error("length", str(refusal))
        else:
            link = made.url(secure=request.is_secure() or settings.SESSION_COOKIE_SECURE)
            model_admin.log_change(request, flag, _("Bypass link created."))
    title = _("Bypass links of %(site)s") % {"site": flag.site}
    return model_admin.render_page(request, PAGE, title, original=flag, form=form, link=link)
