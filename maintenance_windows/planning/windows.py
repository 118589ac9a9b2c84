"""The verbs for windows, one function each, for the admin, the command and tasks.

A verb takes the lock, reads the clock, changes the rows or refuses with one sentence, and settles
the flags in the same transaction. `actor` is the name in the history, `clock` returns an aware
time, and all times are aware: see planning.arguments.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.contrib.sites.models import Site
from django.utils.translation import gettext as _

from maintenance_windows.core.state import Level
from maintenance_windows.exceptions import Refused
from maintenance_windows.models import ACTOR_LENGTH, MaintenanceWindow
from maintenance_windows.models.window import PARTS
from maintenance_windows.planning import arguments, audit
from maintenance_windows.planning.rules import (
    NOT_IN_PROGRESS,
    NOT_LIVE,
    NOT_SCHEDULED,
    add,
    check_exist,
    check_move,
    check_times,
    check_title,
    refuse,
)
from maintenance_windows.reconcile.lock import Clock, locked
from maintenance_windows.reconcile.settle import settle


def schedule(
    sites: Iterable[Site],
    *,
    starts_at: datetime,
    ends_at: datetime,
    level: Level = Level.FULL,
    title: str = "",
    message: str = "",
    actor: str = "",
    clock: Clock | None = None,
) -> list[MaintenanceWindow]:
    """Schedule one window for each site, all or none. If the start has passed, it starts now."""
    arguments.check_moments(starts_at=starts_at, ends_at=ends_at)
    arguments.check_level(level)
    check_title(title)
    sites = arguments.as_sites(sites)
    with locked(clock) as now:
        check_exist(sites)
        check_times(starts_at, ends_at, now)
        settle([site.pk for site in sites], now)
        planned = MaintenanceWindow.objects.bulk_create(
            MaintenanceWindow(
                site=site,
                starts_at=starts_at,
                ends_at=ends_at,
                level=level,
                title=title,
                message=message,
                created_by=actor[:ACTOR_LENGTH],
            )
            for site in sites
        )
        settle([window.site_id for window in planned], now, actor=actor)
        # Read them again: windows whose start has passed have started.
        rows = MaintenanceWindow.objects.filter(pk__in=[window.pk for window in planned])
        windows = list(rows.select_related("site").order_by("pk"))
        audit.scheduled(windows, actor)
    return windows


def revise(
    window_id: int,
    *,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    actor: str = "",
    clock: Clock | None = None,
    **texts: str,
) -> MaintenanceWindow:
    """Change only the given fields. The start of a window in progress cannot change.

    `texts` are `level`, `title` and `message`.
    """
    times = {"starts_at": starts_at, "ends_at": ends_at}
    arguments.check_moments(**{name: given for name, given in times.items() if given is not None})
    arguments.check_level(texts.get("level", Level.FULL))
    check_title(texts.get("title", ""))

    def change(window: MaintenanceWindow, now: datetime) -> None:
        start, end = starts_at or window.starts_at, ends_at or window.ends_at
        check_move(window, start, end, now)
        window.starts_at, window.ends_at = start, end
        for name, value in texts.items():
            setattr(window, name, value)

    return _change(window_id, change, actor, clock, ["starts_at", "ends_at", *texts])


def move(
    window_id: int,
    *,
    starts_at: datetime,
    ends_at: datetime,
    actor: str = "",
    clock: Clock | None = None,
) -> MaintenanceWindow:
    """Change the times of a window. The start of a window in progress cannot change."""
    arguments.check_moments(starts_at=starts_at, ends_at=ends_at)
    return revise(window_id, starts_at=starts_at, ends_at=ends_at, actor=actor, clock=clock)


def extend(
    window_id: int,
    *,
    by: timedelta | None = None,
    until: datetime | None = None,
    actor: str = "",
    clock: Clock | None = None,
) -> MaintenanceWindow:
    """Extend a window by a duration, or until a time."""
    if by is None:
        arguments.check_moments(until=until)
    else:
        arguments.check_length(by=by)

    def change(window: MaintenanceWindow, now: datetime) -> None:
        refuse(window, now, NOT_LIVE)
        ends_at = until if by is None else add(window.ends_at, by)
        if ends_at is None or ends_at <= window.ends_at:
            sentence = _("The new end of window %(id)s must be later than its current one.")
            raise Refused(sentence % {"id": window.pk})
        check_times(window.starts_at, ends_at, now)
        window.ends_at = ends_at

    return _change(window_id, change, actor, clock, ["ends_at"])


def start(window_id: int, *, actor: str = "", clock: Clock | None = None) -> MaintenanceWindow:
    """Start a scheduled window now, before its time."""
    return _set_to_now("started_at", window_id, actor, clock)


def end(window_id: int, *, actor: str = "", clock: Clock | None = None) -> MaintenanceWindow:
    """End a window in progress now, before its time."""

    def change(window: MaintenanceWindow, now: datetime) -> None:
        refuse(window, now, NOT_IN_PROGRESS)
        window.end_at(now)

    return _change(window_id, change, actor, clock, ["started_at", "ended_at"])


def cancel(window_id: int, *, actor: str = "", clock: Clock | None = None) -> MaintenanceWindow:
    """Cancel a window that has not started."""
    return _set_to_now("cancelled_at", window_id, actor, clock)


def restore(window_id: int, *, actor: str = "", clock: Clock | None = None) -> MaintenanceWindow:
    """Restore a cancelled window whose time is not over. See also planning.series.restore()."""

    def change(window: MaintenanceWindow, now: datetime) -> None:
        if window.cancelled_at is None:
            raise Refused(_("Window %(id)s is not cancelled.") % {"id": window.pk})
        if window.ends_at <= now:
            sentence = _("The time of window %(id)s has passed: schedule a new one.")
            raise Refused(sentence % {"id": window.pk})
        window.cancelled_at = None
        if window.series_id and "cancelled" not in window.edits:
            window.edit(PARTS["times"])  # its series has no such occurrence any more

    return _change(window_id, change, actor, clock, ["cancelled_at"])


def _set_to_now(field: str, window_id: int, actor: str, clock: Clock | None) -> MaintenanceWindow:
    def change(window: MaintenanceWindow, now: datetime) -> None:
        refuse(window, now, NOT_SCHEDULED)
        setattr(window, field, now)

    return _change(window_id, change, actor, clock, [field])


def _change(
    window_id: int,
    change: Callable[[MaintenanceWindow, datetime], None],
    actor: str,
    clock: Clock | None,
    fields: list[str],
) -> MaintenanceWindow:
    with locked(clock) as now:
        windows = MaintenanceWindow.objects.select_related("site").filter(pk=window_id)
        if not windows:
            raise Refused(_("Window %(id)s does not exist.") % {"id": window_id})
        settle([windows[0].site_id], now)
        window = windows.get()
        before = window.facts()
        change(window, now)
        if window.series_id:
            # The series leaves alone what somebody changed of its window.
            window.edit(window.changes(before))
        window.save(update_fields=[*fields, "edited"])
        ended = [window] if window.ended_at else []
        settle([window.site_id], now, actor=actor, ended=ended)
        audit.changed([(window, before)], actor, now)
    return window
