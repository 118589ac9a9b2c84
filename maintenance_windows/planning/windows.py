"""The verbs for windows, one function each, for the admin, the command and tasks.

A verb takes the lock, reads the clock, changes the rows or refuses with one sentence, and settles
the flags in the same transaction. `actor` is the name in the history, `clock` returns an aware
time, and all times are aware: see planning.arguments.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from maintenance_windows.core.intervals import Span
from maintenance_windows.core.state import Level
from maintenance_windows.exceptions import Refused
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.models.querysets import Status
from maintenance_windows.models.window import PARTS
from maintenance_windows.permissions import ALL_RIGHTS, Rights
from maintenance_windows.planning import arguments, audit
from maintenance_windows.planning.admission import Terms, admit_change, may_start
from maintenance_windows.planning.again import like
from maintenance_windows.planning.frozen import Marks, admit, admit_move, reasons
from maintenance_windows.planning.rules import (
    NOT_IN_PROGRESS,
    NOT_LIVE,
    NOT_SCHEDULED,
    add,
    check_lead,
    check_operate,
    check_times,
    check_title,
    ended,
    published,
    refuse,
    unknown,
)
from maintenance_windows.planning.scheduling import schedule
from maintenance_windows.reconcile.lock import Clock, locked
from maintenance_windows.reconcile.settle import settle

__all__ = [
    "cancel",
    "end",
    "extend",
    "like",
    "move",
    "restore",
    "revise",
    "schedule",
    "start",
]
AGAIN = timedelta(minutes=30)  # that a sentence proposes


def revise(
    window_id: int,
    *,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    start_now: bool = False,
    override: str = "",
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
    **texts: Any,
) -> MaintenanceWindow:
    """Change only the given fields. The start of a window in progress cannot change.

    `texts` are `level`, `title`, `message`, `published_at` (None: now) and `banner_lead` (None: the
    default). For `start_now` and `override` see schedule().
    """
    times = {"starts_at": starts_at, "ends_at": ends_at}
    arguments.check_moments(**{name: given for name, given in times.items() if given is not None})
    arguments.check_level(texts.get("level", Level.FULL))
    arguments.check_publication(texts.get("published_at"), texts.get("banner_lead"))
    check_title(texts.get("title", ""))
    check_lead(texts.get("banner_lead"))
    terms = Terms(rights=rights, start_now=start_now, override=override)

    def change(window: MaintenanceWindow, now: datetime) -> Marks:
        start, end = starts_at or window.starts_at, ends_at or window.ends_at
        window.starts_at, window.ends_at, marks = admit_change(window, start, end, now, terms)
        if "published_at" in texts:
            is_public = window.is_public(now)
            given = texts["published_at"]
            texts["published_at"] = published(window, given, now, is_public=is_public)
        for name, value in texts.items():
            setattr(window, name, value)
        return marks

    return _change(window_id, change, actor, clock, ["starts_at", "ends_at", *texts])


def move(
    window_id: int,
    *,
    starts_at: datetime,
    ends_at: datetime,
    start_now: bool = False,
    override: str = "",
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> MaintenanceWindow:
    """Change the times of a window. See revise()."""
    arguments.check_moments(starts_at=starts_at, ends_at=ends_at)
    return revise(
        window_id,
        starts_at=starts_at,
        ends_at=ends_at,
        start_now=start_now,
        override=override,
        rights=rights,
        actor=actor,
        clock=clock,
    )


def extend(
    window_id: int,
    *,
    by: timedelta | None = None,
    until: datetime | None = None,
    override: str = "",
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> MaintenanceWindow:
    """Extend a window by a duration, or until a time.

    A freeze does not refuse this for a window in progress: the work is already being done.
    """
    if by is None:
        arguments.check_moments(until=until)
    else:
        arguments.check_length(by=by)
    terms = Terms(rights=rights, override=override)

    def change(window: MaintenanceWindow, now: datetime) -> Marks:
        check_operate(rights)
        if window.status_at(now) is Status.COMPLETED:
            raise ended(window, by or AGAIN, now)
        refuse(window, now, NOT_LIVE)
        ends_at = until if by is None else add(window.ends_at, by)
        if ends_at is None or ends_at <= window.ends_at:
            sentence = _("The new end of window %(id)s must be later than its current one.")
            raise Refused(sentence % {"id": window.pk})
        check_times(window.starts_at, ends_at, now)
        marks = admit_move(window, window.starts_at, ends_at, now, override=terms.reason)
        window.ends_at = ends_at
        return marks

    return _change(window_id, change, actor, clock, ["ends_at"])


def start(
    window_id: int,
    *,
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> MaintenanceWindow:
    """Start a scheduled window now, before its time. As take_down(), a freeze only marks it."""

    def change(window: MaintenanceWindow, now: datetime) -> Marks:
        check_operate(rights)
        refuse(window, now, NOT_SCHEDULED)
        window.started_at = now
        occupied = Span(window.starts_at, window.ends_at)
        site = [window.site]
        return admit(site, now, window.ends_at, now, occupied=occupied, by_hand=True)

    return _change(window_id, change, actor, clock, ["started_at"])


def end(
    window_id: int,
    *,
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> MaintenanceWindow:
    """End a window in progress now, before its time."""

    def change(window: MaintenanceWindow, now: datetime) -> Marks:
        check_operate(rights)
        refuse(window, now, NOT_IN_PROGRESS)
        window.end_at(now)
        return {}

    return _change(window_id, change, actor, clock, ["started_at", "ended_at"])


def cancel(window_id: int, *, actor: str = "", clock: Clock | None = None) -> MaintenanceWindow:
    """Cancel a window that has not started."""

    def change(window: MaintenanceWindow, now: datetime) -> Marks:
        refuse(window, now, NOT_SCHEDULED)
        window.cancelled_at = now
        return {}

    return _change(window_id, change, actor, clock, ["cancelled_at"])


def restore(
    window_id: int,
    *,
    override: str = "",
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> MaintenanceWindow:
    """Restore a cancelled window whose time is not over. See also planning.series.restore().

    `override` is the reason for restoring it in a freeze.
    """
    terms = Terms(rights=rights, override=override)

    def change(window: MaintenanceWindow, now: datetime) -> Marks:
        if window.cancelled_at is None:
            raise Refused(_("Window %(id)s is not cancelled.") % {"id": window.pk})
        if window.ends_at <= now:
            sentence = _("The time of window %(id)s has passed: schedule a new one.")
            raise Refused(sentence % {"id": window.pk})
        may_start(window.starts_at, now, rights)
        marks = admit([window.site], window.starts_at, window.ends_at, now, override=terms.reason)
        window.cancelled_at = None
        if window.series_id and (marks or "cancelled" not in window.edits):
            window.edit(PARTS["times"])  # its series has no such occurrence, or skips it
        return marks

    return _change(window_id, change, actor, clock, ["cancelled_at"])


def _change(
    window_id: int,
    change: Callable[[MaintenanceWindow, datetime], Marks],
    actor: str,
    clock: Clock | None,
    fields: list[str],
) -> MaintenanceWindow:
    with locked(clock) as now:
        windows = MaintenanceWindow.objects.select_related("site").filter(pk=window_id)
        if not windows:
            raise unknown(window_id)
        settle([windows[0].site_id], now)
        window = windows.get()
        before = window.facts()
        marks = change(window, now)
        if window.series_id:
            # The series leaves alone what somebody changed of its window.
            window.edit(window.changes(before))
        window.save(update_fields=[*fields, "edited"])
        ended = [window] if window.ended_at else []
        settle([window.site_id], now, actor=actor, ended=ended, freezes=reasons(marks))
        of_window = {window.pk: marks.get(window.site_id, {})}
        audit.changed([(window, before)], actor, now, of_window)
    return window
