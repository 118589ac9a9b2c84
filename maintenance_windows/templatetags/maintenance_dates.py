"""`{% maintenance_dates cl %}`: years, months and days to choose from above a list.

Django's own offers those that have rows, and reads all rows for it. These are all that lie between
the first row and the last, which an index tells.
"""

import calendar
from collections.abc import Iterator
from datetime import date
from typing import Any

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

register = template.Library()

PARTS = ("year", "month", "day")
FORMATS = ("Y", "YEAR_MONTH_FORMAT", "MONTH_DAY_FORMAT")


@register.inclusion_tag("admin/date_hierarchy.html")
def maintenance_dates(cl: Any) -> dict[str, Any]:
    first, last = (edge(cl, sign) for sign in ("", "-"))
    if first is None or last is None:
        return {}
    chosen = list(asked(cl))
    if not chosen and first.year == last.year:
        chosen = [first.year]
    if len(chosen) == len(PARTS):
        return {
            "show": True,
            "back": choice(cl, chosen[:-1]),
            "choices": [{"title": title(chosen)}],
        }
    return {
        "show": True,
        "back": choice(cl, chosen[:-1]) if chosen else None,
        "choices": [choice(cl, parts) for parts in within(chosen, first, last)],
    }


def edge(cl: Any, sign: str) -> date | None:
    """The local date of the first row in that order, whatever is filtered."""
    rows = cl.root_queryset.order_by(f"{sign}{cl.date_hierarchy}")
    moment = rows.values_list(cl.date_hierarchy, flat=True).first()
    return timezone.localdate(moment) if moment else None


def asked(cl: Any) -> Iterator[int]:
    """The year, the month of it and its day, as far as the address says them."""
    for part in PARTS:
        if (value := cl.params.get(f"{cl.date_hierarchy}__{part}")) is None:
            return
        yield int(value)


def within(chosen: list[int], first: date, last: date) -> Iterator[list[int]]:
    """The years, the months of the chosen year, or the days of the chosen month."""
    match chosen:
        case []:
            numbers = range(first.year, last.year + 1)
        case [_]:
            numbers = range(1, 13)
        case _:
            numbers = range(1, calendar.monthrange(*chosen)[1] + 1)
    length = len(chosen) + 1
    ends = [[day.year, day.month, day.day][:length] for day in (first, last)]
    for number in numbers:
        if ends[0] <= [*chosen, number] <= ends[1]:
            yield [*chosen, number]


def choice(cl: Any, parts: list[int]) -> dict[str, str]:
    names = (f"{cl.date_hierarchy}__{part}" for part in PARTS)
    link = cl.get_query_string(dict(zip(names, parts)), [f"{cl.date_hierarchy}__"])  # noqa: B905
    return {"link": link, "title": title(parts) if parts else _("All dates")}


def title(parts: list[int]) -> str:
    day = date(*[*parts, 1, 1][:3])
    return capfirst(date_format(day, FORMATS[len(parts) - 1]))
