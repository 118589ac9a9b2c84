"""One line for a person: what status.py says, in the time zone of the project."""

from collections.abc import Iterable
from datetime import datetime

from django.utils import timezone

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
    if record["title"]:
        notes.append(record["title"])
    return f"{record['site']}: window {record['id']}, {span}, {', '.join(notes)}"


def local(moment: str) -> str:
    return f"{timezone.localtime(datetime.fromisoformat(moment)):%Y-%m-%d %H:%M:%S %Z}"
