"""Spans of time in words, in the active language."""

from datetime import UTC, datetime, timedelta, tzinfo

from django.utils.formats import date_format
from django.utils.timesince import timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from maintenance_windows.wording.durations import isolate, spell_duration

MINUTE = timedelta(minutes=1)


def format_upcoming(starts_at: datetime, ends_at: datetime, zone: tzinfo, now: datetime) -> str:
    """Format a future span: Sunday 29 November 2026, 02:00 to 04:00 UTC, in 6 days, 2 hours."""
    texts = {"span": format_span(starts_at, ends_at, zone)}
    if starts_at <= now:
        return _("%(span)s, starts immediately") % texts
    if starts_at - now < MINUTE:
        return _("%(span)s, in less than a minute") % texts
    # timeuntil() counts wall-clock time; in UTC that is the exact time.
    texts["time"] = isolate(timeuntil(starts_at.astimezone(UTC), now.astimezone(UTC)))
    return _("%(span)s, in %(time)s") % texts


def format_span(starts_at: datetime, ends_at: datetime, zone: tzinfo) -> str:
    """Format a span: Sunday 29 November 2026, 02:00 to 04:00 Europe/Berlin (01:00 to 03:00 UTC)."""
    start, end = starts_at.astimezone(zone), ends_at.astimezone(zone)
    texts = {"local": _between(start, end), "zone": str(zone)}
    if texts["zone"] == "UTC":
        return _("%(local)s %(zone)s") % texts
    utc_start, utc_end = starts_at.astimezone(UTC), ends_at.astimezone(UTC)
    same_days = (start.date(), end.date()) == (utc_start.date(), utc_end.date())
    texts["utc"] = (_clocks if same_days else _between)(utc_start, utc_end)
    return _("%(local)s %(zone)s (%(utc)s UTC)") % texts


def format_moment(moment: datetime, zone: tzinfo, now: datetime, *, seconds: bool = False) -> str:
    """Format a time as the admin shows it: Sun 29 Nov 02:00 CET; another year is named."""
    here = moment.astimezone(zone)
    return isolate(f"{_short(here, zone, now, seconds=seconds)} {here:%Z}")


def format_times(starts_at: datetime, ends_at: datetime, zone: tzinfo, now: datetime) -> str:
    """Format a span as the admin shows it: Sun 29 Nov 02:00–04:00 CET.

    Both days are named if it has two, and both names of the zone if DST changes it meanwhile.
    """
    start, end = starts_at.astimezone(zone), ends_at.astimezone(zone)
    is_one_day, is_one_name = start.date() == end.date(), start.tzname() == end.tzname()
    first = _short(start, zone, now)
    last = f"{end:%H:%M}" if is_one_day else _short(end, zone, now)
    dash = "–" if is_one_day and is_one_name else " – "
    return isolate(f"{first}{'' if is_one_name else f' {start:%Z}'}{dash}{last} {end:%Z}")


def _short(here: datetime, zone: tzinfo, now: datetime, *, seconds: bool = False) -> str:
    if here.year == now.astimezone(zone).year:
        # Translators: a format of Django's date filter, as in "Sun 29 Nov".
        day = date_format(here, pgettext("date format", "D j M"))
    else:
        # Translators: a format of Django's date filter, as in "Sun 29 Nov 2026".
        day = date_format(here, pgettext("date format", "D j M Y"))
    return f"{day} {here:{'%H:%M:%S' if seconds else '%H:%M'}}"


def format_length(starts_at: datetime, ends_at: datetime, zone: tzinfo) -> str:
    """Spell out the exact length of a span, and note a DST change within it."""
    length = spell_duration(ends_at.astimezone(UTC) - starts_at.astimezone(UTC))
    if starts_at.astimezone(zone).utcoffset() == ends_at.astimezone(zone).utcoffset():
        return length
    return _("%(length)s, across a DST change") % {"length": length}


def _between(start: datetime, end: datetime) -> str:
    if start.date() == end.date():
        return _("%(day)s, %(clocks)s") % {"day": _day(start), "clocks": _clocks(start, end)}
    return _("%(first_day)s, %(start)s to %(last_day)s, %(end)s") % {
        "first_day": _day(start),
        "start": _clock(start),
        "last_day": _day(end),
        "end": _clock(end),
    }


def _clocks(start: datetime, end: datetime) -> str:
    return _("%(start)s to %(end)s") % {"start": _clock(start), "end": _clock(end)}


def _day(moment: datetime) -> str:
    # Translators: a format of Django's date filter, as in "Sunday 29 November 2026".
    return isolate(date_format(moment, pgettext("date format", "l j F Y")))


def _clock(moment: datetime) -> str:
    return moment.strftime("%H:%M:%S" if moment.second else "%H:%M")
