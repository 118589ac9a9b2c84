"""The verbs for windows."""

from argparse import Namespace

from django.core.management import BaseCommand

from maintenance_windows.management import arguments
from maintenance_windows.management.output import (
    print_overlaps,
    print_tables,
    print_windows,
    window_table,
)
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.overview import status
from maintenance_windows.planning import frozen, windows
from maintenance_windows.snapshot import clock
from maintenance_windows.wording.lines import printable


def schedule(command: BaseCommand, given: Namespace) -> None:
    """Schedule a window on each site, or on none if one is refused."""
    starts_at = arguments.moment(given.start)
    planned = windows.schedule(
        arguments.sites(given.sites),
        starts_at=starts_at,
        ends_at=arguments.end(given, starts_at),
        level=arguments.level(given),
        title=given.title,
        message=given.message,
        override=given.override,
        actor=arguments.actor(),
    )
    print_windows(command, planned, as_json=given.json)
    print_overlaps(command, planned)


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
    print_windows(command, [windows.start(arguments.window(given.window), actor=arguments.actor())])


def end(command: BaseCommand, given: Namespace) -> None:
    """End a window in progress now."""
    print_windows(command, [windows.end(arguments.window(given.window), actor=arguments.actor())])


def cancel(command: BaseCommand, given: Namespace) -> None:
    """Cancel a scheduled window."""
    print_windows(
        command, [windows.cancel(arguments.window(given.window), actor=arguments.actor())]
    )


def extend(command: BaseCommand, given: Namespace) -> None:
    """Extend a window."""
    by = None if given.length is None else arguments.length(given.length)
    until = None if given.until is None else arguments.moment(given.until)
    window = windows.extend(
        arguments.window(given.window, given.override),
        by=by,
        until=until,
        override=given.override,
        actor=arguments.actor(),
    )
    print_windows(command, [window])
    for _window, met in frozen.reaching_into([window], clock.now()):
        text = f"Note: window {window.pk} reaches into a freeze ({met.reason})."
        command.stderr.write(printable(text), style_func=str)
    print_overlaps(command, [window])


def move(command: BaseCommand, given: Namespace) -> None:
    """Reschedule a window."""
    starts_at = arguments.moment(given.start)
    ends_at = arguments.end(given, starts_at)
    window = windows.move(
        arguments.window(given.window, given.override),
        starts_at=starts_at,
        ends_at=ends_at,
        override=given.override,
        actor=arguments.actor(),
    )
    print_windows(command, [window])
    print_overlaps(command, [window])
