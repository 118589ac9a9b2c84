"""What people do to series: one verb each, for the admin, the command and tasks.

As in lifecycle.py a verb takes the lock, reads the clock, and refuses with one sentence or
changes the rows.
"""

import logging
from collections.abc import Iterable
from copy import copy
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sites.models import Site
from django.utils import timezone

from maintenance_windows import occurrences, reconcile, rules
from maintenance_windows.models import ACTOR_LENGTH, WindowSeries
from maintenance_windows.occurrences import Outcome
from maintenance_windows.reconcile import Clock
from maintenance_windows.rrule import Rule, RuleError
from maintenance_windows.rules import Refused

logger = logging.getLogger("maintenance_windows")


def repeat(
    sites: Iterable[Site],
    template: WindowSeries,
    *,
    actor: str = "",
    clock: Clock = timezone.now,
) -> list[Outcome]:
    """Begin one series for each site, like a template that nobody saved; all or none.

    An occurrence that is on already opens at once.
    """
    begun = []
    with reconcile.locked(clock) as now:
        check(template, now)
        for site in sites:
            series = copy(template)
            series.site, series.created_by = site, actor[:ACTOR_LENGTH]
            series.save(force_insert=True)
            begun.append(series)
        return [occurrences.follow(series, now, actor) for series in begun]


def revise(
    series_id: int, *, actor: str = "", clock: Clock = timezone.now, **changes: Any
) -> Outcome:
    """Change a series from now on: its past, what runs and what people changed stays as it is.

    `changes` are fields of WindowSeries but for its site.
    """
    with reconcile.locked(clock) as now:
        series = _going_on(series_id)
        for name, value in changes.items():
            setattr(series, name, value)
        check(series, now)
        series.save(update_fields=changes)
        return occurrences.follow(series, now, actor)


def end(series_id: int, *, actor: str = "", clock: Clock = timezone.now) -> Outcome:
    """Have no more windows made, and cancel the coming ones that nobody changed."""
    with reconcile.locked(clock) as now:
        series = _going_on(series_id)
        series.ended_at = now
        series.save(update_fields=["ended_at"])
        return occurrences.follow(series, now, actor)


def materialise(clock: Clock = timezone.now) -> list[Outcome]:
    """Make the windows of all series up to the horizon; returns where something was to do.

    It finds what new zone data has moved, too. Of a series that cannot be worked out, because
    somebody wrote it with SQL, only the log hears.
    """
    outcomes = []
    for series in WindowSeries.objects.going_on().select_related("site").order_by("pk"):
        try:
            # Most of the time nothing is to do, and nobody need wait for the lock.
            if not occurrences.plan(series, clock()):
                continue
            with reconcile.locked(clock) as now:
                current = WindowSeries.objects.going_on().filter(pk=series.pk)
                outcomes += [
                    occurrences.follow(found, now, f"series {found.pk}")
                    for found in current.select_related("site")
                ]
        except RuleError as error:
            logger.error("series %s makes no windows: %s", series.pk, error)  # noqa: TRY400
    return outcomes


def check(series: WindowSeries, now: datetime) -> None:
    """Raises Refused where no series can be made of this; writes its rule in one form."""
    rules.check_title(series.title)
    if series.length <= timedelta(0):
        raise Refused("The end must be after the start.")
    try:
        series.rule = Rule.parse(series.rule).text
        if next(series.recurrence().occurrences(now), None) is None:
            raise Refused("This rule makes no window in the next fifty years.")
    except RuleError as error:
        raise Refused(str(error)) from None


def _going_on(series_id: int) -> WindowSeries:
    series = WindowSeries.objects.select_related("site").filter(pk=series_id).first()
    if series is None:
        raise Refused(f"There is no series {series_id}.")
    if series.ended_at is not None:
        raise Refused(f"Series {series_id} has ended: begin a new one.")
    return series
