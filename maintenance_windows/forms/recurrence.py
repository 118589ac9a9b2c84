"""Recurrence rules and the plain fields that say the same: every 2 weeks on Sunday, until a day."""

from datetime import time
from typing import Any

from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from maintenance_windows.core.rrule import WEEKDAYS as CODES
from maintenance_windows.core.rrule import DayAfter, Frequency, Rule
from maintenance_windows.exceptions import RuleError

AS_RULE = "rule"
UNITS = [
    (Frequency.DAILY, _("days")),
    (Frequency.WEEKLY, _("weeks")),
    (Frequency.MONTHLY, _("months")),
    (AS_RULE, _("RFC 5545 rule")),
]
SAME_DAY, LAST_DAY, WEEKDAY = "same", "last", "weekday"
DAYS_OF_MONTH = [
    (SAME_DAY, _("the same day of the month")),
    (LAST_DAY, _("the last day")),
    (WEEKDAY, _("the nth weekday:")),
]
ORDINALS = [
    (1, _("first")),
    (2, _("second")),
    (3, _("third")),
    (4, _("fourth")),
    (5, _("fifth")),
    (-1, _("last")),
]
DAYS = [(code, WEEKDAYS[number]) for number, code in enumerate(CODES)]
DEFAULTS: dict[str, Any] = {
    "every": 1,
    "unit": Frequency.WEEKLY,
    "weekdays": [],
    "monthly": SAME_DAY,
    "nth": 1,
    "nth_weekday": "SU",
    "days_after": None,
    "until": None,
}


def rule_from_fields(fields: dict[str, Any]) -> str:
    """The rule of these fields, of which scripts leave out those that they hide."""
    unit, every, until = fields["unit"], fields["every"] or 1, fields["until"]
    if unit == AS_RULE:
        return str(fields["rule"])
    parts = [f"FREQ={unit}"]
    if every > 1:
        parts.append(f"INTERVAL={every}")
    if unit == Frequency.WEEKLY and fields["weekdays"]:
        parts.append(f"BYDAY={','.join(fields['weekdays'])}")
    if unit == Frequency.MONTHLY and fields["monthly"] == LAST_DAY:
        parts.append("BYMONTHDAY=-1")
    if unit == Frequency.MONTHLY and fields["monthly"] == WEEKDAY:
        if after := day_after(fields):
            parts += after.parts()
        else:
            parts.append(f"BYDAY={fields['nth'] or 1}{fields['nth_weekday'] or 'SU'}")
    if until:
        parts.append(f"UNTIL={until.isoformat().replace('-', '')}")
    return ";".join(parts)


def day_after(fields: dict[str, Any]) -> DayAfter | None:
    """The days after the nth weekday that the fields say, if any."""
    if not fields["days_after"] or fields["monthly"] != WEEKDAY:
        return None
    weekday = CODES.index(fields["nth_weekday"] or "SU")
    return DayAfter(fields["days_after"], fields["nth"] or 1, weekday)


def fields_from_rule(text: str) -> dict[str, Any]:
    """The fields of a rule. One that they cannot say in full is shown as a rule."""
    as_rule = DEFAULTS | {"unit": AS_RULE}
    try:
        rule = Rule.parse(text)
    except RuleError:
        return as_rule
    fields = DEFAULTS | {"unit": rule.frequency, "every": rule.interval}
    if rule.until and rule.until.time() == time.max:
        fields["until"] = rule.until.date()
    match rule.frequency:
        case Frequency.WEEKLY:
            fields["weekdays"] = [CODES[day] for _nth, day in rule.by_day]
        case Frequency.MONTHLY if after := DayAfter.of(rule):
            fields |= {"monthly": WEEKDAY, "nth": after.nth, "days_after": after.days or None}
            fields["nth_weekday"] = CODES[after.weekday]
        case Frequency.MONTHLY if rule.by_month_day == (-1,):
            fields["monthly"] = LAST_DAY
        case Frequency.MONTHLY if rule.by_day:
            nth, day = rule.by_day[0]
            fields |= {"monthly": WEEKDAY, "nth": nth, "nth_weekday": CODES[day]}
    in_full = fields["nth"] in dict(ORDINALS) and same_rule(text, rule_from_fields(fields))
    return fields if in_full else as_rule


def same_rule(one: str, other: str) -> bool:
    """Whether two rules have equal parts, in whatever order and with or without the defaults."""
    first, second = (
        {*rule.strip().upper().removeprefix("RRULE:").split(";"), "INTERVAL=1", "WKST=MO"}
        for rule in (one, other)
    )
    return first == second
