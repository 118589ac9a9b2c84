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


def format_moment(moment: datetime, zone: tzinfo) -> str:
    """Format a time briefly: 2026-11-29 02:00 CET. Seconds are shown if there are any."""
    here = moment.astimezone(zone)
    return f"{here:%Y-%m-%d} {_clock(here)} {here:%Z}"


def format_times(starts_at: datetime, ends_at: datetime, zone: tzinfo) -> str:
    """Format a span briefly: 2026-11-29 02:00 to 2026-11-29 04:00 CET.

    All briefly formatted pairs of times are formatted here, because they must be in one zone.
    """
    start, end = starts_at.astimezone(zone), ends_at.astimezone(zone)
    before = "" if start.tzname() == end.tzname() else f" {start:%Z}"  # across a DST change
    return f"{start:%Y-%m-%d %H:%M}{before} to {end:%Y-%m-%d %H:%M %Z}"


def format_ago(moment: datetime, now: datetime) -> str:
    """Format how long ago a time was: 2 hours, 5 minutes."""
    # As timeuntil() above. Its no-break spaces are not for terminals.
    return isolate(timesince(moment.astimezone(UTC), now.astimezone(UTC)).replace("\xa0", " "))


def format_brief(starts_at: datetime, ends_at: datetime, zone: tzinfo) -> str:
    """Format a span briefly, as in Sun 29 Nov 02:00-04:00 CET. A second day is named, too."""
    start, end = starts_at.astimezone(zone), ends_at.astimezone(zone)
    day = format_day(start)
    if start.date() == end.date():
        return f"{day} {_clock(start)}\u2013{_clock(end)} {end:%Z}"
    return f"{day} {_clock(start)} \u2013 {format_day(end)} {_clock(end)} {end:%Z}"


def format_day(moment: datetime) -> str:
    # Translators: a format of Django's date filter, as in "Sun 29 Nov".
    return isolate(date_format(moment, pgettext("date format", "D j M")))


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
