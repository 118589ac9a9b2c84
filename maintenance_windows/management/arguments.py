"""Parse times, durations and sites from the command line, and name the user who typed them."""

import getpass
import re
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.contrib.sites.models import Site
from django.core.management import CommandError
from django.utils import timezone

from maintenance_windows.core.intervals import from_local
from maintenance_windows.core.state import Level
from maintenance_windows.exceptions import AmbiguousTime
from maintenance_windows.forms.fields import PK
from maintenance_windows.models import MaintenanceWindow, all_sites, site_named
from maintenance_windows.planning import rules, series
from maintenance_windows.reconcile.lock import locked
from maintenance_windows.wording.durations import parse_duration

WINDOW = re.compile(r"[0-9]{1,30}|[0-9]{1,18}/[0-9]{4}-[0-9]{2}-[0-9]{2}")
SHORTEST, LONGEST = 0.1, 3600.0  # seconds between two frames of --watch


def moment(text: str, now: datetime) -> datetime:
    """Parse a time: an exact duration from now, such as +30m, or an ISO 8601 date and time.

    Without an offset that is in TIME_ZONE.
    """
    try:
        if text.startswith("+"):
            return rules.add(now, parse_duration(text[1:]))
        parsed = _date_and_time(text)
        if parsed.tzinfo is None:
            return from_local(parsed, timezone.get_default_timezone())
        return parsed.astimezone(UTC)
    except AmbiguousTime as error:
        raise CommandError(str(error)) from None
    except (ValueError, OverflowError):
        like = "2026-11-29T02:00, 2026-11-29T02:00+01:00 or +30m"
        raise CommandError(f"Invalid time {text!r}. Use for example {like}.") from None


def wall_clock(text: str) -> datetime:
    """Parse an ISO 8601 local time without an offset; another argument gives the zone."""
    try:
        parsed = _date_and_time(text)
    except ValueError:
        like = "2026-11-29T02:00"
        raise CommandError(f"Invalid time {text!r}. Use for example {like}.") from None
    if parsed.tzinfo is not None:
        raise CommandError(f"Write {text} without an offset: --start is local time in --zone.")
    return parsed


def _date_and_time(text: str) -> datetime:
    # Refuse a date without a time: it would mean midnight, which nobody intends.
    return datetime.fromisoformat(text if len(text) > len("2026-11-29") else "")


def day(text: str) -> str:
    """Parse an ISO 8601 date and return it in the stored form."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise CommandError(f"Invalid date {text!r}. Use for example 2026-12-27.") from None


def local_date(text: str) -> date:
    """Parse an ISO 8601 date."""
    return date.fromisoformat(day(text))


def for_window(
    text: str, verb: Callable[..., MaintenanceWindow], *, override: str = "", **given: Any
) -> MaintenanceWindow:
    """Call a verb for a window, or for the one that SERIES/DATE names, created if need be.

    If the verb refuses, none was created. Only verbs that a freeze refuses get the `override`.
    """
    who: dict[str, Any] = {"actor": actor(), **({"override": override} if override else {})}
    with locked() as now:
        number, on = occurrence(text)
        if on is not None:
            number = series.make(number, on, clock=lambda: now, **who).pk
        return verb(number, clock=lambda: now, **who, **given)


def occurrence(text: str) -> tuple[int, date | None]:
    """Return the id and the date of SERIES/DATE; of a window only its id."""
    number, _, on = text.partition("/")
    return int(number), local_date(on) if on else None


def window_name(text: str) -> str:
    """Return the id of a window, or SERIES/DATE, as given."""
    if not WINDOW.fullmatch(text):
        raise ArgumentTypeError(f"invalid window {text!r}: use its id, or for example 3/2026-12-27")
    return text


def length(text: str) -> timedelta:
    """Parse a duration such as 90s, 30m, 2h, 1h30m or 1d."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise CommandError(str(error)) from None


def end(given: Namespace, starts_at: datetime, now: datetime) -> datetime:
    """Return the end, given as a time or as a duration from `starts_at`."""
    if given.until is not None:
        return moment(given.until, now)
    return rules.add(starts_at, length(given.length))


def level(given: Namespace) -> Level:
    return Level.READ_ONLY if given.read_only else Level.FULL


def text(given: str) -> str:
    """Return text that a database can store. Bytes that are not UTF-8 are refused."""
    try:
        given.encode()
    except UnicodeEncodeError:
        raise ArgumentTypeError("not valid UTF-8") from None
    return given


def positive(text: str) -> int:
    """Parse a number of rows."""
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ArgumentTypeError(f"{text!r} is not a positive number")
    return int(text)


def interval(text: str) -> float:
    """Parse the seconds between two frames of --watch."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not SHORTEST <= seconds <= LONGEST:
        raise ArgumentTypeError(
            f"{text!r} is not a number of seconds from {SHORTEST:g} to {LONGEST:g}; "
            "put sites before --watch"
        )
    return seconds


def sites(names: list[str], *, everyone: bool = False) -> list[Site]:
    """Return the sites with these domains or ids, in this order. Else all, or the only site."""
    if everyone and names:
        raise CommandError("Specify sites or --all, not both.")
    if names:
        return list({site.pk: site for site in map(_site, names)}.values())
    found = list(all_sites().order_by("domain")[: None if everyone else 2])
    if not everyone and len(found) != 1:
        raise CommandError("Specify a site or --all.")
    return found


def _site(name: str) -> Site:
    site = site_named(name)
    if site is None and PK.fullmatch(name):
        site = all_sites().filter(pk=name).first()
    if site is None:
        raise CommandError(f"Site {name!r} does not exist.")
    return site


def actor() -> str:
    """Return the name of the account that runs the command."""
    try:
        return f"{getpass.getuser()[:100]} (shell)"
    except (KeyError, OSError):
        return "shell"  # a container's user may have no name
