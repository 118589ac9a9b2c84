"""Spans of time in words, in the active language."""

from datetime import UTC, datetime, timedelta, tzinfo

from django.utils.formats import date_format
from django.utils.timesince import timesince, timeuntil
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
    clock = f"{here:%H:%M:%S}" if seconds else _clock(here)
    return isolate(f"{format_day(moment, zone, now)} {clock} {here:%Z}")


def format_times(starts_at: datetime, ends_at: datetime, zone: tzinfo, now: datetime) -> str:
    """Format a span as the admin shows it: Sun 29 Nov 02:00-04:00 CET.

    All pairs of times are formatted here, because they must be in one zone.
    """
    return f"{format_day(starts_at, zone, now)} {format_clocks(starts_at, ends_at, zone, now)}"


def format_clocks(starts_at: datetime, ends_at: datetime, zone: tzinfo, now: datetime) -> str:
    """Format a span without the day of its start: 02:00-04:00 CET.

    A second day is named, and both names of the zone across a DST change.
    """
    start, end = starts_at.astimezone(zone), ends_at.astimezone(zone)
    before = "" if start.tzname() == end.tzname() else f" {start:%Z}"
    day = "" if start.date() == end.date() else f"{format_day(ends_at, zone, now)} "
    dash = " \u2013 " if day or before else "\u2013"
    return isolate(f"{_clock(start)}{before}{dash}{day}{_clock(end)} {end:%Z}")


def format_day(moment: datetime, zone: tzinfo, now: datetime) -> str:
    """Format the day of a time: Sun 29 Nov. Another year than the present one is named."""
    here = moment.astimezone(zone)
    if here.year == now.astimezone(zone).year:
        # Translators: a format of Django's date filter, as in "Sun 29 Nov".
        return isolate(date_format(here, pgettext("date format", "D j M")))
    # Translators: a format of Django's date filter, as in "Sun 29 Nov 2026".
    return isolate(date_format(here, pgettext("date format", "D j M Y")))


def format_ago(moment: datetime, now: datetime) -> str:
    """Format how long ago a time was: 2 hours, 5 minutes."""
    # As timeuntil() above. Its no-break spaces are not for terminals.
    return isolate(timesince(moment.astimezone(UTC), now.astimezone(UTC)).replace("\xa0", " "))


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
