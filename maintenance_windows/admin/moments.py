"""Times as the pages about windows show them, in the current time zone: days and spans."""

from datetime import datetime, timedelta, tzinfo

from django.utils import timezone
from django.utils.translation import gettext as _

from maintenance_windows.snapshot import clock
from maintenance_windows.wording import spans

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
MORNING, EVENING = 6, 18  # hours between which a day is no night


def format_when(starts_at: datetime, ends_at: datetime) -> str:
    """Format a span: Sun 29 Nov 02:00-04:00 CET. The end names its day if that is another."""
    return spans.format_times(starts_at, ends_at, *_here())


def format_clocks(starts_at: datetime, ends_at: datetime) -> str:
    """Format a span without the day of its start: 02:00-04:00 CET."""
    return spans.format_clocks(starts_at, ends_at, *_here())


def format_at(moment: datetime) -> str:
    """Format a time: Sun 29 Nov 02:00 CET."""
    return spans.format_moment(moment, *_here())


def format_day(moment: datetime) -> str:
    """Format the day of a time: Sun 29 Nov. Another year than the present one is named."""
    return spans.format_day(moment, *_here())


def _here() -> tuple[tzinfo, datetime]:
    return timezone.get_current_timezone(), clock.now()


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
