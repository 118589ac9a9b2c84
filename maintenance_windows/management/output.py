"""The output of the verbs: lines and tables for people, in the project's time zone, and JSON."""

import json
import shutil
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo

from django.contrib.sites.models import Site
from django.core.management import BaseCommand
from django.core.management.color import Style
from django.utils import timezone, translation

from maintenance_windows.core.freezes import FrozenTime
from maintenance_windows.core.recurrence import Occurrence
from maintenance_windows.management.terminal import Cell, Table, lines
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.overview import passing, status
from maintenance_windows.overview.status import Record
from maintenance_windows.planning.overlaps import window_warnings
from maintenance_windows.planning.series.apply import SeriesChange
from maintenance_windows.snapshot import clock
from maintenance_windows.wording.lines import printable

NOTHING = "-"
FURTHER_NOTICE = "further notice"
MOST_NAMED = 5  # dates or sites in a line


def print_json(command: BaseCommand, value: object) -> None:
    command.stdout.write(json.dumps(value, indent=2))


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
        notes = filter(None, [_status(record), level, series, record["title"]])
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
        line += f", window {record['id']} {_status(record)}, {_from_to(record)}"
    return printable(line)


def series_table(records: Iterable[Record], style: Style) -> Table:
    """Return a heading and a row for each recurring window."""
    next_ = f"NEXT ({timezone.get_current_timezone()})"
    names = ("ID", "SITE", "RECURRENCE", "LEVEL", next_, "SKIPPED", "TITLE")
    rows = [
        [
            Cell(str(one["id"])),
            Cell(one["site"]),
            Cell(one["words"]),
            Cell("read-only" if one["level"] == "read_only" else one["level"]),
            Cell(_next(one)),
            Cell(", ".join(one["excluded"]) or NOTHING),
            Cell(one["title"]),
        ]
        for one in records
    ]
    return [_heading(names, style), *rows]


def _next(record: Record) -> str:
    if record["ended_at"]:
        return "ended"
    coming = record["next"]
    return " to ".join(_span(coming["starts_at"], coming["ends_at"])) if coming else NOTHING


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
    return [f"skipped {_shortened(dates)}: freeze {reason}" for reason, dates in days.items()]


def _shortened(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def freeze_line(record: Record) -> str:
    """Format a freeze. One by a rule has times only if its next one is near."""
    sites = "all sites" if record["sites"] is None else _shortened(record["sites"])
    parts = [
        sites,
        _from_to(record) if record["starts_at"] else "",
        f"{record['rule']} in {record['zone']}" if record["rule"] else "",
        "ended" if record["ended_at"] else "",
        record["reason"],
    ]
    return printable(f"freeze {record['id']}: {', '.join(filter(None, parts))}")


def freeze_table(records: Iterable[Record], style: Style) -> Table:
    """Return a heading and a row for each freeze."""
    start = f"START ({timezone.get_current_timezone()})"
    names = ("ID", "SITES", start, "END", "RULE", "REASON")
    return [_heading(names, style), *map(_freeze_row, records)]


def _freeze_row(record: Record) -> list[Cell]:
    sites = "all" if record["sites"] is None else _shortened(record["sites"])
    times = (NOTHING, NOTHING)
    if record["starts_at"]:
        times = _span(record["starts_at"], record["ends_at"])
    texts = (record["rule"] or NOTHING, record["reason"])
    return [Cell(text) for text in (str(record["id"]), sites or NOTHING, *times, *texts)]


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


def status_tables(
    records: Iterable[Record], scheduler: Record, now: datetime, style: Style
) -> list[Table]:
    """Return a table with a heading and a row for each site, and a line about the scheduler."""
    zone = timezone.get_current_timezone()
    names = ("SITE", "STATE", f"SINCE ({zone})", "UNTIL", "NEXT")
    rows = [_site_row(record, style) for record in records]
    return [[_heading(names, style), *rows], [[_scheduler(scheduler, now, style)]]]


def _site_row(record: Record, style: Style) -> list[Cell]:
    since, until = record["since"] or NOTHING, NOTHING
    if record["in_maintenance"]:
        since, until = _span(since, record["until"])
    coming = NOTHING
    if upcoming := record["next"]:
        span = _span(upcoming["starts_at"], upcoming["ends_at"])
        coming = f"{upcoming['id']}: {' to '.join(span)}"
    return [Cell(record["site"]), _state(record, style), Cell(since), Cell(until), Cell(coming)]


def _state(record: Record, style: Style) -> Cell:
    if not record["in_maintenance"]:
        return Cell("up", style.SUCCESS)
    held = ", held" if record["held"] else ""
    if record["level"] == "read_only":
        return Cell(f"read-only{held}", style.WARNING)
    return Cell(f"down{held}", style.ERROR)


def _scheduler(record: Record, now: datetime, style: Style) -> Cell:
    if not record["consumed"] and not record["healthy"]:
        return Cell("Scheduler: beat runs, but no worker consumes its queue.", style.ERROR)
    if record["last_tick"] is None:
        return Cell("Scheduler: has never run.", style.ERROR)
    last = datetime.fromisoformat(record["last_tick"])
    if record["healthy"]:
        # A clock slightly behind the scheduler's must not show a negative age.
        seconds = max(0, int((now - last).total_seconds()))
        by = f", {record['kind']}" if record["kind"] else ""
        return Cell(f"Scheduler: last run {seconds} s ago{by}.")
    wrong = "too long ago" if last < now else "in the future (check the clocks)"
    return Cell(f"Scheduler: last run at {local(record['last_tick'])}, {wrong}.", style.ERROR)


def passing_line() -> str:
    """Return the sentence that says who passes, in English as the rest of the output."""
    with translation.override(None):
        return printable(passing.describe())


def window_table(records: Iterable[Record], style: Style) -> Table:
    """Return a heading and a row for each window."""
    start = f"START ({timezone.get_current_timezone()})"
    names = ("ID", "SITE", "STATUS", "LEVEL", start, "END", "SERIES", "TITLE")
    return [_heading(names, style), *(_window_row(record, style) for record in records)]


def _window_row(record: Record, style: Style) -> list[Cell]:
    before = (str(record["id"]), record["site"])
    state = Cell(_status(record), style.WARNING if record["status"] == "active" else str)
    level = "read-only" if record["level"] == "read_only" else record["level"]
    times = _span(record["starts_at"], record["ends_at"])
    after = (level, *times, str(record["series"] or NOTHING), record["title"])
    return [*map(Cell, before), state, *map(Cell, after)]


def _status(record: Record) -> str:
    """Return a window's status in the words of the interface; JSON has the stored value."""
    return "in progress" if record["status"] == "active" else str(record["status"])


def _heading(names: Iterable[str], style: Style) -> list[Cell]:
    return [Cell(name, style.MIGRATE_LABEL) for name in names]


def local(moment: str) -> str:
    return f"{timezone.localtime(datetime.fromisoformat(moment)):%Y-%m-%d %H:%M:%S %Z}"


def _from_to(record: Record) -> str:
    return f"{local(record['starts_at'])} to {local(record['ends_at'])}"


def _span(start: str, end: str | None) -> tuple[str, str]:
    """Format start and end briefly; the heading names the time zone."""
    begins = timezone.localtime(datetime.fromisoformat(start))
    if end is None:
        return _clock(begins), FURTHER_NOTICE
    ends = timezone.localtime(datetime.fromisoformat(end))
    return _clock(begins), _clock(ends, day=begins.date())


def _clock(here: datetime, day: date | None = None) -> str:
    """Omit `day` and zero seconds. Add the zone if the hour occurs twice that day."""
    text = "" if here.date() == day else f"{here:%Y-%m-%d} "
    text += f"{here:%H:%M:%S}" if here.second else f"{here:%H:%M}"
    twice = here.utcoffset() != here.replace(fold=1 - here.fold).utcoffset()
    return f"{text} {here:%Z}" if twice else text
