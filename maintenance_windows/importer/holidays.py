"""Reading the events of an iCalendar file (RFC 5545), such as one of holidays, as freezes."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, tzinfo
from hashlib import sha256
from typing import Any

import icalendar
from django.utils import timezone
from django.utils.translation import gettext as _

from maintenance_windows.exceptions import Refused
from maintenance_windows.models import REASON_LENGTH
from maintenance_windows.planning import freezes
from maintenance_windows.planning.holidays import Event

READ = ("UID", "SUMMARY", "STATUS", "DTSTART", "DTEND", "DURATION", "RRULE", "EXDATE", "RDATE")


def read(content: bytes, reason: str = "") -> list[Event]:
    """Return the events of a file. Raises Refused with one sentence if it is malformed.

    The reason is each event's summary unless one is given. An event of whole days, or without a
    time zone, is in TIME_ZONE.
    """
    try:
        calendar = icalendar.Calendar.from_ical(content)
        components: list[Any] = calendar.walk("VEVENT")
    except Exception:  # noqa: BLE001 (a parser of others, and any file)
        raise Refused(_("This is no valid iCalendar file.")) from None
    if calendar.name != "VCALENDAR" or not components:
        raise Refused(_("This iCalendar file has no events."))
    moved: defaultdict[str, list[Any]] = defaultdict(list)
    for one in components:
        if "RECURRENCE-ID" in one:
            moved[str(one.get("UID", ""))].append(one)
    events: dict[str, Event] = {}
    for one in components:
        try:
            event = _event(one, moved[str(one.get("UID", ""))], reason)
        except Refused as refusal:
            facts = {"event": _name(one), "reason": refusal}
            raise Refused(_("Event “%(event)s”: %(reason)s") % facts) from None
        except Exception:  # noqa: BLE001 (as above: values are parsed when they are asked for)
            raise Refused(_("Event “%(event)s” is invalid.") % {"event": _name(one)}) from None
        if event.key in events:  # UIDs of a careless program
            event = replace(event, key=_digest(event.key, one["DTSTART"].dt))
        events[event.key] = event
    return list(events.values())


def _event(one: Any, moved: list[Any], reason: str) -> Event:
    if wrong := next((name for name, _why in one.errors if name in READ), None):
        raise Refused(_("%(property)s is invalid.") % {"property": wrong})
    if "RDATE" in one:
        raise Refused(_("RDATE is not supported."))
    start = one["DTSTART"].dt
    of_series = one["RECURRENCE-ID"].dt if "RECURRENCE-ID" in one else ""
    key = _digest(one.get("UID") or (_name(one), start), of_series)
    if str(one.get("STATUS", "")).upper() == "CANCELLED":
        return Event(key=key, freeze=None)
    zone = _zone(one["DTSTART"], start)
    rule, excluded = "", set[str]()
    if "RRULE" in one and "RECURRENCE-ID" not in one:
        rule = one["RRULE"].to_ical().decode()
        excluded = {_day(at, zone) for at in _excluded(one, moved)}
    freeze = freezes.planned(
        starts_at=_moment(start, zone),
        ends_at=_moment(one.end, zone),
        reason=reason or _name(one)[:REASON_LENGTH],
        rule=rule,
        zone=str(zone),
        excluded=excluded,
    )
    return Event(key=key, freeze=freeze)


def _digest(*names: object) -> str:
    return sha256(repr([str(name) for name in names]).encode()).hexdigest()


def _name(one: Any) -> str:
    return " ".join(str(one.get("SUMMARY", "")).split())


def _zone(property_: Any, start: date) -> tzinfo:
    if isinstance(start, datetime) and start.tzinfo is not None:
        return start.tzinfo
    if name := property_.params.get("TZID"):
        raise Refused(_("Time zone %(zone)s does not exist.") % {"zone": name})
    return timezone.get_default_timezone()


def _moment(value: date, zone: tzinfo) -> datetime:
    """Return a time of an event; that of a day is its midnight."""
    if not isinstance(value, datetime):
        return datetime.combine(value, time(), zone)
    return value if value.tzinfo else value.replace(tzinfo=zone)


def _excluded(one: Any, moved: list[Any]) -> Iterator[date]:
    """Yield the starts that a recurring event does not have, or has elsewhere."""
    yield from one.exdates
    yield from (other["RECURRENCE-ID"].dt for other in moved)


def _day(value: date, zone: tzinfo) -> str:
    if isinstance(value, datetime):
        value = _moment(value, zone).astimezone(zone).date()
    return value.isoformat()
