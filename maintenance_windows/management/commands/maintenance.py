"""Plan and switch maintenance from the shell: `manage.py maintenance --help`."""

import getpass
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NoReturn

from django.contrib.sites.models import Site
from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from django.utils import timezone

from maintenance_windows import lifecycle, reconcile, rules, status
from maintenance_windows.management import arguments
from maintenance_windows.management.presentation import local, site_line, window_line
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.rules import Refused
from maintenance_windows.snapshot import Level


class OneLineParser(CommandParser):
    """Says what is wrong with the arguments as it says what is wrong with their values."""

    def error(self, message: str) -> NoReturn:
        if self.called_from_command_line:
            self.exit(1, f"{self.prog}: {message}\n")
        raise CommandError(message)


class Command(BaseCommand):
    help = "Plan maintenance windows and switch sites on and off."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.__class__ = OneLineParser  # BaseCommand leaves no other way to choose it
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(
            dest="verb", required=True, metavar="VERB", parser_class=OneLineParser
        )

        def verb(name: str, text: str, *, sites: str = "", window: bool = False) -> ArgumentParser:
            added = verbs.add_parser(name, help=text, description=text)
            if sites:
                added.add_argument("sites", nargs=sites, metavar="SITE", help="domain or id")
            if window:
                added.add_argument("window", type=int, metavar="ID", help="the window's id")
            return added

        showing = verb("status", "Show what is on, until when, and what is next.", sites="*")
        showing.add_argument("--json", action="store_true")
        showing.add_argument(
            "--check", action="store_true", help="exit 1 when the scheduler's last tick is too old"
        )
        on = verb("on", "Take sites down now, until an end or until switched off.", sites="*")
        on.add_argument("--all", action="store_true", dest="everyone")
        ends(on, required=False)
        texts(on)
        off = verb("off", "Bring sites up now; ends the windows that run.", sites="*")
        off.add_argument("--all", action="store_true", dest="everyone")
        planning = verb("schedule", "Plan a window for each site, all or none.", sites="+")
        planning.add_argument("--start", required=True, metavar="ISO")
        ends(planning, option="--end")
        texts(planning)
        planning.add_argument(
            "--title", default="", type=arguments.text, metavar="T", help="for your team"
        )
        planning.add_argument("--json", action="store_true")
        listing = verb("list", "List windows that run or are to come.", sites="*")
        listing.add_argument("--past", action="store_true", help="those that are over, too")
        listing.add_argument("--json", action="store_true")
        for name, text in (
            ("start", "Open a scheduled window now."),
            ("end", "End a running window now."),
            ("cancel", "Call off a scheduled window."),
        ):
            verb(name, text, window=True)
        extending = verb("extend", "Move the end of a window to later.", window=True)
        ends(extending, length="--by")
        moving = verb("move", "Give a window other times.", window=True)
        moving.add_argument("--start", required=True, metavar="ISO")
        ends(moving, option="--end")
        verb("tick", "Make all flags right once; for cron instead of Celery.")

    def handle(self, *_: Any, verb: str, **options: Any) -> None:
        try:
            getattr(self, f"do_{verb}")(Namespace(**options))
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        except DatabaseError as error:
            said = next(iter(str(error).splitlines()), type(error).__name__)
            raise CommandError(f"The database does not answer as it should: {said}") from error

    def do_status(self, given: Namespace) -> None:
        now = timezone.now()
        records = status.sites(arguments.sites(given.sites, everyone=not given.sites), now)
        scheduler = status.scheduler(now)
        if given.json:
            self.print_json({"at": status.rfc3339(now), "scheduler": scheduler, "sites": records})
        else:
            for record in records:
                self.stdout.write(site_line(record))
        if given.check and not scheduler["healthy"]:
            last = scheduler["last_tick"]
            raise CommandError(
                f"The scheduler's last tick was at {local(last)}, too long ago."
                if last
                else "The scheduler has never ticked."
            )

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
        self.print_windows(windows, as_json=given.json)

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

    def do_tick(self, _: Namespace) -> None:
        reconcile.tick()

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

    def print_json(self, value: object) -> None:
        self.stdout.write(json.dumps(value, indent=2))


def ends(
    parser: ArgumentParser, *, option: str = "--until", length: str = "--for", required: bool = True
) -> None:
    """An end is given as a time or as a length, never as both."""
    group = parser.add_mutually_exclusive_group(required=required)
    group.add_argument(option, dest="until", metavar="ISO", help="in TIME_ZONE unless it says")
    group.add_argument(length, dest="length", metavar="LENGTH", help="such as 30m or 2h")


def texts(parser: ArgumentParser) -> None:
    parser.add_argument("--read-only", action="store_true", help="refuse writes only")
    parser.add_argument(
        "--message", default="", type=arguments.text, metavar="TEXT", help="shown to visitors"
    )


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
