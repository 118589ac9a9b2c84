"""One line for a person: what status.py says, in the time zone of the project."""

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo

from django.utils import timezone

from maintenance_windows.occurrences import Outcome
from maintenance_windows.recurrence import Occurrence
from maintenance_windows.status import Record


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
    return f"{parts[0]}: {', '.join(parts[1:])}"


def window_line(record: Record) -> str:
    span = f"{local(record['starts_at'])} to {local(record['ends_at'])}"
    notes = [record["status"]]
    if record["level"] == "read_only":
        notes.append("read-only")
    if record["series"]:
        notes.append(f"series {record['series']}")
    if record["title"]:
        notes.append(record["title"])
    return f"{record['site']}: window {record['id']}, {span}, {', '.join(notes)}"


def series_line(outcome: Outcome) -> str:
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
