"""Parsing and formatting of durations."""

import re
from datetime import timedelta

from django.utils.translation import get_language_bidi, ngettext
from django.utils.translation import gettext as _

DURATION = re.compile(
    r"(?:(?P<days>\d{1,5})d)?(?:(?P<hours>\d{1,6})h)?"
    r"(?:(?P<minutes>\d{1,7})m)?(?:(?P<seconds>\d{1,9})s)?"
)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def parse_duration(text: str) -> timedelta:
    """Parse a duration such as 90s, 30m, 2h, 1h30m or 1d. Raises ValueError with a sentence."""
    match = DURATION.fullmatch(text)
    parts = {unit: int(number) for unit, number in match.groupdict("0").items()} if match else {}
    if not any(parts.values()):
        sentence = _("Invalid duration %(text)s. Use for example 30m, 2h, 1h30m or 1d.")
        raise ValueError(sentence % {"text": repr(text)})
    return timedelta(**parts)


def format_duration(duration: timedelta) -> str:
    """Format a duration as parse_duration() reads it, such as 1d, 2h or 1h30m."""
    days, hours, minutes, seconds = _split(duration)
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{number:g}{unit}" for number, unit in parts if number)


def spell_duration(duration: timedelta) -> str:
    """Spell out a duration, such as "1 day, 2 hours, 30 minutes"; drops fractions of a second."""
    days, hours, minutes, fraction = _split(duration)
    seconds = int(fraction)
    parts = [
        (days, ngettext("%(num)d day", "%(num)d days", days)),
        (hours, ngettext("%(num)d hour", "%(num)d hours", hours)),
        (minutes, ngettext("%(num)d minute", "%(num)d minutes", minutes)),
        (seconds, ngettext("%(num)d second", "%(num)d seconds", seconds)),
    ]
    return isolate(", ".join(text % {"num": number} for number, text in parts if number))


def _split(duration: timedelta) -> tuple[int, int, int, float]:
    """Split a duration into whole days, hours and minutes, and seconds."""
    days, rest = divmod(duration, DAY)
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    return days, hours, minutes, rest.total_seconds()


def isolate(text: str) -> str:
    """Isolate the direction of a text from a right-to-left sentence around it."""
    return f"\u2068{text}\u2069" if get_language_bidi() else text
