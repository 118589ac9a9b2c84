"""`{% maintenance_dates cl %}`: years, months and days to choose from above a list.

Django's own tag offers the dates that have rows, and reads all rows to find them. This one offers
all dates between the first row and the last, which an index tells.
"""

import calendar
from collections.abc import Iterator
from datetime import date
from itertools import takewhile
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
    first, last = first_date(cl, ""), first_date(cl, "-")
    if first is None or last is None:
        return {}
    in_address = [cl.params.get(f"{cl.date_hierarchy}__{part}") for part in PARTS]
    chosen = [int(part) for part in takewhile(bool, in_address)]
    if not chosen and first.year == last.year:
        chosen = [first.year]
    if len(chosen) == len(PARTS):
        choices = [{"title": title(chosen)}]
    else:
        choices = [choice(cl, parts) for parts in within(chosen, first, last)]
    back = choice(cl, chosen[:-1]) if chosen else None
    return {"show": True, "back": back, "choices": choices}


def first_date(cl: Any, sign: str) -> date | None:
    """The local date of the first row, or with "-" of the last, whatever is filtered."""
    rows = cl.root_queryset.order_by(f"{sign}{cl.date_hierarchy}")
    moment = rows.values_list(cl.date_hierarchy, flat=True).first()
    return timezone.localdate(moment) if moment else None


def within(chosen: list[int], first: date, last: date) -> Iterator[list[int]]:
    """All years, all months of the chosen year, or all days of the chosen month."""
    numbers = range(first.year, last.year + 1)
    if len(chosen) == 1:
        numbers = range(1, 13)
    elif chosen:
        numbers = range(1, calendar.monthrange(*chosen)[1] + 1)
    edges = [[day.year, day.month, day.day][: len(chosen) + 1] for day in (first, last)]
    for number in numbers:
        if edges[0] <= [*chosen, number] <= edges[1]:
            yield [*chosen, number]


def choice(cl: Any, parts: list[int]) -> dict[str, str]:
    names = (f"{cl.date_hierarchy}__{part}" for part in PARTS)
    link = cl.get_query_string(dict(zip(names, parts)), [f"{cl.date_hierarchy}__"])  # noqa: B905
    return {"link": link, "title": title(parts) if parts else _("All dates")}


def title(parts: list[int]) -> str:
    day = date(*[*parts, 1, 1][:3])
    return capfirst(date_format(day, FORMATS[len(parts) - 1]))
