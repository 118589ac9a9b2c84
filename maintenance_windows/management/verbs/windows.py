"""What one may tell a window."""

from argparse import Namespace
from collections.abc import Iterable

from django.utils import timezone

from maintenance_windows.management import arguments
from maintenance_windows.management.command import OneLineCommand
from maintenance_windows.management.presentation import window_line, window_rows
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.overview import status
from maintenance_windows.planning import windows


class WindowVerbs(OneLineCommand):
    def do_schedule(self, given: Namespace) -> None:
        starts_at = arguments.moment(given.start)
        planned = windows.schedule(
            arguments.sites(given.sites),
            starts_at=starts_at,
            ends_at=arguments.end(given, starts_at),
            level=arguments.level(given),
            title=given.title,
            message=given.message,
            actor=arguments.actor(),
        )
        self.print_windows(planned, as_json=given.json)

    def do_list(self, given: Namespace) -> None:
        now = timezone.now()
        windows = MaintenanceWindow.objects.select_related("site").order_by("starts_at", "pk")
        if given.sites:
            windows = windows.filter(site__in=arguments.sites(given.sites))
        if not given.past:
            windows = windows.live(now)
        if given.json:
            self.print_windows(windows, as_json=True)
        elif records := status.windows(windows, now):
            self.print_tables(window_rows(records, self.style))
        else:
            self.stdout.write("No windows." if given.past else "No windows run or are to come.")

    def do_start(self, given: Namespace) -> None:
        self.print_windows([windows.start(given.window, actor=arguments.actor())])

    def do_end(self, given: Namespace) -> None:
        self.print_windows([windows.end(given.window, actor=arguments.actor())])

    def do_cancel(self, given: Namespace) -> None:
        self.print_windows([windows.cancel(given.window, actor=arguments.actor())])

    def do_extend(self, given: Namespace) -> None:
        by = None if given.length is None else arguments.length(given.length)
        until = None if given.until is None else arguments.moment(given.until)
        window = windows.extend(given.window, by=by, until=until, actor=arguments.actor())
        self.print_windows([window])

    def do_move(self, given: Namespace) -> None:
        starts_at = arguments.moment(given.start)
        window = windows.move(
            given.window,
            starts_at=starts_at,
            ends_at=arguments.end(given, starts_at),
            actor=arguments.actor(),
        )
        self.print_windows([window])

    def print_windows(self, windows: Iterable[MaintenanceWindow], *, as_json: bool = False) -> None:
        records = status.windows(windows, timezone.now())
        if as_json:
            self.print_json(records)
        else:
            for record in records:
                self.stdout.write(window_line(record))
