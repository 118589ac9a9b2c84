"""What the buttons of the overview do at once: take a site down, bring it up, extend, undo."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.contrib import messages
from django.contrib.sites.models import Site
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from maintenance_windows.admin.base import RecordAdmin
from maintenance_windows.admin.schedule import in_freeze
from maintenance_windows.exceptions import Refused
from maintenance_windows.forms.sites import OPEN, OperateForm
from maintenance_windows.models import MaintenanceWindow, SiteMaintenance, all_sites
from maintenance_windows.permissions import may_see_all_windows
from maintenance_windows.planning import frozen, rules, sites, standing, undo_sites
from maintenance_windows.planning.standing import Standing
from maintenance_windows.reconcile.lock import locked
from maintenance_windows.wording.nearby import short_duration

SALT = "maintenance_windows.admin.operate"
UNDO_FOR = 60 * 60  # seconds

Sent = dict[str, Any]
Who = dict[str, Any]  # the actor and the rights
# Does something to a site as it stands, and returns what it says besides the new state. The last
# argument is whether it may name titles.
Act = Callable[[Standing, datetime, bool], str]


def operate_view(model_admin: RecordAdmin, request: HttpRequest) -> HttpResponse:
    if request.method != "POST":  # GET follows a log-in, for example
        return HttpResponseRedirect(overview_url(model_admin, request))
    if not model_admin.has_operate_permission(request):
        raise PermissionDenied
    who = {"actor": request.user.get_username(), "rights": model_admin.rights(request)}
    try:
        if "undo" in request.POST:
            site, act, lasting = undone(request, who)
        else:
            site, act, lasting = asked(request, who)
        kept = operate(model_admin, request, site, act, lasting=lasting)
    except Refused as refusal:
        tell(model_admin, request, str(refusal), messages.ERROR)
        return HttpResponseRedirect(overview_url(model_admin, request))
    return HttpResponseRedirect(overview_url(model_admin, request, site, kept=kept))


def asked(request: HttpRequest, who: Who) -> tuple[Site, Act, bool]:
    """What a form of the overview asks for. Raises Refused if it is invalid."""
    form = OperateForm(request.POST)
    if not form.is_valid():
        raise Refused(" ".join(str(text) for texts in form.errors.values() for text in texts))
    sent = form.cleaned_data
    button = BUTTONS[sent["verb"]]
    return sent["site"], partial(button, sent, who), False


def undone(request: HttpRequest, who: Who) -> tuple[Site, Act, bool]:
    """What *Undo* of a message asks for. Raises Refused if it comes too late."""
    try:
        kept = signing.loads(request.POST["undo"], salt=SALT, max_age=UNDO_FOR)
    except signing.BadSignature:
        raise Refused(_("This can no longer be undone.")) from None
    site = all_sites().filter(pk=kept["site"]).first()
    if site is None or kept["actor"] != who["actor"]:
        raise Refused(_("This can no longer be undone."))

    def act(_before: Standing, now: datetime, _titles: bool) -> str:  # noqa: FBT001
        undo_sites.undo(site, kept["before"], seen=kept["seen"], clock=lambda: now, **who)
        return _("Undone.")

    return site, act, True


def operate(
    model_admin: RecordAdmin, request: HttpRequest, site: Site, act: Act, *, lasting: bool
) -> bool:
    """Do it, say what visitors see now, and offer to undo it. Return whether the site came up."""
    titles = may_see_all_windows(request.user)
    with locked() as now:
        before = standing.read([site], now)[site.pk]
        told = act(before, now, titles)
        after = standing.read([site], now)[site.pk]
    text = f"{told} {after.describe(titles=titles)}".strip()
    if after.is_down and (met := next(frozen.frozen_now([site], now), None)):
        text = f"{text} {in_freeze(met[1])}"
    # The site may be deleted meanwhile.
    model_admin.log_change(request, SiteMaintenance(site=site), text)
    if lasting or after.mark == before.mark:
        tell(model_admin, request, text, messages.SUCCESS)
    else:
        actor = request.user.get_username()
        kept = {
            "site": site.pk,
            "before": undo_sites.keep(before),
            "seen": after.mark,
            "actor": actor,
        }
        # The form is on the overview, wherever a theme shows its messages.
        button = format_html(
            '<button form="mw-undo" name="undo" value="{}" class="mw-button">{}</button>',
            signing.dumps(kept, salt=SALT, compress=True),
            _("Undo"),
        )
        tell(model_admin, request, format_html("{} {}", text, button), messages.SUCCESS)
    return before.is_down and not after.is_down


def take_down(sent: Sent, who: Who, before: Standing, now: datetime, _titles: bool) -> str:  # noqa: FBT001
    until = None if sent["length"] == OPEN else rules.add(now, sent["length"])
    sites.take_down(
        [before.site],
        until=until,
        level=sent["level"],
        message=sent["message"],
        seen=sent["shown"],
        clock=lambda: now,
        **who,
    )
    return ""


def bring_up(sent: Sent, who: Who, before: Standing, now: datetime, titles: bool) -> str:  # noqa: FBT001
    seen = sent["shown"] if before.is_down else None  # there is nothing to undo unseen
    ended = sites.bring_up([before.site], seen=seen, clock=lambda: now, **who)
    return " ".join(
        (
            _("“%(window)s” ended %(time)s early.")
            if titles and window.title
            else _("Window %(window)s ended %(time)s early.")
        )
        % {
            "window": (titles and window.title) or window.pk,
            "time": short_duration(window.ends_at - now),
        }
        for window in ended
    )


def extend(sent: Sent, who: Who, before: Standing, now: datetime, _titles: bool) -> str:  # noqa: FBT001
    by = sent["minutes"]
    sites.extend(before.site, by=by, seen=sent["shown"], clock=lambda: now, **who)
    return _("Extended by %(time)s.") % {"time": short_duration(by)}


BUTTONS: dict[str, Callable[[Sent, Who, Standing, datetime, bool], str]] = {
    "down": take_down,
    "up": bring_up,
    "extend": extend,
}


def ids(windows: Iterable[MaintenanceWindow]) -> str:
    return ", ".join(str(window.pk) for window in windows)


def tell(model_admin: RecordAdmin, request: HttpRequest, text: str, level: int) -> None:
    """In an element, because the admin capitalises the first letter, here that of a domain."""
    model_admin.message_user(request, format_html("<bdi>{}</bdi>", text), level)


def overview_url(
    model_admin: RecordAdmin, request: HttpRequest, site: Site | None = None, *, kept: bool = False
) -> str:
    """The overview as the person saw it, with its search and page, at the site.

    A site that came up is `kept` where it was, so that no other one is under the pointer.
    """
    back = request.POST.get("back", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
        label, name = model_admin.opts.app_label, model_admin.admin_site.name
        back = reverse("admin:app_list", args=[label], current_app=name)
    if site is None:
        return back
    parts = urlsplit(back)
    query = [pair for pair in parse_qsl(parts.query) if pair[0] != "kept"]
    query += [("kept", str(site.pk))] if kept else []
    return urlunsplit(parts._replace(query=urlencode(query), fragment=f"site-{site.pk}"))
