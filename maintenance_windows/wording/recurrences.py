"""Recurrences in words, in the active language."""

from collections.abc import Iterable
from datetime import datetime, time

from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from maintenance_windows.core.recurrence import Recurrence
from maintenance_windows.core.rrule import DayAfter, Frequency, Rule
from maintenance_windows.wording.durations import format_duration

LAST_SAFE_DAY = 28  # the last day that every month has


def format_recurrence(repeats: Recurrence) -> str:
    """Format a recurrence: every 2 weeks on Sunday, from 02:00 for 2h, time zone Europe/Berlin."""
    texts: dict[str, object] = {
        "rule": format_rule(repeats.rule, repeats.start),
        "start": f"{repeats.start:%H:%M}",
        "length": format_duration(repeats.length),
        "zone": repeats.zone,
    }
    if not repeats.by_clock:
        return _("%(rule)s, from %(start)s for %(length)s, time zone %(zone)s") % texts
    end = repeats.start + repeats.length
    days = (end.date() - repeats.start.date()).days
    texts |= {"end": f"{end:%H:%M}", "days": days}
    if not days:
        return _("%(rule)s, from %(start)s to %(end)s, time zone %(zone)s") % texts
    text = ngettext(
        "%(rule)s, from %(start)s to %(end)s %(days)s day later, time zone %(zone)s",
        "%(rule)s, from %(start)s to %(end)s %(days)s days later, time zone %(zone)s",
        days,
    )
    return text % texts


def format_rule(rule: Rule, start: datetime) -> str:
    """Format a rule: every month on the second Tuesday, until 31 December 2027."""
    return "".join([_every(rule), *_where(rule, start), _ending(rule)])


def _every(rule: Rule) -> str:
    number = rule.interval
    forms = {
        Frequency.DAILY: ngettext("every day", "every %(number)s days", number),
        Frequency.WEEKLY: ngettext("every week", "every %(number)s weeks", number),
        Frequency.MONTHLY: ngettext("every month", "every %(number)s months", number),
        Frequency.YEARLY: ngettext("every year", "every %(number)s years", number),
    }
    return forms[rule.frequency] % {"number": number} + _week_start(rule)


def _week_start(rule: Rule) -> str:
    """Say when weeks start where the dates depend on it."""
    counts_weeks = rule.frequency is Frequency.WEEKLY and rule.interval > 1
    if rule.week_start == 0 or not (counts_weeks or rule.by_week_no):
        return ""
    return _(" (weeks start on %s)") % WEEKDAYS[rule.week_start]


def _where(rule: Rule, start: datetime) -> Iterable[str]:
    rule = rule.completed(start)
    if after := DayAfter.of(rule):
        if rule.by_month:
            yield _(" in %s") % _list(str(MONTHS[month]) for month in rule.by_month)
        yield _after(after)
        return
    if rule.by_month:
        yield _(" in %s") % _list(str(MONTHS[month]) for month in rule.by_month)
    if rule.by_week_no:
        yield _(" in %s of the year") % _list(map(_week, rule.by_week_no))
    if rule.by_year_day:
        yield _(" on %s of the year") % _list(_nth(_("day"), day) for day in rule.by_year_day)
    if rule.by_month_day:
        yield from _on_month_days(rule)
    if rule.by_day:
        yield _on_weekdays(rule)
    if rule.by_set_pos:
        yield _(", of these the %s") % _list(map(_ordinal, rule.by_set_pos))


def _after(after: DayAfter) -> str:
    text = ngettext(
        " %(days)s day after %(weekday)s", " %(days)s days after %(weekday)s", after.days
    )
    return text % {"days": after.days, "weekday": _weekday(after.nth, after.weekday)}


def _on_month_days(rule: Rule) -> Iterable[str]:
    yield _(" on %s") % _list(_nth(_("day"), day) for day in rule.by_month_day)
    if rule.frequency is Frequency.YEARLY and not rule.by_month:
        yield _(" of each month")
    if not rule.by_month and any(abs(day) > LAST_SAFE_DAY for day in rule.by_month_day):
        yield _(" (months without it are skipped)")


def _on_weekdays(rule: Rule) -> str:
    names = [_weekday(nth, day) for nth, day in rule.by_day]
    if rule.by_month_day or rule.by_year_day:
        return _(" if that is %s") % _joined(_("%(most)s or %(last)s"), names)
    # A period of these rules has each weekday only once.
    is_one_week = rule.frequency in {Frequency.DAILY, Frequency.WEEKLY} or rule.by_week_no
    if any(nth for nth, _day in rule.by_day) or rule.by_set_pos or is_one_week:
        return _(" on %s") % _list(names)
    return _(" on each %s") % _list(names)


def _ending(rule: Rule) -> str:
    if rule.count:
        return ngettext(", once", ", %(number)s times", rule.count) % {"number": rule.count}
    if rule.until is None:
        return ""
    if rule.until.time() == time.max:
        # Translators: a format of Django's date filter, as in "29 November 2026".
        return _(", until %s") % date_format(rule.until, pgettext("date format", "j F Y"))
    return _(", until %s") % f"{rule.until:%Y-%m-%d %H:%M %Z}".strip()


def _list(names: Iterable[str]) -> str:
    return _joined(_("%(most)s and %(last)s"), names)


def _joined(text: str, names: Iterable[str]) -> str:
    *most, last = dict.fromkeys(names)
    return text % {"most": ", ".join(most), "last": last} if most else last


def _nth(name: str, number: int) -> str:
    """Name the nth day or weekday: day 31, the last day."""
    if number > 0:
        return f"{name} {number}"
    return _("the %(nth)s %(name)s") % {"nth": _ordinal(number), "name": name}


def _week(number: int) -> str:
    """Name a week. These are whole texts, because "week" and "day" can differ in gender."""
    if number > 0:
        return _("week %(number)s") % {"number": number}
    names = {-1: _("the last week"), -2: _("the second last week")}
    names |= {-3: _("the third last week"), -4: _("the fourth last week")}
    return names.get(number) or _("the %(number)s. last week") % {"number": -number}


def _weekday(nth: int, day: int) -> str:
    name = str(WEEKDAYS[day])
    return _("the %(nth)s %(name)s") % {"nth": _ordinal(nth), "name": name} if nth else name


def _ordinal(number: int) -> str:
    names = {1: _("first"), 2: _("second"), 3: _("third"), 4: _("fourth"), 5: _("fifth")}
    names |= {-1: _("last"), -2: _("second last"), -3: _("third last"), -4: _("fourth last")}
    if number in names:
        return names[number]
    return _("%(number)s. last") % {"number": -number} if number < 0 else f"{number}."
