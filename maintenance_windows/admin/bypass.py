"""The page of a site's bypass links: one is made here, or all are revoked."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _

from maintenance_windows.admin.operate import Operating
from maintenance_windows.exceptions import Refused
from maintenance_windows.forms.sites import LinkForm
from maintenance_windows.models import SiteMaintenance
from maintenance_windows.planning import bypass

PAGE = "maintenance_windows/admin/links.html"


class BypassLinks(Operating):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.links_view)
        name = "maintenance_windows_sitemaintenance_links"
        return [path("<path:object_id>/links/", view, name=name), *super().get_urls()]

    def links_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        flag = self.get_object(request, unquote(object_id))
        if not isinstance(flag, SiteMaintenance):
            raise Http404
        if not self.has_operate_permission(request):
            raise PermissionDenied
        actor = request.user.get_username()
        if "revoke" in request.POST:
            bypass.revoke([flag.site], actor=actor)
            self.log_change(request, flag, _("Bypass links revoked."))
            self.message_user(request, _("All bypass links are useless now."), messages.SUCCESS)
            return HttpResponseRedirect(request.get_full_path())
        form = LinkForm(request.POST or None)
        context = {"form": form, "link": self.link(request, flag, form)}
        return self.page(request, flag, context)

    def link(self, request: HttpRequest, flag: SiteMaintenance, form: LinkForm) -> str | None:
        """The link that the form asks for. It is shown once, and kept nowhere."""
        if not form.is_valid():
            return None
        try:
            made = bypass.make(
                flag.site, timezone.now(), length=form.cleaned_data["length"] or None
            )
        except Refused as refusal:
            form.add_error("length", str(refusal))
            return None
        self.log_change(request, flag, _("Bypass link made."))
        return made.url(secure=request.is_secure() or settings.SESSION_COOKIE_SECURE)

    def page(
        self, request: HttpRequest, flag: SiteMaintenance, context: dict[str, Any]
    ) -> HttpResponse:
        title = _("Bypass links of %(site)s") % {"site": flag.site}
        common = self.admin_site.each_context(request) | {"opts": self.opts, "title": title}
        return TemplateResponse(request, PAGE, common | {"original": flag} | context)
