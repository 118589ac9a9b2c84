"""What people do to windows and flags: one verb each, for the admin, the command and tasks.

A verb takes the lock, reads the clock, refuses with one sentence or changes the rows, and has
the flags settled in the same transaction. `actor` is the name that the history keeps; `clock`
returns an aware time; times given are aware.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta

from django.contrib.sites.models import Site
from django.utils import timezone

from maintenance_windows import reconcile
from maintenance_windows.models import ACTOR_LENGTH, TITLE_LENGTH, MaintenanceWindow
from maintenance_windows.querysets import Status
from maintenance_windows.reconcile import Clock
from maintenance_windows.snapshot import Level


class Refused(ValueError):
    """One sentence for the person who asked. Nothing was written."""


NOT_RUNNING = {
    Status.SCHEDULED: "Window {pk} has not started yet: cancel it, or start it first.",
    Status.COMPLETED: "Window {pk} is over: the past is not edited.",
    Status.CANCELLED: "Window {pk} was cancelled.",
}
NOT_SCHEDULED = {
    Status.ACTIVE: "Window {pk} is running already: end it, or extend it.",
    Status.COMPLETED: NOT_RUNNING[Status.COMPLETED],
    Status.CANCELLED: NOT_RUNNING[Status.CANCELLED],
}
NOT_LIVE = {
    Status.COMPLETED: NOT_RUNNING[Status.COMPLETED],
    Status.CANCELLED: NOT_RUNNING[Status.CANCELLED],
}


def check_times(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    """Raises Refused where no window can be made of these times any more."""
    if starts_at.year <= MINYEAR or ends_at.year >= MAXYEAR:  # cannot be shown in every zone
        raise Refused("That is further away than the calendar goes.")
    if ends_at <= starts_at:
        raise Refused("The end must be after the start.")
    if ends_at <= now:
        raise Refused("The end has passed already.")


def check_move(
    window: MaintenanceWindow, starts_at: datetime, ends_at: datetime, now: datetime
) -> None:
    """Raises Refused where this window may not get these times."""
    _refuse(window, now, NOT_LIVE)
    if window.status_at(now) is Status.ACTIVE and starts_at != window.starts_at:
        raise Refused(f"Window {window.pk} has started: only its end can still be moved.")
    check_times(starts_at, ends_at, now)


def check_title(title: str) -> None:
    """Raises Refused where the database would not take it."""
    if len(title) > TITLE_LENGTH:
        raise Refused(f"The title is longer than {TITLE_LENGTH} characters.")


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
    with reconcile.locked(clock) as now:
        check_times(starts_at, ends_at, now)
        windows = MaintenanceWindow.objects.bulk_create(
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
        reconcile.settle([window.site_id for window in windows], now, actor=actor)
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
        _refuse(window, now, NOT_LIVE)
        ends_at = until if by is None else add(window.ends_at, by)
        if ends_at is None or ends_at <= window.ends_at:
            raise Refused(f"Window {window.pk} ends at that time or later already.")
        window.ends_at = ends_at

    return _change(window_id, change, actor, clock, ["ends_at"])


def start(window_id: int, *, actor: str = "", clock: Clock = timezone.now) -> MaintenanceWindow:
    """Open a scheduled window now, before its time."""

    def change(window: MaintenanceWindow, now: datetime) -> None:
        _refuse(window, now, NOT_SCHEDULED)
        window.started_at = now

    return _change(window_id, change, actor, clock, ["started_at"])


def end(window_id: int, *, actor: str = "", clock: Clock = timezone.now) -> MaintenanceWindow:
    """End a running window now, before its time."""

    def change(window: MaintenanceWindow, now: datetime) -> None:
        _refuse(window, now, NOT_RUNNING)
        window.end_at(now)

    return _change(window_id, change, actor, clock, ["started_at", "ended_at"])


def cancel(window_id: int, *, actor: str = "", clock: Clock = timezone.now) -> MaintenanceWindow:
    """Call off a window that has not started."""

    def change(window: MaintenanceWindow, now: datetime) -> None:
        _refuse(window, now, NOT_SCHEDULED)
        window.cancelled_at = now

    return _change(window_id, change, actor, clock, ["cancelled_at"])


def switch_on(
    sites: Collection[Site],
    *,
    until: datetime | None = None,
    level: Level = Level.FULL,
    message: str = "",
    actor: str = "",
    clock: Clock = timezone.now,
) -> None:
    """Take sites down now: until a time (a window that starts now), or until switched off."""
    with reconcile.locked(clock) as now:
        if until is None:
            site_ids = [site.pk for site in sites]
            reconcile.hold(site_ids, level, message)
            reconcile.settle(site_ids, now, actor=actor)
        else:
            schedule(
                sites,
                starts_at=now,
                ends_at=until,
                level=level,
                message=message,
                actor=actor,
                clock=lambda: now,
            )


def switch_off(
    sites: Collection[Site], *, actor: str = "", clock: Clock = timezone.now
) -> list[MaintenanceWindow]:
    """Bring sites up now: drops their holds and ends the windows that run, which it returns."""
    site_ids = [site.pk for site in sites]
    with reconcile.locked(clock) as now:
        windows = MaintenanceWindow.objects.filter(site__in=site_ids).select_related("site")
        ended = list(windows.with_status(Status.ACTIVE, now))
        for window in ended:
            window.end_at(now)
        MaintenanceWindow.objects.bulk_update(ended, ["started_at", "ended_at"])
        reconcile.release(site_ids)
        reconcile.settle(site_ids, now, actor=actor, ended=ended)
    return ended


def add(moment: datetime, length: timedelta) -> datetime:
    """An exact length later, also where the clock changes. Raises Refused where time ends."""
    try:
        return moment.astimezone(UTC) + length
    except OverflowError:
        raise Refused("That is further away than the calendar goes.") from None


def _change(
    window_id: int,
    change: Callable[[MaintenanceWindow, datetime], None],
    actor: str,
    clock: Clock,
    fields: list[str],
) -> MaintenanceWindow:
    with reconcile.locked(clock) as now:
        window = MaintenanceWindow.objects.select_related("site").filter(pk=window_id).first()
        if window is None:
            raise Refused(f"There is no window {window_id}.")
        change(window, now)
        window.save(update_fields=fields)
        ended = [window] if window.ended_at else []
        reconcile.settle([window.site_id], now, actor=actor, ended=ended)
    return window


def _refuse(window: MaintenanceWindow, now: datetime, sentences: dict[Status, str]) -> None:
    if sentence := sentences.get(window.status_at(now)):
        raise Refused(sentence.format(pk=window.pk))
