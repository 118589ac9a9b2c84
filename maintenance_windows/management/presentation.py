"""What status.py says, for a person, in the time zone of the project: as lines and as tables."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, tzinfo

from django.core.management.color import Style
from django.utils import timezone

from maintenance_windows.core.recurrence import Occurrence
from maintenance_windows.management.table import Cell, Table, printable
from maintenance_windows.overview.status import Record
from maintenance_windows.planning.series.apply import SeriesChange

NOTHING = "-"


def site_line(record: Record, ended: Iterable[int] = ()) -> str:
    parts = [record["site"]]
    if record["in_maintenance"]:
        closes = "read-only" if record["level"] == "read_only" else "in maintenance"
        parts.append(f"{closes} since {local(record['since'])}")
        parts.append(f"until {local(record['until'])}" if record["until"] else "until switched off")
    else:
        parts.append("up")
    parts += [f"ended window {window}" for window in ended]
    if upcoming := record["next"]:
        span = f"{local(upcoming['starts_at'])} to {local(upcoming['ends_at'])}"
        parts.append(f"next: window {upcoming['id']}, {span}")
    return printable(f"{parts[0]}: {', '.join(parts[1:])}")


def window_line(record: Record) -> str:
    span = f"{local(record['starts_at'])} to {local(record['ends_at'])}"
    notes = [record["status"]]
    if record["level"] == "read_only":
        notes.append("read-only")
    if record["series"]:
        notes.append(f"series {record['series']}")
    if record["title"]:
        notes.append(record["title"])
    return printable(f"{record['site']}: window {record['id']}, {span}, {', '.join(notes)}")


def site_rows(records: Iterable[Record], style: Style) -> Table:
    """A heading and a row for each site."""
    zone = str(timezone.get_current_timezone())
    names = ("SITE", "STATE", f"SINCE ({zone})", "UNTIL", "NEXT")
    return [_heading(names, style), *(_site_row(record, style) for record in records)]


def _site_row(record: Record, style: Style) -> Sequence[Cell]:
    since, until = record["since"] or NOTHING, NOTHING
    if record["in_maintenance"]:
        since, until = _span(since, record["until"])
    coming = NOTHING
    if upcoming := record["next"]:
        span = _span(upcoming["starts_at"], upcoming["ends_at"])
        coming = f"{upcoming['id']}: {' to '.join(span)}"
    return Cell(record["site"]), _state(record, style), Cell(since), Cell(until), Cell(coming)


def _state(record: Record, style: Style) -> Cell:
    if not record["in_maintenance"]:
        return Cell("up", style.SUCCESS)
    held = ", held" if record["held"] else ""
    if record["level"] == "read_only":
        return Cell(f"read-only{held}", style.WARNING)
    return Cell(f"down{held}", style.ERROR)


def window_rows(records: Iterable[Record], style: Style) -> Table:
    """A heading and a row for each window."""
    zone = str(timezone.get_current_timezone())
    names = ("ID", "SITE", "STATUS", "LEVEL", f"START ({zone})", "END", "SERIES", "TITLE")
    return [_heading(names, style), *(_window_row(record, style) for record in records)]


def _window_row(record: Record, style: Style) -> Sequence[Cell]:
    start, end = _span(record["starts_at"], record["ends_at"])
    return (
        Cell(str(record["id"])),
        Cell(record["site"]),
        Cell(record["status"], style.WARNING if record["status"] == "active" else str),
        Cell("read-only" if record["level"] == "read_only" else record["level"]),
        Cell(start),
        Cell(end),
        Cell(str(record["series"] or NOTHING)),
        Cell(record["title"]),
    )


def _heading(names: Iterable[str], style: Style) -> Sequence[Cell]:
    return [Cell(name, style.MIGRATE_LABEL) for name in names]


def scheduler_rows(record: Record, now: datetime, style: Style) -> Table:
    return [[_scheduler(record, now, style)]]


def _scheduler(record: Record, now: datetime, style: Style) -> Cell:
    if record["last_tick"] is None:
        return Cell("Scheduler: never ticked.", style.ERROR)
    last = datetime.fromisoformat(record["last_tick"])
    if record["healthy"]:
        # A clock that is a little behind the scheduler's makes no tick of the future.
        seconds = max(0, int((now - last).total_seconds()))
        return Cell(f"Scheduler: last tick {seconds} s ago.")
    wrong = "too long ago" if last < now else "which is still to come: a clock is wrong"
    return Cell(f"Scheduler: last tick at {local(record['last_tick'])}, {wrong}.", style.ERROR)


def series_line(outcome: SeriesChange) -> str:
    series, made = outcome.series, outcome.made
    first = f", the first at {local(made[0].starts_at.isoformat())}" if made else ""
    count = f"{len(made)} {'window' if len(made) == 1 else 'windows'} made"
    return f"{series.site.domain}: series {series.pk}, {series.words()}, {count}{first}"


def occurrence_line(occurrence: Occurrence, zone: tzinfo) -> str:
    """One window by the clock of its series, and in UTC."""
    times = (occurrence.starts_at, occurrence.ends_at)
    here, utc = (
        " to ".join(f"{at.astimezone(where):%a %Y-%m-%d %H:%M %Z}" for at in times)
        for where in (zone, UTC)
    )
    return f"{here} = {utc}"


def local(moment: str) -> str:
    return f"{timezone.localtime(datetime.fromisoformat(moment)):%Y-%m-%d %H:%M:%S %Z}"


def _span(start: str, end: str | None) -> tuple[str, str]:
    """Start and end as short as they are clear, where a heading names the zone."""
    begins = timezone.localtime(datetime.fromisoformat(start))
    if end is None:
        return _clock(begins), "switched off"
    ends = timezone.localtime(datetime.fromisoformat(end))
    return _clock(begins), _clock(ends, day=begins.date())


def _clock(here: datetime, day: date | None = None) -> str:
    """Leaves out `day` and seconds that are zero, and says which of two hours that look alike."""
    text = "" if here.date() == day else f"{here:%Y-%m-%d} "
    text += f"{here:%H:%M:%S}" if here.second else f"{here:%H:%M}"
    twice = here.utcoffset() != here.replace(fold=1 - here.fold).utcoffset()
    return f"{text} {here:%Z}" if twice else text
