"""The calendar feed in iCalendar format (RFC 5545). Equal values give equal bytes."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import icalendar

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
    """A window or a freeze. Times are aware; the feed has them in UTC, to the second.

    `changed_at` is the time of the last change, and `sequence` the number of moves and
    cancellations. Of two copies the one with the higher number counts, then the later one (RFC
    5546, section 2.1.5).
    """

    uid: str
    sequence: int
    changed_at: datetime
    starts_at: datetime
    ends_at: datetime
    summary: str
    description: str
    cancelled: bool
    # Whether it blocks the time of the people whose calendar this is.
    busy: bool = True


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
    if not event.busy:
        component.add("transp", "TRANSPARENT")
    component.add("summary", Text(_plain(event.summary)))
    if event.description:
        component.add("description", Text(_plain(event.description)))
    return component


def _seconds(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _plain(text: str) -> str:
    return CONTROLS.sub("", "\n".join(text.splitlines()))
