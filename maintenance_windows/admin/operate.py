"""What the buttons of the overview do at once: take a site down, bring it up, move its end."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.contrib.sites.models import Site
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from maintenance_windows.admin.base import RecordAdmin, format_time
from maintenance_windows.admin.schedule import in_freeze
from maintenance_windows.exceptions import Refused
from maintenance_windows.forms.sites import OperateForm
from maintenance_windows.models import MaintenanceWindow, SiteMaintenance
from maintenance_windows.planning import frozen, rules, sites
from maintenance_windows.snapshot import clock


def operate_view(model_admin: RecordAdmin, request: HttpRequest) -> HttpResponse:
    if request.method == "POST":  # GET follows a log-in, for example
        if not model_admin.has_operate_permission(request):
            raise PermissionDenied
        form = OperateForm(request.POST)
        if form.is_valid():
            operate(model_admin, request, form.cleaned_data)
        else:
            for errors in form.errors.values():
                model_admin.message_user(request, " ".join(map(str, errors)), messages.ERROR)
    return HttpResponseRedirect(overview_url(model_admin, request))


def operate(model_admin: RecordAdmin, request: HttpRequest, sent: dict[str, Any]) -> None:
    """Do what the button says, and show the result or the refusal."""
    site, button = sent["site"], BUTTONS[sent["verb"]]
    try:
        who = {"actor": request.user.get_username(), "rights": model_admin.rights(request)}
        text = button(site, sent, who)
    except Refused as refusal:
        model_admin.message_user(request, str(refusal), messages.ERROR)
    else:
        # The site may be deleted meanwhile.
        model_admin.log_change(request, SiteMaintenance(site=site), text)
        model_admin.message_user(request, text, messages.SUCCESS)


def take_down(site: Site, sent: dict[str, Any], who: dict[str, Any]) -> str:
    until = rules.add(clock.now(), sent["length"]) if sent["length"] else None
    level, message = sent["level"], sent["message"]
    sites.take_down([site], until=until, level=level, message=message, **who)
    if until is None:
        text = _("%(site)s is down until further notice.") % {"site": site}
    else:
        facts = {"site": site, "until": format_time(until)}
        text = _("%(site)s is down until %(until)s.") % facts
    met = next((met for _site, met in frozen.frozen_now([site], clock.now())), None)
    return f"{text} {in_freeze(met)}" if met else text


def bring_up(site: Site, sent: dict[str, Any], who: dict[str, Any]) -> str:
    ended = sites.bring_up([site], seen=sent["shown"], **who)
    if not ended:
        return _("%(site)s is up.") % {"site": site}
    facts = {"site": site, "windows": ids(ended)}
    return _("%(site)s is up. Ended window %(windows)s.") % facts


def end(site: Site, sent: dict[str, Any], who: dict[str, Any]) -> str:
    ended = sites.end(site, seen=sent["shown"], **who)
    facts = {"site": site, "windows": ids(ended)}
    return _("Ended window %(windows)s on %(site)s.") % facts


def extend(site: Site, sent: dict[str, Any], who: dict[str, Any]) -> str:
    window = sites.extend(site, by=sent["extend"], seen=sent["shown"], **who)
    facts = {"id": window.pk, "site": site, "end": format_time(window.ends_at)}
    text = _("Window %(id)s of %(site)s ends at %(end)s.") % facts
    met = next((met for _window, met in frozen.reaching_into([window], clock.now())), None)
    return f"{text} {in_freeze(met)}" if met else text


# By the form's `verb`. The buttons that extend have none: each sends its minutes.
BUTTONS: dict[str, Callable[[Site, dict[str, Any], dict[str, Any]], str]] = {
    "on": take_down,
    "off": bring_up,
    "end": end,
    "": extend,
}


def ids(windows: Iterable[MaintenanceWindow]) -> str:
    return ", ".join(str(window.pk) for window in windows)


def overview_url(model_admin: RecordAdmin, request: HttpRequest) -> str:
    """The overview as the person saw it, with its search and page."""
    back = request.POST.get("back", "")
    if url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
        return back
    label, name = model_admin.opts.app_label, model_admin.admin_site.name
    return reverse("admin:app_list", args=[label], current_app=name)
