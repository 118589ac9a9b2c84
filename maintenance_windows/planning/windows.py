"""What people do to windows and flags: one verb each, for the admin, the command and tasks.

A verb takes the lock, reads the clock, refuses with one sentence or changes the rows, and has
the flags settled in the same transaction. `actor` is the name that the history keeps; `clock`
returns an aware time; times given are aware.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.contrib.sites.models import Site
from django.utils import timezone
from django.utils.translation import gettext as _

from maintenance_windows.core.state import Level
from maintenance_windows.exceptions import Refused
from maintenance_windows.models import ACTOR_LENGTH, MaintenanceWindow
from maintenance_windows.planning import audit
from maintenance_windows.planning.rules import (
    NOT_LIVE,
    NOT_RUNNING,
    NOT_SCHEDULED,
    add,
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
    clock: Clock = timezone.now,
) -> list[MaintenanceWindow]:
    """Plan one window for each site, all or none. One whose start has passed opens at once."""
    check_title(title)
    sites = list(sites)
    with locked(clock) as now:
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
        # Once more, as they are now: one that opens at once has started.
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
    clock: Clock = timezone.now,
    **texts: str,
) -> MaintenanceWindow:
    """Change what is given and keep the rest; of a window that runs the start stays.

    `texts` are `level`, `title` and `message`.
    """

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
    clock: Clock = timezone.now,
) -> MaintenanceWindow:
    """Give a window other times; of one that runs only the end."""
    return revise(window_id, starts_at=starts_at, ends_at=ends_at, actor=actor, clock=clock)


def extend(
    window_id: int,
    *,
    by: timedelta | None = None,
    until: datetime | None = None,
    actor: str = "",
    clock: Clock = timezone.now,
) -> MaintenanceWindow:
    """Move the end of a window to later: by a length, or to a time."""

    def change(window: MaintenanceWindow, now: datetime) -> None:
        refuse(window, now, NOT_LIVE)
        ends_at = until if by is None else add(window.ends_at, by)
        if ends_at is None or ends_at <= window.ends_at:
            sentence = _("Window %(id)s ends at that time or later already.")
            raise Refused(sentence % {"id": window.pk})
        check_times(window.starts_at, ends_at, now)
        window.ends_at = ends_at

    return _change(window_id, change, actor, clock, ["ends_at"])


def start(window_id: int, *, actor: str = "", clock: Clock = timezone.now) -> MaintenanceWindow:
    """Open a scheduled window now, before its time."""

    def change(window: MaintenanceWindow, now: datetime) -> None:
        refuse(window, now, NOT_SCHEDULED)
        window.started_at = now

    return _change(window_id, change, actor, clock, ["started_at"])


def end(window_id: int, *, actor: str = "", clock: Clock = timezone.now) -> MaintenanceWindow:
    """End a running window now, before its time."""

    def change(window: MaintenanceWindow, now: datetime) -> None:
        refuse(window, now, NOT_RUNNING)
        window.end_at(now)

    return _change(window_id, change, actor, clock, ["started_at", "ended_at"])


def cancel(window_id: int, *, actor: str = "", clock: Clock = timezone.now) -> MaintenanceWindow:
    """Call off a window that has not started."""

    def change(window: MaintenanceWindow, now: datetime) -> None:
        refuse(window, now, NOT_SCHEDULED)
        window.cancelled_at = now

    return _change(window_id, change, actor, clock, ["cancelled_at"])


def _change(
    window_id: int,
    change: Callable[[MaintenanceWindow, datetime], None],
    actor: str,
    clock: Clock,
    fields: list[str],
) -> MaintenanceWindow:
    with locked(clock) as now:
        windows = MaintenanceWindow.objects.select_related("site").filter(pk=window_id)
        if not windows:
            raise Refused(_("There is no window %(id)s.") % {"id": window_id})
        settle([windows[0].site_id], now)
        window = windows.get()
        before = window.facts()
        change(window, now)
        # What people say of one window goes before what its series says.
        window.overridden = bool(window.series_id and window.changes(before)) or window.overridden
        window.save(update_fields=[*fields, "overridden"])
        ended = [window] if window.ended_at else []
        settle([window.site_id], now, actor=actor, ended=ended)
        audit.changed([(window, before)], actor, now)
    return window
