"""Times near now and short durations in words, in the active language."""

from datetime import datetime, timedelta, tzinfo

from django.utils.translation import gettext as _

from maintenance_windows.wording.durations import DAY, HOUR, MINUTE, isolate
from maintenance_windows.wording.spans import format_day


def nearby(moment: datetime, now: datetime, zone: tzinfo) -> str:
    """Format a time as people say it: 20:23 today, 02:00 tomorrow, Sun 29 Nov 02:00."""
    here, today = moment.astimezone(zone), now.astimezone(zone).date()
    clock, days = f"{here:%H:%M}", (here.date() - today).days
    if days == 0:
        return isolate(_("%(clock)s today") % {"clock": clock})
    if days == 1:
        return isolate(_("%(clock)s tomorrow") % {"clock": clock})
    return isolate(f"{format_day(moment, zone, now)} {clock}")


def short_duration(duration: timedelta) -> str:
    """Format a duration by its two largest units: 3 h 36 min, 2 d 11 h, 4 min."""
    if duration < MINUTE:
        return _("less than 1 min")
    days, rest = divmod(duration, DAY)
    hours, rest = divmod(rest, HOUR)
    parts = [
        (days, _("%(number)s d")),
        (hours, _("%(number)s h")),
        (rest // MINUTE, _("%(number)s min")),
    ]
    told = [text % {"number": number} for number, text in parts if number]
    return isolate(" ".join(told[:2]))
