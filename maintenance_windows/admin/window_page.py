"""The head of a window's page: its state, what happens next, and what one may do about it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from maintenance_windows.admin.base import RecordAdmin
from maintenance_windows.admin.moments import format_at, format_when
from maintenance_windows.core.state import Level
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.models.querysets import Status
from maintenance_windows.permissions import may_freeze, may_plan
from maintenance_windows.planning import frozen
from maintenance_windows.wording.nearby import short_duration

MINUTES = (15, 30, 60)
OPEN = {Status.SCHEDULED, Status.ACTIVE}


@dataclass(frozen=True, kw_only=True)
class Button:
    """A button that does `verb`. One with a `question` asks before, and `yes` answers that."""

    verb: str
    label: str
    values: dict[str, Any] = field(default_factory=dict)
    question: str = ""
    yes: str = ""


def what_happens(window: MaintenanceWindow, now: datetime) -> str:
    """What happens next to a window, or how it ended."""
    times = {"when": format_when(window.begins_at, window.ends_at)}
    match window.status_at(now):
        case Status.SCHEDULED:
            if window.starts_at - now < timedelta(minutes=1):
                return _("Starts in less than a minute, %(when)s") % times
            times["time"] = short_duration(window.starts_at - now)
            return _("Starts in %(time)s, %(when)s") % times
        case Status.ACTIVE:
            times["time"] = short_duration(window.ends_at - now)
            return _("Ends in %(time)s, %(when)s") % times
        case Status.CANCELLED:
            return _with_actor(_("Was planned for %(when)s") % times, window, "cancelled_at")
    if window.ended_at is None or window.ended_at >= window.ends_at:
        return _("Ended as scheduled, %(when)s") % times
    times["time"] = short_duration(window.ends_at - window.ended_at)
    times["end"] = format_at(window.ended_at)
    return _with_actor(_("Ended %(time)s early, %(end)s") % times, window, "ended_at")


def _with_actor(text: str, window: MaintenanceWindow, fact: str) -> str:
    """Add who did that, as the newest change of the fact says."""
    for change in window.changes_made.order_by("-pk")[:20]:
        if fact in change.changes:
            names = {"text": text, "actor": change.actor}
            return _("%(text)s, by %(actor)s") % names if change.actor else text
    return text


def what_visitors_get(window: MaintenanceWindow) -> str:
    if window.level == Level.READ_ONLY:
        return _("Visitors get: read-only site")
    return _("Visitors get: maintenance page")


def why_not_editable(model_admin: Any, request: HttpRequest, window: Any, now: datetime) -> str:
    """Why this person cannot change the window, in one sentence; empty if they can."""
    if not model_admin.has_change_permission(request):
        return _("You may view windows, not change them.")
    match window.status_at(now):
        case Status.ACTIVE if not model_admin.has_operate_permission(request):
            return _("In progress: only operators can change it.")
        case Status.COMPLETED:
            return _("It has ended and can no longer be changed.")
        case Status.CANCELLED:
            return _("It is cancelled: restore it to change it.")
    return ""


def buttons(
    model_admin: RecordAdmin, request: HttpRequest, window: MaintenanceWindow, now: datetime
) -> list[Button]:
    """The verbs that this person may do to the window now."""
    operates = model_admin.has_operate_permission(request)
    changes = model_admin.has_change_permission(request)
    status, found = window.status_at(now), list[Button]()
    if status is Status.SCHEDULED and operates:
        found.append(_start(window))
    if status is Status.SCHEDULED and changes:
        label = _("Skip") if window.series_id else _("Cancel window")
        found.append(Button(verb="cancel", label=label))
    if status is Status.ACTIVE and operates:
        seen = {"seen": window.ends_at.isoformat()}
        found += [
            Button(
                verb="extend",
                label=_("+%(number)s min") % {"number": minutes},
                values={"minutes": minutes, **seen},
            )
            for minutes in MINUTES
        ]
        found.append(_end(window, now))
    if status is Status.CANCELLED and changes and window.ends_at > now:
        at_once = window.starts_at <= now
        is_frozen = not may_freeze(request.user) and frozen.meets(window, now)
        if (operates or not at_once) and not is_frozen:
            found.append(_restore(window, at_once=at_once))
    return found


def _start(window: MaintenanceWindow) -> Button:
    facts = {"site": window.site.domain, "end": format_at(window.ends_at)}
    question = _("Takes %(site)s down now instead, until %(end)s.") % facts
    if window.level == Level.READ_ONLY:
        question = _("Makes %(site)s read-only now instead, until %(end)s.") % facts
    question = f"{question} " + _("It was to start on %(start)s.") % {
        "start": format_at(window.starts_at)
    }
    return Button(verb="start", label=_("Start now…"), question=question, yes=_("Start it now"))


def _end(window: MaintenanceWindow, now: datetime) -> Button:
    facts = {"site": window.site.domain, "time": short_duration(window.ends_at - now)}
    question = _(
        "Ends the window %(time)s early. %(site)s comes up, unless another window or a person keeps"
        " it down."
    )
    return Button(verb="end", label=_("End now…"), question=question % facts, yes=_("End it now"))


def _restore(window: MaintenanceWindow, *, at_once: bool) -> Button:
    if not at_once:
        return Button(verb="restore", label=_("Restore"))
    question = ask_restore(window.site.domain, window.level, window.ends_at)
    return Button(verb="restore", label=_("Restore…"), question=question, yes=_("Restore it now"))


def ask_restore(site: str, level: str, ends_at: datetime) -> str:
    """The question before a restore that starts a window at once."""
    facts = {"site": site, "end": format_at(ends_at)}
    if level == Level.READ_ONLY:
        return _("The start has passed: this makes %(site)s read-only now, until %(end)s.") % facts
    return _("The start has passed: this takes %(site)s down now, until %(end)s.") % facts


def head(model_admin: Any, request: HttpRequest, window: Any, now: datetime) -> dict[str, Any]:
    """The context of the head."""
    status = window.status_at(now)
    return {
        "state": status.value,
        "label": capfirst(str(status.label)),
        "next": what_happens(window, now),
        "visitors": what_visitors_get(window) if status in OPEN else "",
        "why_not": why_not_editable(model_admin, request, window, now),
        "buttons": buttons(model_admin, request, window, now),
        "may_plan": may_plan(request.user),
    }
