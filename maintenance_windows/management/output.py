"""The output of the verbs: lines for people, in the project's time zone, and JSON."""

import json
import shutil
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo

from django.contrib.sites.models import Site
from django.core.management import BaseCommand
from django.utils import timezone, translation

from maintenance_windows.core.freezes import FrozenTime
from maintenance_windows.core.intervals import rfc3339
from maintenance_windows.core.lines import printable
from maintenance_windows.core.recurrence import Occurrence
from maintenance_windows.management.terminal import Table, lines
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.overview import passing, status
from maintenance_windows.overview.history import Event
from maintenance_windows.overview.status import Record
from maintenance_windows.planning.overlaps import window_warnings
from maintenance_windows.planning.series.apply import SeriesChange
from maintenance_windows.snapshot import clock

NOTHING = "-"
FURTHER_NOTICE = "further notice"
MOST_NAMED = 5  # dates or sites in a line


def print_json(command: BaseCommand, value: object) -> None:
    command.stdout.write(json.dumps(value, indent=2))


def print_events(command: BaseCommand, events: Iterable[Event]) -> None:
    records = [
        {
            "at": rfc3339(one.at),
            "due": rfc3339(one.due),
            "site": one.site and one.site.domain,
            "event": one.what,
            "by": one.actor,
        }
        for one in events
    ]
    print_json(command, records)


def print_tables(command: BaseCommand, *tables: Table) -> None:
    """Print tables, cut to the width of a terminal but not in a pipe or file."""
    columns = shutil.get_terminal_size().columns if command.stdout.isatty() else None
    for table in tables:
        for line in lines(table, columns):
            command.stdout.write(line)


def print_sites(
    command: BaseCommand, sites: list[Site], ended: Collection[MaintenanceWindow] = ()
) -> None:
    for record in status.sites(sites, clock.now()):
        notes = ["up"]
        if record["in_maintenance"]:
            state = "read-only" if record["level"] == "read_only" else "down"
            until = local(record["until"]) if record["until"] else FURTHER_NOTICE
            notes = [f"{state} since {local(record['since'])}, until {until}"]
        notes += [f"ended window {w.pk}" for w in ended if w.site.domain == record["site"]]
        if upcoming := record["next"]:
            notes.append(f"next: window {upcoming['id']}, {_from_to(upcoming)}")
        command.stdout.write(printable(f"{record['site']}: {', '.join(notes)}"))


def print_windows(
    command: BaseCommand, windows: Iterable[MaintenanceWindow], *, as_json: bool = False
) -> None:
    records = status.windows(windows, clock.now())
    if as_json:
        print_json(command, records)
        return
    for record in records:
        level = "read-only" if record["level"] == "read_only" else ""
        series = f"series {record['series']}" if record["series"] else ""
        notes = filter(None, [status_word(record), level, series, record["title"]])
        line = f"{record['site']}: window {record['id']}, {_from_to(record)}, {', '.join(notes)}"
        command.stdout.write(printable(line))


def print_notes(command: BaseCommand, notes: Iterable[str]) -> None:
    """Print warnings on standard error, one a line."""
    for note in notes:
        command.stderr.write(printable(f"Note: {note}"))


def print_warnings(command: BaseCommand, windows: Sequence[MaintenanceWindow]) -> None:
    """Print what people should know of the windows, which have equal times."""
    if not windows:
        return
    first, ids = windows[0], [window.pk for window in windows]
    sites, zone = [window.site for window in windows], timezone.get_current_timezone()
    with translation.override(None):
        warnings = window_warnings(
            first.begins_at, first.ends_at, sites, zone, clock.now(), level=first.level, exclude=ids
        )
    print_notes(command, warnings)


def ended_line(outcome: SeriesChange) -> str:
    """Say what ending a series cancelled, and which windows stay."""
    number = len(outcome.cancelled)
    line = f"{outcome.series.site.domain}: series {outcome.series.pk}, ended"
    line += f", {number} {'window' if number == 1 else 'windows'} cancelled"
    if outcome.kept:
        ids = ", ".join(str(window.pk) for window in outcome.kept)
        line += f", kept because they were edited individually: {ids} (--with-edited cancels them)"
    return printable(line)


def date_line(series_id: int, day: date, what: str) -> str:
    series = WindowSeries.objects.select_related("site").get(pk=series_id)
    window = series.windows.select_related("site").filter(occurs_on=day).first()
    line = f"{series.site.domain}: series {series.pk}, {day} {what}"
    if window:
        (record,) = status.windows([window], clock.now())
        line += f", window {record['id']} {status_word(record)}, {_from_to(record)}"
    return printable(line)


def series_line(outcome: SeriesChange) -> str:
    series, made = outcome.series, outcome.made
    first = f", first at {local(made[0].starts_at.isoformat())}" if made else ""
    count = f"{len(made)} {'window' if len(made) == 1 else 'windows'} created"
    notes = "".join(f", {note}" for note in skipped_notes(outcome))
    return printable(
        f"{series.site.domain}: series {series.pk}, {series.words()}, {count}{first}{notes}"
    )


def skipped_notes(outcome: SeriesChange) -> list[str]:
    """Return a note for each freeze that a series skips."""
    days: defaultdict[str, list[str]] = defaultdict(list)
    for occurrence, frozen in outcome.skipped:
        days[frozen.reason].append(occurrence.date.isoformat())
    return [f"skipped {shortened(dates)}: freeze {reason}" for reason, dates in days.items()]


def shortened(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def freeze_line(record: Record) -> str:
    """Format a freeze. One by a rule has times only if its next one is near."""
    sites = "all sites" if record["sites"] is None else shortened(record["sites"])
    parts = [
        sites,
        _from_to(record) if record["starts_at"] else "",
        f"{record['rule']} in {record['zone']}" if record["rule"] else "",
        "ended" if record["ended_at"] else "",
        record["reason"],
    ]
    return printable(f"freeze {record['id']}: {', '.join(filter(None, parts))}")


def occurrence_line(occurrence: Occurrence, zone: tzinfo) -> str:
    """Format an occurrence in its own time zone and in UTC."""
    times = (occurrence.starts_at, occurrence.ends_at)
    here, utc = (
        " to ".join(f"{at.astimezone(where):%a %Y-%m-%d %H:%M %Z}" for at in times)
        for where in (zone, UTC)
    )
    return f"{here} = {utc}"


def skipped_note(sites: Collection[Site], skipped: Mapping[Site, FrozenTime]) -> str:
    """Say which sites skip an occurrence, and why; nothing if none does."""
    reasons = ", ".join(dict.fromkeys(time.reason for time in skipped.values()))
    where = "" if len(skipped) == len(sites) else f" on {', '.join(map(str, skipped))}"
    return f", skipped{where}: freeze {reasons}" if skipped else ""


def passing_line() -> str:
    """Return the sentence that says who passes, in English as the rest of the output."""
    with translation.override(None):
        return printable(passing.describe())


def status_word(record: Record) -> str:
    """Return a window's status in the words of the interface; JSON has the stored value."""
    return "in progress" if record["status"] == "active" else str(record["status"])


def local(moment: str) -> str:
    return f"{timezone.localtime(datetime.fromisoformat(moment)):%Y-%m-%d %H:%M:%S %Z}"


def _from_to(record: Record) -> str:
    return f"{local(record['starts_at'])} to {local(record['ends_at'])}"
