"""The verbs of `manage.py maintenance`: their arguments, and the function of each."""

from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.management import BaseCommand

from maintenance_windows.core.state import Level
from maintenance_windows.management import arguments
from maintenance_windows.management.base import OneLineParser
from maintenance_windows.management.verbs import (
    freezes,
    history,
    importing,
    scheduler,
    series,
    sites,
    windows,
)

Verb = Callable[[BaseCommand, Namespace], None]
USUAL = 2.0  # seconds between two frames of --watch


def argument(*names: str, **options: Any) -> OneLineParser:
    """Return a parent parser with this argument, for the verbs that take it."""
    parent = OneLineParser(add_help=False)
    parent.add_argument(*names, **options)
    return parent


def end(time: str, length: str, *, required: bool = True) -> OneLineParser:
    """Return a parent parser for an end, given either as a time or as a duration."""
    parent = OneLineParser(add_help=False)
    group = parent.add_mutually_exclusive_group(required=required)
    group.add_argument(
        time,
        dest="until",
        metavar="TIME",
        help="date and time, in TIME_ZONE unless it has an offset, or from now: +30m",
    )
    group.add_argument(length, dest="length", metavar="DURATION", help="for example 30m or 2h")
    return parent


def first_end() -> OneLineParser:
    """Return a parent parser for the length of windows, or the local time of their end."""
    parent = OneLineParser(add_help=False)
    group = parent.add_mutually_exclusive_group(required=True)
    group.add_argument(
        "--for",
        dest="length",
        metavar="DURATION",
        help="exact duration of each window, for example 30m or 2h",
    )
    group.add_argument(
        "--end",
        dest="until",
        metavar="LOCAL",
        help="first end, in local time of --zone: windows end at that time of day, also across DST",
    )
    return parent


def levels() -> OneLineParser:
    """Return a parent parser for the level; without it that is None."""
    parent = OneLineParser(add_help=False)
    group = parent.add_mutually_exclusive_group()
    for name, level, text in (
        ("--read-only", Level.READ_ONLY, "block only requests that change something"),
        ("--full", Level.FULL, "block all requests (the default, except with --like)"),
    ):
        group.add_argument(name, dest="level", action="store_const", const=level, help=text)
    return parent


length = partial(argument, dest="length", metavar="DURATION")
flag = partial(argument, action="store_true")
number = partial(argument, type=int)
required = partial(argument, required=True)
text = partial(argument, default="", type=arguments.text)
site = partial(argument, "sites", metavar="SITE", help="domain or id")

ANY_SITES, SITES = site(nargs="*"), site(nargs="+")
ALL = flag("--all", dest="everyone", help="all sites")
WINDOW = argument(
    "window",
    metavar="ID",
    type=arguments.window_name,
    help="id of the window, or SERIES/DATE for a date of a recurring window",
)
RECURRING = number("series", metavar="ID", help="id of the recurring window")
DATE = argument("date", metavar="DATE", help="local date of its start, for example 2026-12-27")
START = required("--start", metavar="TIME", help="date and time, as --end")
NOW = flag("--now", help="confirm a start in the past: what should have started starts now")
LIKE = number("--like", metavar="ID", help="plan this window again: its site, duration and texts")
READ_ONLY = flag("--read-only", help="block only requests that change something")
MESSAGE = text("--message", metavar="TEXT", help="message for visitors")
TITLE = text("--title", metavar="TEXT", help="internal title, never shown to visitors")
PUBLISH = argument(
    "--publish", metavar="ISO", help="nothing public names it before this date and time"
)
JSON = flag("--json", help="print JSON")
PAST = flag("--past", help="include past ones")
PAST_FREEZES = flag("--past", help="include freezes that have ended")
CHECK = flag("--check", help="exit with status 1 if the scheduler is not running")
WATCH = argument(
    "--watch",
    nargs="?",
    type=arguments.interval,
    const=USUAL,
    metavar="SECONDS",
    help=f"refresh every SECONDS (default: {USUAL:g}) until Ctrl-C",
)
RECURRENCE = (
    required("--rule", metavar="RRULE", help="RFC 5545 rule, for example FREQ=WEEKLY;BYDAY=SU"),
    required("--start", metavar="LOCAL", help="first start, in local time of --zone"),
    required("--zone", metavar="IANA", help="time zone, for example Europe/Berlin"),
    first_end(),
    argument(
        "--except",
        dest="excluded",
        action="append",
        default=[],
        metavar="DATE",
        help="skip this date (repeatable)",
    ),
)
LEVEL = levels()
ANY_MESSAGE, ANY_TITLE = (
    argument(name, metavar="TEXT", type=arguments.text, help=text)
    for name, text in (
        ("--message", "message for visitors"),
        ("--title", "internal title, never shown to visitors"),
    )
)
WITH_EDITED = flag("--with-edited", help="also cancel windows that were edited individually")
PREVIEW = number("--preview", metavar="N", help="show the next N windows without saving")
VALID_FOR = length("--for", help="how long the link is valid (default: until the maintenance ends)")
REVOKE = flag("--revoke", help="revoke all links of the site")
OVERRIDE = text("--override", metavar="TEXT", help="reason for planning into a freeze")
REASON = required("--reason", metavar="TEXT", type=arguments.text, help="shown to people who plan")
FREEZE = number("freeze", metavar="ID", help="id of the freeze")
BY_RULE = (
    text("--rule", metavar="RRULE", help="repeat by this rule; start and end are of the first"),
    text("--zone", metavar="IANA", help="time zone of --rule (default: TIME_ZONE)"),
)
FILE = argument("file", metavar="FILE", help="an iCalendar file (.ics)")
INSTEAD = text("--reason", metavar="TEXT", help="reason (default: the summary of each event)")
DRY_RUN = flag("--dry-run", help="show what would be imported")
BEFORE = required("--before", metavar="TIME", help="date and time, at least 90 days ago")
MOST = argument(
    "--most",
    type=arguments.positive,
    default=50,
    metavar="N",
    help="at most N events (default: 50)",
)
COUNT = flag("--dry-run", help="show what would be deleted")
ONCE = flag("--once", help="run once, then exit")
# Django's own options, which people write at the end of a line as well. One before the verb
# applies too, and `--help` of the command lists them.
hidden = partial(argument, default=SUPPRESS, help=SUPPRESS)
DJANGO = (
    hidden("--settings"),
    hidden("--pythonpath"),
    hidden("-v", "--verbosity", type=int, choices=range(4)),
    *(hidden(name, action="store_true") for name in ("--traceback", "--no-color", "--force-color")),
)


def add_verbs(parser: ArgumentParser) -> None:
    verbs = parser.add_subparsers(metavar="VERB", parser_class=OneLineParser)
    # Without a verb, as `status`.
    parser.set_defaults(func=sites.show_status, sites=[], json=False, check=False, watch=None)

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
    again = (LIKE, START, end("--end", "--for", required=False), LEVEL, ANY_MESSAGE, ANY_TITLE)
    verb("schedule", windows.schedule, ANY_SITES, *again, PUBLISH, NOW, OVERRIDE, JSON)
    verb("list", windows.show_list, ANY_SITES, PAST, JSON)
    verb("start", windows.start, WINDOW)
    verb("end", windows.end, WINDOW)
    verb("cancel", windows.cancel, WINDOW)
    verb("extend", windows.extend, WINDOW, end("--until", "--by"), OVERRIDE)
    verb("move", windows.move, WINDOW, *planned, NOW, OVERRIDE)
    verb("repeat", series.repeat, SITES, *RECURRENCE, *texts, TITLE, PUBLISH, NOW, PREVIEW, JSON)
    verb("series", series.show_series, ANY_SITES, PAST, JSON)
    verb("series-end", series.end, RECURRING, WITH_EDITED)
    verb("skip", series.skip, RECURRING, DATE)
    verb("unskip", series.unskip, RECURRING, DATE, OVERRIDE)
    verb("restore", series.restore, WINDOW, OVERRIDE)
    verb("freeze", freezes.freeze, ANY_SITES, ALL, *planned, REASON, *BY_RULE, JSON)
    verb("freezes", freezes.show_freezes, PAST_FREEZES, JSON)
    verb("unfreeze", freezes.unfreeze, FREEZE)
    verb("import-freezes", freezes.import_freezes, FILE, ANY_SITES, ALL, INSTEAD, DRY_RUN)
    verb("bypass", sites.bypass, SITES, VALID_FOR, REVOKE)
    verb("log", history.log, ANY_SITES, MOST, JSON)
    verb("prune", history.prune, BEFORE, COUNT)
    verb("import-maintenancemode2", importing.import_maintenancemode2, DRY_RUN)
    verb("tick", scheduler.tick)
    verb("scheduler", scheduler.scheduler, ONCE)
