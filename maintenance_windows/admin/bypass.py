"""The page where operators create, list and revoke the bypass links of a site."""

from urllib.parse import urlsplit

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
from maintenance_windows.snapshot import clock

PAGE = "maintenance_windows/admin/links.html"


def links_view(model_admin: RecordAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """A link is shown once, when it is created: what is stored of it does not let anyone pass.

    A form elsewhere may send `make` here, with a `length` or without, and this page shows the link.
    """
    flag = model_admin.get_object(request, unquote(object_id))
    if flag is None:
        raise Http404
    if not model_admin.has_operate_permission(request):
        raise PermissionDenied
    actor, rights = request.user.get_username(), model_admin.rights(request)
    if "revoke" in request.POST:
        try:
            bypass.revoke([flag.site], actor=actor, rights=rights)
        except Refused as refusal:
            model_admin.message_user(request, str(refusal), messages.ERROR)
        else:
            model_admin.log_change(request, flag, _("Bypass links revoked."))
            text = _("All bypass links of %(site)s have been revoked.") % {"site": flag.site}
            model_admin.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(request.get_full_path())
    form, made = LinkForm(request.POST or None), None
    if form.is_valid():
        try:
            made = bypass.make(
                flag.site, length=form.cleaned_data["length"], actor=actor, rights=rights
            )
        except Refused as refusal:
            form.add_error("length", str(refusal))
        else:
            model_admin.log_change(request, flag, _("Bypass link created."))
    title = _("Bypass links for %(site)s") % {"site": flag.site}
    links, link = bypass.live(flag.site, clock.now()), made and address(made, request)
    context = {"original": flag, "form": form, "link": link, "links": links}
    return model_admin.render_page(request, PAGE, title, **context)


def address(link: bypass.Link, request: HttpRequest) -> str:
    """The link as the person's browser reaches the sites: by this page's scheme and port."""
    secure = request.is_secure() or settings.SESSION_COOKIE_SECURE
    port = urlsplit(f"//{request.get_host()}").port
    return link.url(secure=secure, port=str(port or ""))
