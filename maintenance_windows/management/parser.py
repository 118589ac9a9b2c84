"""The verbs of `manage.py maintenance`: their arguments, and the function of each."""

from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.management import BaseCommand

from maintenance_windows.management import arguments
from maintenance_windows.management.base import OneLineParser
from maintenance_windows.management.verbs import importing, scheduler, series, sites, windows

Verb = Callable[[BaseCommand, Namespace], None]
USUAL = 2.0  # seconds between two frames of --watch


def argument(*names: str, **options: Any) -> OneLineParser:
    """Return a parent parser with this argument, for the verbs that take it."""
    parent = OneLineParser(add_help=False)
    parent.add_argument(*names, **options)
    return parent


def end(time: str, length: str, *, required: bool = True) -> OneLineParser:
    """Return a parent parser for an end, given either as a time or as a length."""
    parent = OneLineParser(add_help=False)
    group = parent.add_mutually_exclusive_group(required=required)
    group.add_argument(time, dest="until", metavar="ISO", help="in TIME_ZONE unless it says")
    group.add_argument(length, dest="length", metavar="LENGTH", help="such as 30m or 2h")
    return parent


length = partial(argument, dest="length", metavar="LENGTH")
flag = partial(argument, action="store_true")
number = partial(argument, type=int)
required = partial(argument, required=True)
text = partial(argument, default="", type=arguments.text)
site = partial(argument, "sites", metavar="SITE", help="domain or id")

ANY_SITES, SITES = site(nargs="*"), site(nargs="+")
ALL = flag("--all", dest="everyone")
WINDOW = number("window", metavar="ID", help="the window's id")
START = required("--start", metavar="ISO")
READ_ONLY = flag("--read-only", help="refuse writes only")
MESSAGE = text("--message", metavar="TEXT", help="shown to visitors")
TITLE = text("--title", metavar="T", help="for your team")
JSON = flag("--json")
PAST = flag("--past", help="those that are over, too")
CHECK = flag("--check", help="exit 1 when the scheduler's last tick is too old")
WATCH = argument(
    "--watch",
    nargs="?",
    type=arguments.interval,
    const=USUAL,
    metavar="SECONDS",
    help=f"show it again and again, every {USUAL:g} seconds, until Ctrl-C",
)
RECURRENCE = (
    required("--rule", metavar="RRULE", help="RFC 5545, such as FREQ=WEEKLY;BYDAY=SU"),
    required("--start", metavar="LOCAL", help="the first start, by the clock of --zone"),
    required("--zone", metavar="IANA", help="time zone, such as Europe/Berlin"),
    length("--for", required=True, help="of each, such as 30m or 2h"),
    argument(
        "--except",
        dest="excluded",
        action="append",
        default=[],
        metavar="DATE",
        help="leave out this day; may be repeated",
    ),
)
PREVIEW = number("--preview", metavar="N", help="list the next N windows and write nothing")
VALID_FOR = length("--for", help="else until the maintenance ends")
REVOKE = flag("--revoke", help="make all links of the site useless, at once")
DRY_RUN = flag("--dry-run", help="say what would be taken and write nothing")
ONCE = flag("--once", help="one tick, then end")
# Django's own options, which people write at the end of a line as well. What is said before the
# verb stands, and `--help` of the command lists them.
hidden = partial(argument, default=SUPPRESS, help=SUPPRESS)
DJANGO = (
    hidden("--settings"),
    hidden("--pythonpath"),
    hidden("-v", "--verbosity", type=int, choices=range(4)),
    *(hidden(name, action="store_true") for name in ("--traceback", "--no-color", "--force-color")),
)


def add_verbs(parser: ArgumentParser) -> None:
    verbs = parser.add_subparsers(required=True, metavar="VERB", parser_class=OneLineParser)

    def verb(name: str, func: Verb, *parents: OneLineParser, alias: str = "") -> None:
        """Add a verb. Its help text is the docstring of `func`; the alias has none."""
        text = func.__doc__
        added = verbs.add_parser(name, help=text, description=text, parents=[*parents, *DJANGO])
        added.set_defaults(func=func)
        if alias:
            added = verbs.add_parser(alias, description=text, parents=[*parents, *DJANGO])
            added.set_defaults(func=func)

    planned = (START, end("--end", "--for"))
    texts = (READ_ONLY, MESSAGE)

    verb("status", sites.show_status, ANY_SITES, JSON, CHECK, WATCH)
    until = end("--until", "--for", required=False)
    verb("down", sites.down, ANY_SITES, ALL, until, *texts, alias="on")
    verb("up", sites.up, ANY_SITES, ALL, alias="off")
    verb("schedule", windows.schedule, SITES, *planned, *texts, TITLE, JSON)
    verb("list", windows.show_list, ANY_SITES, PAST, JSON)
    verb("start", windows.start, WINDOW)
    verb("end", windows.end, WINDOW)
    verb("cancel", windows.cancel, WINDOW)
    verb("extend", windows.extend, WINDOW, end("--until", "--by"))
    verb("move", windows.move, WINDOW, *planned)
    verb("repeat", series.repeat, SITES, *RECURRENCE, *texts, TITLE, PREVIEW, JSON)
    verb("bypass", sites.bypass, SITES, VALID_FOR, REVOKE)
    verb("import-maintenancemode2", importing.import_maintenancemode2, DRY_RUN)
    verb("tick", scheduler.tick)
    verb("scheduler", scheduler.scheduler, ONCE)
