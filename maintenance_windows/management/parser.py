"""The verbs of `manage.py maintenance` and what each may be told."""

from argparse import ArgumentParser, ArgumentTypeError

from maintenance_windows.management import arguments
from maintenance_windows.management.command import OneLineParser

SHORTEST, USUAL, LONGEST = 0.1, 2.0, 3600.0  # seconds between two looks


def add_verbs(parser: ArgumentParser) -> None:
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
    showing.add_argument(
        "--watch",
        nargs="?",
        type=interval,
        const=USUAL,
        metavar="SECONDS",
        help=f"show it again and again, every {USUAL:g} seconds, until Ctrl-C",
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
    texts(planning, title=True)
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
    repeating = verb("repeat", "Plan windows that come again, a series for each site.", sites="+")
    repeating.add_argument(
        "--rule", required=True, metavar="RRULE", help="RFC 5545, such as FREQ=WEEKLY;BYDAY=SU"
    )
    repeating.add_argument(
        "--start", required=True, metavar="LOCAL", help="the first start, by the clock of --zone"
    )
    repeating.add_argument(
        "--zone", required=True, metavar="IANA", help="time zone, such as Europe/Berlin"
    )
    repeating.add_argument(
        "--for", dest="length", required=True, metavar="LENGTH", help="of each, such as 30m or 2h"
    )
    repeating.add_argument(
        "--except",
        dest="excluded",
        action="append",
        default=[],
        metavar="DATE",
        help="leave out this day; may be repeated",
    )
    texts(repeating, title=True)
    repeating.add_argument(
        "--preview", type=int, metavar="N", help="list the next N windows and write nothing"
    )
    repeating.add_argument("--json", action="store_true")
    passing = verb("bypass", "Print a link that lets testers through.", sites="+")
    passing.add_argument(
        "--for", dest="length", metavar="LENGTH", help="else until the maintenance ends"
    )
    passing.add_argument(
        "--revoke", action="store_true", help="make all links of the site useless, at once"
    )
    moving_in = verb(
        "import-maintenancemode2", "Take over flags and ignored URLs of django-maintenancemode-2."
    )
    moving_in.add_argument(
        "--dry-run", action="store_true", help="say what would be taken and write nothing"
    )
    verb("tick", "Make all flags and windows of series right once; for cron instead of Celery.")


def interval(text: str) -> float:
    """The seconds between two looks."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not SHORTEST <= seconds <= LONGEST:
        raise ArgumentTypeError(
            f"{text!r} is no number of seconds from {SHORTEST:g} to {LONGEST:g} "
            "(sites are named before --watch)"
        )
    return seconds


def ends(
    parser: ArgumentParser, *, option: str = "--until", length: str = "--for", required: bool = True
) -> None:
    """An end is given as a time or as a length, never as both."""
    group = parser.add_mutually_exclusive_group(required=required)
    group.add_argument(option, dest="until", metavar="ISO", help="in TIME_ZONE unless it says")
    group.add_argument(length, dest="length", metavar="LENGTH", help="such as 30m or 2h")


def texts(parser: ArgumentParser, *, title: bool = False) -> None:
    parser.add_argument("--read-only", action="store_true", help="refuse writes only")
    parser.add_argument(
        "--message", default="", type=arguments.text, metavar="TEXT", help="shown to visitors"
    )
    if title:
        parser.add_argument(
            "--title", default="", type=arguments.text, metavar="T", help="for your team"
        )
