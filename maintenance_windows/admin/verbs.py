"""What the buttons for one window do, and the offer to undo that."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from maintenance_windows.admin.base import RecordAdmin
from maintenance_windows.admin.moments import format_at, format_when
from maintenance_windows.admin.refusal import OVERRIDE, answer_refusal
from maintenance_windows.admin.returning import ReturningAdmin, read_back
from maintenance_windows.admin.schedule import in_freeze
from maintenance_windows.admin.telling import say, undo_form
from maintenance_windows.exceptions import Refused
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.permissions import Rights
from maintenance_windows.planning import frozen, series, undo_windows, windows
from maintenance_windows.reconcile.lock import locked
from maintenance_windows.snapshot import clock
from maintenance_windows.wording.nearby import short_duration

MOST_MINUTES = 24 * 60


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What a button sends, and who pressed it."""

    window: MaintenanceWindow
    post: Any
    actor: str
    rights: Rights

    def who(self) -> dict[str, Any]:
        return {"actor": self.actor, "rights": self.rights}

    def terms(self) -> dict[str, Any]:
        """For verbs that a freeze refuses: who pressed it, and why the freeze does not hold."""
        return {"override": self.post.get(OVERRIDE, ""), **self.who()}

    def time(self, name: str) -> datetime:
        """A time that the button was made with. Raises Refused."""
        try:
            moment = parse_datetime(self.post.get(name, ""))
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise Refused(_("This button is not complete: open the page again."))
        return moment

    def minutes(self) -> timedelta:
        text = self.post.get("minutes", "")
        if not (text.isascii() and text.isdigit() and len(text) < 5 and int(text)):  # noqa: PLR2004
            raise Refused(_("This button is not complete: open the page again."))
        return timedelta(minutes=min(int(text), MOST_MINUTES))


@dataclass(frozen=True, kw_only=True)
class Done:
    """A window after a verb, what to say of that, and what the button sends that undoes it."""

    window: MaintenanceWindow
    text: str
    undo: dict[str, str] | None = None


@dataclass(frozen=True)
class Verb:
    """`permission` is what the model admin asks: operate or change."""

    do: Callable[[Sent], Done]
    permission: str


def name_of(window: MaintenanceWindow) -> str:
    """Name a window in a message: its title if it has one, the site, and when it takes place."""
    facts = {
        "title": window.title,
        "site": window.site.domain,
        "when": format_when(window.starts_at, window.ends_at),
    }
    if window.title:
        return _("“%(title)s” on %(site)s, %(when)s") % facts
    return _("Window on %(site)s, %(when)s") % facts


def start(sent: Sent) -> Done:
    window = windows.start(sent.window.pk, **sent.who())
    facts = {"window": name_of(window), "end": format_at(window.ends_at)}
    return Done(window=window, text=_("%(window)s: started, ends at %(end)s.") % facts)


def end(sent: Sent) -> Done:
    window = windows.end(sent.window.pk, **sent.who())
    ended = window.ended_at or window.ends_at
    facts = {"window": name_of(window), "time": short_duration(window.ends_at - ended)}
    again = {"verb": "undo_end", "seen": ended.isoformat()}
    return Done(window=window, text=_("%(window)s: ended %(time)s early.") % facts, undo=again)


def cancel(sent: Sent) -> Done:
    window = windows.cancel(sent.window.pk, actor=sent.actor)
    text = _("%(window)s: skipped.") if window.series_id else _("%(window)s: cancelled.")
    text %= {"window": name_of(window)}
    cancelled_at = window.cancelled_at.isoformat() if window.cancelled_at else ""
    return Done(window=window, text=text, undo={"verb": "undo_cancel", "seen": cancelled_at})


def restore(sent: Sent) -> Done:
    window = series.restore(sent.window.pk, **sent.terms())
    return Done(window=window, text=_("%(window)s: restored.") % {"window": name_of(window)})


def extend(sent: Sent) -> Done:
    """Once, however often the button of one page is pressed."""
    by = sent.minutes()
    with locked() as now:
        stored = MaintenanceWindow.objects.filter(pk=sent.window.pk).first()
        if stored and sent.post.get("seen") and stored.ends_at != sent.time("seen"):
            facts = {"id": stored.pk, "end": format_at(stored.ends_at)}
            raise Refused(_("Window %(id)s has been changed since: it ends at %(end)s.") % facts)
        window = windows.extend(sent.window.pk, by=by, clock=lambda: now, **sent.terms())
    facts = {
        "window": name_of(window),
        "time": short_duration(by),
        "end": format_at(window.ends_at),
    }
    before = {"seen": window.ends_at.isoformat(), "before": (window.ends_at - by).isoformat()}
    return Done(
        window=window,
        text=_("%(window)s: extended by %(time)s, now ends at %(end)s.") % facts,
        undo={"verb": "undo_extend", **before},
    )


def undo_end(sent: Sent) -> Done:
    window = undo_windows.undo_end(sent.window.pk, ended_at=sent.time("seen"), **sent.who())
    facts = {"window": name_of(window), "id": window.pk, "ended": sent.window.pk}
    text = _("%(window)s: goes on as window %(id)s. Window %(ended)s stays in the history.")
    return Done(window=window, text=text % facts)


def undo_cancel(sent: Sent) -> Done:
    window = undo_windows.undo_cancel(
        sent.window.pk, cancelled_at=sent.time("seen"), **sent.terms()
    )
    return Done(window=window, text=_("%(window)s: restored.") % {"window": name_of(window)})


def undo_extend(sent: Sent) -> Done:
    window = undo_windows.undo_extend(
        sent.window.pk, ends_at=sent.time("seen"), before=sent.time("before"), **sent.who()
    )
    facts = {"window": name_of(window), "end": format_at(window.ends_at)}
    return Done(window=window, text=_("%(window)s: ends at %(end)s again.") % facts)


VERBS = {
    "start": Verb(start, "operate"),
    "end": Verb(end, "operate"),
    "extend": Verb(extend, "operate"),
    "cancel": Verb(cancel, "change"),
    "restore": Verb(restore, "change"),
    "undo_end": Verb(undo_end, "operate"),
    "undo_extend": Verb(undo_extend, "operate"),
    "undo_cancel": Verb(undo_cancel, "change"),
}


def verb_view(model_admin: ReturningAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Do what a button says, and go back to where that was.

    GET, as after a log-in, does nothing.
    """
    window = model_admin.get_object(request, unquote(object_id))
    if window is None:
        raise Http404
    page = reverse(
        "admin:maintenance_windows_maintenancewindow_change",
        args=[window.pk],
        current_app=model_admin.admin_site.name,
    )
    if request.method != "POST":
        return HttpResponseRedirect(page)
    verb = VERBS.get(request.POST.get("verb", ""))
    if verb is None:
        raise Http404
    if not is_allowed(model_admin, request, verb):
        raise PermissionDenied
    try:
        done = verb.do(
            Sent(
                window=window,
                post=request.POST,
                actor=request.user.get_username(),
                rights=model_admin.rights(request),
            )
        )
    except Refused as refusal:
        return answer_refusal(model_admin, request, refusal, read_back(request) or page)
    model_admin.log_change(request, done.window, done.text)
    tell(model_admin, request, done)
    url = read_back(request)
    if not url:  # to undo an end makes another window
        url = page.replace(f"/{window.pk}/", f"/{done.window.pk}/")
    # Without scrolling to the row: the button that undoes it is at the top.
    return HttpResponseRedirect(model_admin.url_marking(url, [done.window.pk]))


def is_allowed(model_admin: RecordAdmin, request: HttpRequest, verb: Verb) -> bool:
    """The verbs of a window are for people who may see it."""
    if not model_admin.has_view_or_change_permission(request):
        return False
    if verb.permission == "operate":
        return model_admin.has_operate_permission(request)
    return bool(model_admin.has_change_permission(request))


def tell(model_admin: RecordAdmin, request: HttpRequest, done: Done) -> None:
    """Show what was done, a freeze that it meets, and a button that undoes it."""
    met = [in_freeze(one) for _window, one in frozen.reaching_into([done.window], clock.now())]
    text = " ".join([done.text, *met])
    if done.undo is None:
        say(model_admin, request, text)
        return
    action = reverse(
        "admin:maintenance_windows_maintenancewindow_verb",
        args=[done.window.pk],
        current_app=model_admin.admin_site.name,
    )
    say(model_admin, request, text, undo_form(request, action, done.undo))
