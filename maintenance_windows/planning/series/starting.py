"""What starts at once when a series is begun or changed: the rule of planning.admission for it.

A pattern may have begun in the past. Only an occurrence that would be in progress matters.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import takewhile

from django.contrib.sites.models import Site

from maintenance_windows.core.recurrence import Occurrence
from maintenance_windows.models import WindowSeries
from maintenance_windows.planning import frozen
from maintenance_windows.planning.admission import LATE, Terms, admit_start
from maintenance_windows.planning.series.dates import since_when
from maintenance_windows.planning.series.plan import Content, Plan, SeriesPlanner


def check_new(template: WindowSeries, sites: Iterable[Site], now: datetime, terms: Terms) -> None:
    """Raise RefusedStart if a new series of one of the sites must not start at once."""
    coming = template.recurrence().occurrences(now)
    if begun := list(takewhile(lambda one: one.starts_at <= now, coming)):
        freezes = frozen.read(since_when(now))
        for site in sites:
            for one in begun:
                if not freezes.first([site.pk], one.starts_at, one.ends_at):
                    admit_start(one.starts_at, now, terms, recurring=True)


def check_change(series: WindowSeries, stored: WindowSeries, now: datetime, terms: Terms) -> None:
    """Raise RefusedStart if the change of a series must not start a window at once."""
    check(SeriesPlanner([series], now).plan(series, stored), now, terms)


def check(plan: Plan, now: datetime, terms: Terms) -> None:
    """Raise RefusedStart if the plan must not start a window at once."""
    made = [one.starts_at for one in plan.make]
    changed = [_start(content) for content in (plan.change | plan.restore).values()]
    for starts_at in sorted(made + changed):
        admit_start(starts_at, now, terms, recurring=True)


def started(plan: Plan, now: datetime) -> Plan:
    """Return the plan with a start now for what should have started more than a minute ago."""
    return replace(
        plan,
        make=[late(one, now) for one in plan.make],
        change={pk: _changed(content, now) for pk, content in plan.change.items()},
        restore={pk: _changed(content, now) for pk, content in plan.restore.items()},
    )


def late(one: Occurrence, now: datetime) -> Occurrence:
    """Return the times of the window that an occurrence gets at once if it has begun."""
    return one._replace(starts_at=now) if now - one.starts_at > LATE else one


def _changed(content: Content, now: datetime) -> Content:
    if now - _start(content) <= LATE:
        return content
    return (*content[:-2], now, content[-1])


def _start(content: Content) -> datetime:
    starts_at = content[-2]
    assert isinstance(starts_at, datetime)  # noqa: S101 (for mypy)
    return starts_at
