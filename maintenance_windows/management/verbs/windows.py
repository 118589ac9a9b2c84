"""The verbs for windows."""

from argparse import Namespace
from datetime import datetime
from typing import Any

from django.core.management import BaseCommand, CommandError

from maintenance_windows.core.lines import printable
from maintenance_windows.core.state import Level
from maintenance_windows.management import arguments
from maintenance_windows.management.output import (
    print_tables,
    print_warnings,
    print_windows,
)
from maintenance_windows.management.tables import window_table
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.overview import status
from maintenance_windows.planning import frozen, rules, windows
from maintenance_windows.snapshot import clock


def schedule(command: BaseCommand, given: Namespace) -> None:
    """Schedule a window on each site, or on none if one is refused."""
    now = clock.now()
    starts_at = arguments.moment(given.start, now)
    planned = windows.schedule(
        starts_at=starts_at,
        **_what(given, starts_at, now),
        published_at=arguments.moment(given.publish, now) if given.publish else None,
        start_now=given.now,
        override=given.override,
        actor=arguments.actor(),
    )
    print_windows(command, planned, as_json=given.json)
    print_warnings(command, planned)


def _what(given: Namespace, starts_at: datetime, now: datetime) -> dict[str, Any]:
    """Return what is to be planned: as another window, but for what was given."""
    has_end = given.until is not None or given.length is not None
    if given.like is None:
        if not given.sites:
            raise CommandError("Specify a site, or --like ID.")
        if not has_end:
            raise CommandError("Specify --end or --for, or --like ID.")
        site, length, level, title, message = None, None, Level.FULL, "", ""
    else:
        site, length, level, title, message = windows.like(given.like)
    return {
        "sites": [site] if site and not given.sites else arguments.sites(given.sites),
        "ends_at": rules.add(starts_at, length)
        if length and not has_end
        else arguments.end(given, starts_at, now),
        "level": given.level or level,
        "title": title if given.title is None else given.title,
        "message": message if given.message is None else given.message,
    }


def show_list(command: BaseCommand, given: Namespace) -> None:
    """List current and upcoming windows."""
    now = clock.now()
    found = MaintenanceWindow.objects.select_related("site").order_by("starts_at", "pk")
    if given.sites:
        found = found.filter(site__in=arguments.sites(given.sites))
    if not given.past:
        found = found.live(now)
    if given.json:
        print_windows(command, found, as_json=True)
    elif records := status.windows(found, now):
        print_tables(command, window_table(records, command.style))
    else:
        command.stdout.write("No windows." if given.past else "No current or upcoming windows.")


def start(command: BaseCommand, given: Namespace) -> None:
    """Start a scheduled window now."""
    print_windows(command, [arguments.for_window(given.window, windows.start)])


def end(command: BaseCommand, given: Namespace) -> None:
    """End a window in progress now."""
    print_windows(command, [arguments.for_window(given.window, windows.end)])


def cancel(command: BaseCommand, given: Namespace) -> None:
    """Cancel a scheduled window."""
    print_windows(command, [arguments.for_window(given.window, windows.cancel)])


def extend(command: BaseCommand, given: Namespace) -> None:
    """Extend a window."""
    by = None if given.length is None else arguments.length(given.length)
    until = None if given.until is None else arguments.moment(given.until, clock.now())
    window = arguments.for_window(
        given.window, windows.extend, by=by, until=until, override=given.override
    )
    print_windows(command, [window])
    for _window, met in frozen.reaching_into([window], clock.now()):
        text = f"Note: window {window.pk} reaches into a freeze ({met.reason})."
        command.stderr.write(printable(text), style_func=str)
    print_warnings(command, [window])


def move(command: BaseCommand, given: Namespace) -> None:
    """Reschedule a window."""
    now = clock.now()
    starts_at = arguments.moment(given.start, now)
    ends_at = arguments.end(given, starts_at, now)
    window = arguments.for_window(
        given.window,
        windows.move,
        starts_at=starts_at,
        ends_at=ends_at,
        start_now=given.now,
        override=given.override,
    )
    print_windows(command, [window])
    print_warnings(command, [window])
