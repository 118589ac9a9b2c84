"""What operators do at once: take a site down, bring it up, move the end of what is on."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.sites.models import Site
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from maintenance_windows.exceptions import Refused
from maintenance_windows.forms.sites import OperateForm
from maintenance_windows.permissions import may_operate
from maintenance_windows.planning import rules, sites
from maintenance_windows.planning.sites import take_down


class Operating(admin.ModelAdmin):  # type: ignore[type-arg]
    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether this person may switch sites, and start, extend and end windows."""
        return may_operate(request.user)


class Board(Operating):
    """Where the buttons of the board lead to."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.operate_view)
        name = "maintenance_windows_sitemaintenance_operate"
        return [path("operate/", view, name=name), *super().get_urls()]

    def operate_view(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":  # such as after a log-in in between
            return HttpResponseRedirect(self.way_back(request))
        if not self.has_operate_permission(request):
            raise PermissionDenied
        form = OperateForm(request.POST)
        if form.is_valid():
            self.operate(request, **form.cleaned_data)
        else:
            for errors in form.errors.values():
                self.message_user(request, " ".join(map(str, errors)), messages.ERROR)
        return HttpResponseRedirect(self.way_back(request))

    def operate(
        self, request: HttpRequest, *, verb: str, site: Site, shown: set[int], **how: Any
    ) -> None:
        try:
            verb_of_site = getattr(self, f"do_{verb or 'extend'}")
            said = verb_of_site(site, request.user.get_username(), seen=shown, **how)
        except Refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        else:
            self.log_change(request, site.maintenance, said)
            self.message_user(request, said, messages.SUCCESS)

    def do_on(self, site: Site, actor: str, *, length: timedelta | None, **how: Any) -> str:
        until = rules.add(timezone.now(), length) if length else None
        texts = {"level": how["level"], "message": how["message"]}
        take_down([site], until=until, actor=actor, **texts)
        if until is None:
            return _("%(site)s is down until it is switched off.") % {"site": site}
        local = timezone.localtime(until)
        return _("%(site)s is down until %(until)s.") % {
            "site": site,
            "until": f"{local:%Y-%m-%d %H:%M:%S %Z}",
        }

    def do_off(self, site: Site, actor: str, *, seen: set[int], **_how: Any) -> str:
        ended = sites.bring_up([site], seen=seen, actor=actor)
        if not ended:
            return _("%(site)s is up.") % {"site": site}
        windows = ", ".join(str(window.pk) for window in ended)
        return _("%(site)s is up; ended early: window %(windows)s.") % {
            "site": site,
            "windows": windows,
        }

    def do_extend(
        self, site: Site, actor: str, *, seen: set[int], extend: timedelta, **_how: Any
    ) -> str:
        window = sites.extend(site, by=extend, seen=seen, actor=actor)
        local = timezone.localtime(window.ends_at)
        return _("Window %(id)s of %(site)s ends at %(end)s.") % {
            "id": window.pk,
            "site": site,
            "end": f"{local:%Y-%m-%d %H:%M:%S %Z}",
        }

    def do_end(self, site: Site, actor: str, *, seen: set[int], **_how: Any) -> str:
        ended = sites.end(site, seen=seen, actor=actor)
        windows = ", ".join(str(window.pk) for window in ended)
        return _("Ended early on %(site)s: window %(windows)s.") % {
            "site": site,
            "windows": windows,
        }

    def way_back(self, request: HttpRequest) -> str:
        """The board as the person saw it."""
        back = request.POST.get("back", "")
        if url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
            return back
        return reverse(
            "admin:app_list", args=[self.opts.app_label], current_app=self.admin_site.name
        )
