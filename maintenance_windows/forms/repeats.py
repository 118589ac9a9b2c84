"""How a window repeats: the choices of the form, whose rules follow from its start."""

from datetime import date, datetime, time
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from maintenance_windows.core.rrule import WEEKDAYS as CODES
from maintenance_windows.core.rrule import Rule
from maintenance_windows.wording.recurrences import format_rule

NO, DAILY, WEEKLY, NTH, LAST, CUSTOM = "", "daily", "weekly", "nth", "last", "custom"
WEEK, SHORTEST_MONTH = 7, 28
# Without scripts the labels do not follow the start.
CHOICES = [
    (NO, _("does not repeat")),
    (DAILY, pgettext_lazy("choice", "every day")),
    (WEEKLY, _("every week on the weekday of the start")),
    (NTH, _("every month on the same weekday, such as the second Sunday")),
    (LAST, _("every month on the same weekday, the last of the month")),
    (CUSTOM, _("custom…")),
]


def rule_from_choice(choice: str, start: date, until: date | None = None) -> str:
    """Return the rule of a choice for a window that starts on this date."""
    weekday, nth = CODES[start.weekday()], (start.day - 1) // WEEK + 1
    if nth * WEEK > SHORTEST_MONTH:
        nth = -1  # few months have a fifth one
    rule = {
        DAILY: "FREQ=DAILY",
        WEEKLY: f"FREQ=WEEKLY;BYDAY={weekday}",
        NTH: f"FREQ=MONTHLY;BYDAY={nth}{weekday}",
        LAST: f"FREQ=MONTHLY;BYDAY=-1{weekday}",
    }[choice]
    return rule + (f";UNTIL={until.isoformat().replace('-', '')}" if until else "")


def choices_from(start: date | None) -> list[tuple[str, Any]]:
    """Return the choices; with a start their labels name its weekday."""
    if start is None:
        return list(CHOICES)
    noon = datetime.combine(start, time(12))
    return [
        (choice, label)
        if choice in {NO, CUSTOM}
        else (choice, format_rule(Rule.parse(rule_from_choice(choice, start)), noon))
        for choice, label in CHOICES
    ]
