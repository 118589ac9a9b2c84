"""The calendar feed in iCalendar format (RFC 5545). Equal values give equal bytes."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import icalendar

from maintenance_windows.core.state import Level

PRODUCT = "-//django-maintenance-windows//EN"
# How often a subscriber should refresh the calendar.
REFRESH = timedelta(minutes=15)
# TEXT allows no control characters (section 3.3.11) except tabs and line ends, which are escaped.
CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


class Text(icalendar.vText):
    """A text escaped by section 3.3.11. The library's takes `\\N`, as in a path, for a newline."""

    def to_ical(self) -> bytes:
        escaped = str(self).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
        return escaped.replace("\n", "\\n").encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEvent:
    """One window. Times are aware; the feed has them in UTC, to the second.

    `changed_at` is the time of the last change, and `sequence` the number of moves and
    cancellations. Of two copies the one with the higher number counts, then the later one (RFC
    5546, section 2.1.5).
    """

    uid: str
    sequence: int
    changed_at: datetime
    starts_at: datetime
    ends_at: datetime
    site: str
    level: Level
    title: str
    message: str
    cancelled: bool


@lru_cache(maxsize=32)
def render(name: str, events: tuple[CalendarEvent, ...]) -> bytes:
    """Render a published calendar in UTF-8. Cached until an event changes."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", Text(_plain(name)))
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", icalendar.vDuration(REFRESH))
    for event in events:
        calendar.add_component(_component(event))
    content: bytes = calendar.to_ical()
    return content


def _component(event: CalendarEvent) -> icalendar.Event:
    component = icalendar.Event()
    component.add("uid", event.uid)
    component.add("sequence", event.sequence)
    component.add("dtstamp", _seconds(event.changed_at))
    component.add("last-modified", _seconds(event.changed_at))
    start, end = _seconds(event.starts_at), _seconds(event.ends_at)
    component.add("dtstart", start)
    if end > start:  # section 3.8.2.2; without it the event ends when it starts
        component.add("dtend", end)
    component.add("status", "CANCELLED" if event.cancelled else "CONFIRMED")
    component.add("transp", "TRANSPARENT")  # nobody is busy because a site is down
    component.add("summary", Text(_plain(_summary(event))))
    if event.message:
        component.add("description", Text(_plain(event.message)))
    return component


def _summary(event: CalendarEvent) -> str:
    """Summarise an event, always in English, so that every client gets the same bytes.

    Some programs overlook STATUS, so a cancelled event says so here as well.
    """
    read_only = event.level is Level.READ_ONLY
    kind = "Read-only maintenance" if read_only else "Maintenance"
    title = f" ({event.title})" if event.title else ""
    return f"{'Cancelled: ' if event.cancelled else ''}{kind}: {event.site}{title}"


def _seconds(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _plain(text: str) -> str:
    return CONTROLS.sub("", "\n".join(text.splitlines()))
