"""A span of time in words, in the language of the reader."""

from datetime import UTC, datetime, timedelta, tzinfo

from django.utils.formats import date_format
from django.utils.timesince import timeuntil
from django.utils.translation import get_language_bidi, ngettext, pgettext
from django.utils.translation import gettext as _

MINUTE = timedelta(minutes=1)


def coming(starts_at: datetime, ends_at: datetime, zone: tzinfo, now: datetime) -> str:
    """Such as: Sunday 29 November 2026, 02:00 to 04:00 UTC, in 6 days, 2 hours."""
    said = {"span": words(starts_at, ends_at, zone)}
    if starts_at <= now:
        return _("%(span)s, starts at once") % said
    if starts_at - now < MINUTE:
        return _("%(span)s, in less than a minute") % said
    # In UTC: Django counts by the clock, and this one never changes.
    said["time"] = _isolated(timeuntil(starts_at.astimezone(UTC), now.astimezone(UTC)))
    return _("%(span)s, in %(time)s") % said


def words(starts_at: datetime, ends_at: datetime, zone: tzinfo) -> str:
    """Such as: Sunday 29 November 2026, 02:00 to 04:00 Europe/Berlin (01:00 to 03:00 UTC)."""
    start, end = starts_at.astimezone(zone), ends_at.astimezone(zone)
    said = {"local": _between(start, end), "zone": str(zone)}
    if said["zone"] == "UTC":
        return _("%(local)s %(zone)s") % said
    utc_start, utc_end = starts_at.astimezone(UTC), ends_at.astimezone(UTC)
    same_days = (start.date(), end.date()) == (utc_start.date(), utc_end.date())
    said["utc"] = (_clocks if same_days else _between)(utc_start, utc_end)
    return _("%(local)s %(zone)s (%(utc)s UTC)") % said


def lasting(starts_at: datetime, ends_at: datetime, zone: tzinfo) -> str:
    """The exact length; and that the clock of the zone changes, where it does."""
    words = length(ends_at.astimezone(UTC) - starts_at.astimezone(UTC))
    if starts_at.astimezone(zone).utcoffset() == ends_at.astimezone(zone).utcoffset():
        return words
    return _("%(length)s; the clock changes meanwhile") % {"length": words}


def length(length: timedelta) -> str:
    """Such as: 1 day, 2 hours, 30 minutes. Parts of a second are left out."""
    hours, seconds = divmod(length.seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    parts = [
        (length.days, ngettext("%(num)d day", "%(num)d days", length.days)),
        (hours, ngettext("%(num)d hour", "%(num)d hours", hours)),
        (minutes, ngettext("%(num)d minute", "%(num)d minutes", minutes)),
        (seconds, ngettext("%(num)d second", "%(num)d seconds", seconds)),
    ]
    return _isolated(", ".join(text % {"num": number} for number, text in parts if number))


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
    return _isolated(date_format(moment, pgettext("date format", "l j F Y")))


def _isolated(text: str) -> str:
    """Keeps its order where it runs from right to left and the sentence around it does not."""
    return f"\u2068{text}\u2069" if get_language_bidi() else text


def _clock(moment: datetime) -> str:
    return moment.strftime("%H:%M:%S" if moment.second else "%H:%M")
