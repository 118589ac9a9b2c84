"""What may become of a window, and the sentence for what may not."""

from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta

from maintenance_windows.models import TITLE_LENGTH, MaintenanceWindow
from maintenance_windows.querysets import Status


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
    refuse(window, now, NOT_LIVE)
    if window.status_at(now) is Status.ACTIVE and starts_at != window.starts_at:
        raise Refused(f"Window {window.pk} has started: only its end can still be moved.")
    check_times(starts_at, ends_at, now)


def check_title(title: str) -> None:
    """Raises Refused where the database would not take it."""
    if len(title) > TITLE_LENGTH:
        raise Refused(f"The title is longer than {TITLE_LENGTH} characters.")


def refuse(window: MaintenanceWindow, now: datetime, sentences: dict[Status, str]) -> None:
    if sentence := sentences.get(window.status_at(now)):
        raise Refused(sentence.format(pk=window.pk))


def add(moment: datetime, length: timedelta) -> datetime:
    """An exact length later, also where the clock changes. Raises Refused where time ends."""
    try:
        return moment.astimezone(UTC) + length
    except OverflowError:
        raise Refused("That is further away than the calendar goes.") from None
