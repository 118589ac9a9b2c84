"""The head of a recurring window's page: its next windows, and what one may do about each."""

from datetime import date, datetime
from typing import Any

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from maintenance_windows.admin.moments import format_when
from maintenance_windows.admin.refusal import OVERRIDE, answer_refusal
from maintenance_windows.admin.returning import ReturningAdmin, read_back, with_query
from maintenance_windows.admin.telling import say, undo_form
from maintenance_windows.admin.window_page import ask_restore
from maintenance_windows.exceptions import Refused
from maintenance_windows.models import WindowSeries
from maintenance_windows.models.querysets import Status
from maintenance_windows.planning import series as verbs
from maintenance_windows.planning.series.coming import ComingWindow, coming, ending
from maintenance_windows.snapshot import clock
from maintenance_windows.wording.nearby import short_duration

NUMBER = 10  # next windows that the page shows
MAX_NAMED = 10  # windows that a sentence names
SERIES = "admin:maintenance_windows_windowseries"
WINDOW = "admin:maintenance_windows_maintenancewindow"


def head(model_admin: Any, request: HttpRequest, series: WindowSeries) -> dict[str, Any]:
    """The context of the head."""
    now = clock.now()
    overrides = model_admin.rights(request).freeze
    found, due = coming(series, now, NUMBER)
    rows = [_row(series, one, now, overrides=overrides) for one in found]
    changes = model_admin.has_change_permission(request)
    return {
        "words": series.words(),
        "ended": series.ended_at is not None,
        "rows": rows,
        "next": _next(due, now) if due else "",
        "may_change": changes,
        "why_not": "" if changes else _("You may view recurring windows, not change them."),
        "ending": _describe_ending(series, now) if changes else None,
        "verb_url": url(model_admin, f"{SERIES}_verb", series.pk),
    }


def url(model_admin: Any, name: str, *args: Any) -> str:
    """Empty where this admin site lists no windows."""
    try:
        return reverse(name, args=args, current_app=model_admin.admin_site.name)
    except NoReverseMatch:
        return ""


def _next(one: ComingWindow, now: Any) -> str:
    when = format_when(one.starts_at, one.ends_at)
    if one.starts_at <= now:
        left = short_duration(one.ends_at - now)
        return _("In progress, ends in %(time)s, %(when)s") % {"time": left, "when": when}
    time = short_duration(one.starts_at - now)
    return _("Next in %(time)s, %(when)s") % {"time": time, "when": when}


def _row(
    series: WindowSeries, one: ComingWindow, now: datetime, *, overrides: bool
) -> dict[str, Any]:
    """One of the next windows, with the words for its state and the buttons that it gets."""
    is_excluded = one.day is not None and one.day.isoformat() in series.excluded
    is_out = not one.takes_place
    state, label = one.status.value, capfirst(str(one.status.label))
    if is_out:
        state = "skipped" if is_excluded or one.frozen else "cancelled"
        label = _("Skipped") if state == "skipped" else label
    is_open = series.ended_at is None and one.day is not None
    level = one.window.level if one.window else series.level
    return {
        "one": one,
        "when": format_when(one.starts_at, one.ends_at),
        "state": state,
        "label": label,
        "note": _note(one),
        "may_skip": is_open and one.status is Status.SCHEDULED and not is_out,
        "may_restore": is_open and is_out and (overrides or not one.frozen),
        "question": ask_restore(series.site.domain, level, one.ends_at)
        if one.starts_at <= now
        else "",
        "may_change": not is_out and (is_open or one.window is not None),
    }


def _note(one: ComingWindow) -> str:
    if one.frozen:
        return _("Freeze: %(reason)s") % {"reason": one.frozen.reason}
    return _("Edited individually") if one.window and one.window.edits - {"cancelled"} else ""


def _describe_ending(series: WindowSeries, now: Any) -> dict[str, Any] | None:
    """What ending would do, in words; None where there is nothing left to end."""
    result = ending(series, now)
    if series.ended_at is not None and not result.kept:
        return None
    number = result.cancelled
    cancels = ngettext(
        "Creates no more windows and cancels %(number)s coming window.",
        "Creates no more windows and cancels %(number)s coming windows.",
        number,
    )
    kept = ngettext(
        "%(number)s window that was edited individually stays: %(names)s.",
        "%(number)s windows that were edited individually stay: %(names)s.",
        len(result.kept),
    )
    names = [format_when(window.starts_at, window.ends_at) for window in result.kept[:MAX_NAMED]]
    if more := len(result.kept) - MAX_NAMED:
        text = ngettext("%(number)s more", "%(number)s more", more)
        names += [text % {"number": more}] if more > 0 else []
    return {
        "cancels": "" if series.ended_at else cancels % {"number": number},
        "kept": kept % {"number": len(result.kept), "names": "; ".join(names)}
        if result.kept
        else "",
    }


def verb_view(model_admin: ReturningAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Skip or restore a date, go to its window, or end it all.

    GET, as after a log-in, does nothing.
    """
    series = model_admin.get_object(request, unquote(object_id))
    if series is None:
        raise Http404
    page = url(model_admin, f"{SERIES}_change", series.pk)
    if request.method != "POST":
        return HttpResponseRedirect(page)
    verb = VERBS.get(request.POST.get("verb", ""))
    if verb is None:
        raise Http404
    if not model_admin.has_change_permission(request):
        raise PermissionDenied
    try:
        answer = verb(model_admin, request, series)
    except Refused as refusal:
        return answer_refusal(model_admin, request, refusal, read_back(request) or page)
    return answer or HttpResponseRedirect(read_back(request) or page)


def _who(model_admin: Any, request: HttpRequest) -> dict[str, Any]:
    return {"actor": request.user.get_username(), "rights": model_admin.rights(request)}


def _terms(model_admin: Any, request: HttpRequest) -> dict[str, Any]:
    return {"override": request.POST.get(OVERRIDE, ""), **_who(model_admin, request)}


def read_day(request: HttpRequest) -> date:
    """The date that a button sends. Raises Refused."""
    try:
        return date.fromisoformat(request.POST.get("date", ""))
    except ValueError:
        raise Refused(_("Enter a date as YYYY-MM-DD.")) from None


def skip(model_admin: Any, request: HttpRequest, series: WindowSeries) -> None:
    day = read_day(request)
    verbs.skip(series.pk, day, **_who(model_admin, request))
    facts = {"series": series, "date": day.isoformat()}
    text = _("%(series)s: %(date)s is skipped.") % facts
    model_admin.log_change(request, series, text)
    action = url(model_admin, f"{SERIES}_verb", series.pk)
    again = {"verb": "restore", "date": day.isoformat()}
    say(model_admin, request, text, undo_form(request, action, again))


def restore(model_admin: Any, request: HttpRequest, series: WindowSeries) -> None:
    day = read_day(request)
    verbs.unskip(series.pk, day, **_terms(model_admin, request))
    facts = {"series": series, "date": day.isoformat()}
    text = _("%(series)s: %(date)s takes place.") % facts
    model_admin.log_change(request, series, text)
    say(model_admin, request, text)


def change(model_admin: Any, request: HttpRequest, series: WindowSeries) -> HttpResponse:
    """Go to the page of the window, which is made now if the horizon has not reached it."""
    window = verbs.make(series.pk, read_day(request), **_terms(model_admin, request))
    page = url(model_admin, f"{SERIES}_change", series.pk)
    target = url(model_admin, f"{WINDOW}_change", window.pk)
    return HttpResponseRedirect(with_query(target, back=read_back(request) or page))


def end(model_admin: Any, request: HttpRequest, series: WindowSeries) -> None:
    with_edited = "with_edited" in request.POST
    actor = request.user.get_username()
    outcome = verbs.end(series.pk, with_edited=with_edited, actor=actor)
    number = len(outcome.cancelled)
    cancelled = ngettext(
        "%(series)s: ended. %(number)s coming window cancelled.",
        "%(series)s: ended. %(number)s coming windows cancelled.",
        number,
    )
    text = cancelled % {"series": series, "number": number}
    if kept := len(outcome.kept):
        stay = ngettext(
            "%(number)s window that was edited individually stays.",
            "%(number)s windows that were edited individually stay.",
            kept,
        )
        text = f"{text} {stay % {'number': kept}}"
    model_admin.log_change(request, series, text)
    say(model_admin, request, text)


VERBS: dict[str, Any] = {"skip": skip, "restore": restore, "change": change, "end": end}
