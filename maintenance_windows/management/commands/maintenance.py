"""Plan and switch maintenance from the shell: `manage.py maintenance --help`."""

import getpass
from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from django.conf import settings
from django.contrib.sites.models import Site
from django.core.management import CommandError, CommandParser
from django.db import Error as DatabaseError
from django.utils import timezone

from maintenance_windows import lifecycle, links, reconcile, rules, series, status
from maintenance_windows.management import arguments, report, screen
from maintenance_windows.management.parser import OneLineParser, add_verbs
from maintenance_windows.management.presentation import (
    local,
    occurrence_line,
    scheduler_rows,
    series_line,
    site_line,
    site_rows,
    window_line,
    window_rows,
)
from maintenance_windows.management.terminal import TerminalCommand
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.rules import Refused
from maintenance_windows.snapshot import Level
from maintenance_windows.timeline import rfc3339

MOST_PREVIEWED = 1000


class Command(TerminalCommand):
    help = "Plan maintenance windows and switch sites on and off."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.__class__ = OneLineParser  # BaseCommand leaves no other way to choose it
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_verbs(parser)

    def handle(self, *_: Any, verb: str, **options: Any) -> None:
        self.leave_out_colours(force_color=options["force_color"])
        try:
            getattr(self, f"do_{verb}")(Namespace(**options))
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        except DatabaseError as error:
            raise CommandError(report.unanswered(error)) from error

    def do_status(self, given: Namespace) -> None:
        if given.watch is not None:
            self.watch(given)
            return
        sites, now = report.shown(given.sites), timezone.now()
        records, scheduler = status.sites(sites, now), status.scheduler(now)
        forced = status.forced()
        if given.json:
            record = {"at": rfc3339(now), "scheduler": scheduler, "sites": records}
            self.print_json(record | ({"forced": forced} if forced else {}))
        else:
            if forced:
                self.stderr.write(report.overruled(forced))
            last_line = scheduler_rows(scheduler, now, self.style)
            self.print_tables(site_rows(records, self.style), last_line)
        if given.check and not scheduler["healthy"]:
            last = scheduler["last_tick"]
            raise CommandError(
                f"The scheduler's last tick was at {local(last)}, too long ago."
                if last
                else "The scheduler has never ticked."
            )

    def watch(self, given: Namespace) -> None:
        if given.json or given.check:
            raise CommandError("--watch goes with neither --json nor --check.")
        if not screen.is_terminal(self.stdout):
            raise CommandError("--watch needs a terminal; status alone prints once.")
        report.shown(given.sites)  # what is refused is refused before anything is painted
        frame = partial(report.frame, given.sites, given.watch, self.style)
        screen.repeat(self.stdout, frame, given.watch)

    def do_on(self, given: Namespace) -> None:
        sites = arguments.sites(given.sites, everyone=given.everyone)
        open_ended = given.until is None and given.length is None
        lifecycle.switch_on(
            sites,
            until=None if open_ended else end_of(given, timezone.now()),
            level=level(given),
            message=given.message,
            actor=actor(),
        )
        self.print_sites(sites)

    def do_off(self, given: Namespace) -> None:
        sites = arguments.sites(given.sites, everyone=given.everyone)
        ended = lifecycle.switch_off(sites, actor=actor())
        self.print_sites(sites, ended)

    def do_schedule(self, given: Namespace) -> None:
        starts_at = arguments.moment(given.start)
        windows = lifecycle.schedule(
            arguments.sites(given.sites),
            starts_at=starts_at,
            ends_at=end_of(given, starts_at),
            level=level(given),
            title=given.title,
            message=given.message,
            actor=actor(),
        )
        self.print_windows(windows, as_json=given.json)

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
        self.print_windows([lifecycle.start(given.window, actor=actor())])

    def do_end(self, given: Namespace) -> None:
        self.print_windows([lifecycle.end(given.window, actor=actor())])

    def do_cancel(self, given: Namespace) -> None:
        self.print_windows([lifecycle.cancel(given.window, actor=actor())])

    def do_extend(self, given: Namespace) -> None:
        by = None if given.length is None else arguments.length(given.length)
        until = None if given.until is None else arguments.moment(given.until)
        window = lifecycle.extend(given.window, by=by, until=until, actor=actor())
        self.print_windows([window])

    def do_move(self, given: Namespace) -> None:
        starts_at = arguments.moment(given.start)
        ends_at = end_of(given, starts_at)
        window = lifecycle.move(given.window, starts_at=starts_at, ends_at=ends_at, actor=actor())
        self.print_windows([window])

    def do_repeat(self, given: Namespace) -> None:
        sites = arguments.sites(given.sites)
        template = WindowSeries(
            rule=given.rule,
            starts_on=(start := arguments.wall_clock(given.start)).date(),
            start_time=start.time(),
            zone=given.zone,
            length=arguments.length(given.length),
            excluded=[arguments.day(text) for text in given.excluded],
            level=level(given),
            title=given.title,
            message=given.message,
        )
        if given.preview is not None:
            self.preview(template, given)
        else:
            self.repeat(sites, template, given)
        if template.recurrence().overlaps(timezone.now()):
            self.stderr.write("Note: the windows of this series overlap one another.")

    def repeat(self, sites: list[Site], template: WindowSeries, given: Namespace) -> None:
        outcomes = series.repeat(sites, template, actor=actor())
        if given.json:
            made = [window for outcome in outcomes for window in outcome.made]
            self.print_windows(made, as_json=True)
        else:
            for outcome in outcomes:
                self.stdout.write(series_line(outcome))

    def preview(self, template: WindowSeries, given: Namespace) -> None:
        now = timezone.now()
        if not 1 <= given.preview <= MOST_PREVIEWED:
            raise CommandError(f"--preview takes a number from 1 to {MOST_PREVIEWED}.")
        series.check(template, now)
        recurrence = template.recurrence()
        coming = list(islice(recurrence.occurrences(now), given.preview))
        if given.json:
            self.print_json(status.occurrences(coming))
        else:
            for occurrence in coming:
                self.stdout.write(occurrence_line(occurrence, recurrence.zone))

    def do_bypass(self, given: Namespace) -> None:
        sites = arguments.sites(given.sites)
        if given.revoke:
            links.revoke(sites, actor=actor())
            for site in sites:
                self.stdout.write(f"{site.domain}: all bypass links revoked")
            return
        length = None if given.length is None else arguments.length(given.length)
        now = timezone.now()
        for link in [links.make(site, now, length=length) for site in sites]:
            self.stdout.write(link.url(secure=settings.SESSION_COOKIE_SECURE))

    def do_tick(self, _: Namespace) -> None:
        reconcile.tick()
        series.materialise()

    def print_sites(self, sites: list[Site], ended: Collection[MaintenanceWindow] = ()) -> None:
        for record in status.sites(sites, timezone.now()):
            windows = [w.pk for w in ended if w.site.domain == record["site"]]
            self.stdout.write(site_line(record, windows))

    def print_windows(self, windows: Iterable[MaintenanceWindow], *, as_json: bool = False) -> None:
        records = status.windows(windows, timezone.now())
        if as_json:
            self.print_json(records)
        else:
            for record in records:
                self.stdout.write(window_line(record))


def end_of(given: Namespace, starts_at: datetime) -> datetime:
    if given.until is not None:
        return arguments.moment(given.until)
    return rules.add(starts_at, arguments.length(given.length))


def level(given: Namespace) -> Level:
    return Level.READ_ONLY if given.read_only else Level.FULL


def actor() -> str:
    """The account that runs the command."""
    try:
        return f"{getpass.getuser()[:100]} (shell)"
    except (KeyError, OSError):
        return "shell"  # a container's user may have no name
