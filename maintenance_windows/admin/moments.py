"""Times as the pages about windows show them: days, spans and short durations."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from maintenance_windows.wording.durations import isolate

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
MORNING, EVENING = 6, 18  # hours between which a day is no night


def format_when(starts_at: datetime, ends_at: datetime) -> str:
    """Format a span: Sun 29 Nov 02:00-04:00 CET. The end names its day if that is another."""
    return f"{format_day(starts_at)} {format_clocks(starts_at, ends_at)}"


def format_clocks(starts_at: datetime, ends_at: datetime) -> str:
    """Format a span without the day of its start: 02:00-04:00 CET."""
    start, end = timezone.localtime(starts_at), timezone.localtime(ends_at)
    day = "" if start.date() == end.date() else f"{format_day(ends_at)} "
    dash = f" – {day}" if day else "–"  # noqa: RUF001 (a dash between times)
    return isolate(f"{_clock(start)}{dash}{_clock(end)} {end:%Z}")


def format_at(moment: datetime) -> str:
    """Format a time: Sun 29 Nov 02:00 CET."""
    here = timezone.localtime(moment)
    return isolate(f"{format_day(moment)} {_clock(here)} {here:%Z}")


def format_day(moment: datetime) -> str:
    """Format the day of a time: Sun 29 Nov. Another year than the present one is named."""
    here = timezone.localtime(moment)
    # Translators: a format of Django's date filter, as in "Sun 29 Nov".
    text = pgettext("date format", "D j M")
    return date_format(here, text if here.year == timezone.localtime().year else f"{text} Y")


def is_today(moment: datetime) -> bool:
    return timezone.localdate(moment) == timezone.localdate()


def format_day_head(moment: datetime, now: datetime) -> str:
    """Format a day as the head of a list: "Tonight, Sun 29 Nov" until six in the morning."""
    here, today = timezone.localtime(moment), timezone.localtime(now)
    day = format_day(moment)
    days = (here.date() - today.date()).days
    at_night = (days, here.hour >= EVENING) == (0, True) or (
        here.hour < MORNING and days == (today.hour >= MORNING)
    )
    if at_night:
        return _("Tonight, %(day)s") % {"day": day}
    names = {0: _("Today, %(day)s"), 1: _("Tomorrow, %(day)s"), -1: _("Yesterday, %(day)s")}
    return names.get(days, "%(day)s") % {"day": day}


def format_short(length: timedelta) -> str:
    """Format a duration by its two largest units: 2 d 11 h, 34 min, less than a minute as 0 min."""
    days, rest = divmod(max(length, timedelta(0)), DAY)
    hours, rest = divmod(rest, HOUR)
    minutes = rest // MINUTE
    parts = [
        (days, _("%(number)s d")), (hours, _("%(number)s h")), (minutes, _("%(number)s min")),
    ]  # fmt: skip
    largest = [index for index, (number, _text) in enumerate(parts) if number]
    first = largest[0] if largest else len(parts) - 1
    said = [text % {"number": number} for number, text in parts[first : first + 2] if number]
    return isolate(" ".join(said) or parts[-1][1] % {"number": 0})


def _clock(here: datetime) -> str:
    return f"{here:%H:%M:%S}" if here.second else f"{here:%H:%M}"
