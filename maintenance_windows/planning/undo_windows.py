"""The verbs that undo another one, as long as nobody has changed the window since.

Each is told what the window was like after that verb, and refuses any other window.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from maintenance_windows.core.state import Level
from maintenance_windows.exceptions import Refused
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.permissions import ALL_RIGHTS, Rights
from maintenance_windows.planning import series, windows
from maintenance_windows.planning.rules import check_operate
from maintenance_windows.planning.scheduling import begin
from maintenance_windows.reconcile.lock import Clock, locked

NEAR = timedelta(days=3)  # a local date is at most so far from its instants


def undo_cancel(
    window_id: int,
    *,
    cancelled_at: datetime,
    override: str = "",
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> MaintenanceWindow:
    """Restore a window that was cancelled at that time. For `override` see restore()."""
    terms: dict[str, Any] = {"override": override, "rights": rights, "actor": actor}
    with locked(clock) as now:
        _unchanged(window_id, lambda window: window.cancelled_at == cancelled_at)
        return series.restore(window_id, clock=lambda: now, **terms)


def undo_extend(
    window_id: int,
    *,
    ends_at: datetime,
    before: datetime,
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> MaintenanceWindow:
    """Put the end of a window that was extended to `ends_at` back to what it was `before`."""
    with locked(clock) as now:
        window = _unchanged(window_id, lambda window: window.ends_at == ends_at)
        if before <= now < window.ends_at:
            sentence = _("The earlier end of window %(id)s has passed: end it now instead.")
            raise Refused(sentence % {"id": window_id})
        windows.revise(window_id, ends_at=before, rights=rights, actor=actor, clock=lambda: now)
        return _follow_again(window_id, now)


def undo_end(
    window_id: int,
    *,
    ended_at: datetime,
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> MaintenanceWindow:
    """Take the site down again until the end that was planned, by a new window that starts now.

    The ended one stays in the history.
    """
    check_operate(rights)
    with locked(clock) as now:
        ended = _unchanged(window_id, lambda window: window.ended_at == ended_at)
        if ended.ends_at <= now:
            sentence = _("The time of window %(id)s has passed: schedule a new one.")
            raise Refused(sentence % {"id": window_id})
        _refuse_again(ended, ended_at)
        (window,) = begin(
            [ended.site],
            ended.ends_at,
            Level(ended.level),
            ended.message,
            title=ended.title,
            now=now,
            actor=actor,
        )
        return window


def _unchanged(window_id: int, is_same: Callable[[MaintenanceWindow], bool]) -> MaintenanceWindow:
    window = MaintenanceWindow.objects.select_related("site").filter(pk=window_id).first()
    if window is None:
        raise Refused(_("Window %(id)s does not exist.") % {"id": window_id})
    if not is_same(window):
        sentence = _("Window %(id)s has been changed since: nothing was undone.")
        raise Refused(sentence % {"id": window_id})
    return window


def _refuse_again(ended: MaintenanceWindow, ended_at: datetime) -> None:
    """Raise Refused if the window goes on as another one, in progress or ended meanwhile."""
    others = MaintenanceWindow.objects.filter(site=ended.site_id, created_at__gte=ended_at)
    if other := others.filter(ends_at=ended.ends_at, started_at__isnull=False).first():
        sentence = _("Window %(id)s goes on as window %(other)s already: nothing was undone.")
        raise Refused(sentence % {"id": ended.pk, "other": other.pk})


def _follow_again(window_id: int, now: datetime) -> MaintenanceWindow:
    """Let an occurrence with the times of its recurring window follow that again."""
    window = MaintenanceWindow.objects.select_related("site", "series").get(pk=window_id)
    if window.series is None or window.occurs_on is None or window.series.ended_at:
        return window
    near = window.starts_at - NEAR, window.starts_at + NEAR
    for one in window.series.recurrence().occurrences(*near):
        if one == (window.occurs_on, window.starts_at, window.ends_at):
            window.edited = " ".join(sorted(window.edits - {"times"}))
            window.save(update_fields=["edited"])
    return window
