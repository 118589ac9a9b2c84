"""What people do to series: one verb each, for the admin, the command and tasks.

As in lifecycle.py a verb takes the lock, reads the clock, and refuses with one sentence or
changes the rows.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from django.contrib.sites.models import Site
from django.db import OperationalError
from django.utils import timezone
from django.utils.translation import gettext as _

from maintenance_windows.core.intervals import SECOND
from maintenance_windows.exceptions import Refused, RuleError
from maintenance_windows.models import ACTOR_LENGTH, WindowSeries
from maintenance_windows.planning import audit, rules
from maintenance_windows.planning.series.apply import SeriesChange, apply
from maintenance_windows.planning.series.plan import Plan, SeriesPlanner
from maintenance_windows.reconcile.lock import Clock, locked

T = TypeVar("T")

READ = 100  # series, looked at together
WRITTEN = 1000  # windows, under one lock: a tick that waits for it is hardly late

logger = logging.getLogger("maintenance_windows")


def repeat(
    sites: Iterable[Site],
    template: WindowSeries,
    *,
    actor: str = "",
    clock: Clock = timezone.now,
) -> list[SeriesChange]:
    """Begin one series for each site, like a template that nobody saved; all or none.

    An occurrence that is on already opens at once. The windows are made for some sites after the
    others, or hundreds would keep the tick waiting; should that be interrupted, materialise()
    goes on with it.
    """
    with locked(clock) as now:
        check(template, now)
        begun = WindowSeries.objects.bulk_create(_copies(template, sites, actor))
    outcomes = []
    for ids in _batches([series.pk for series in begun]):
        for portion in _portions(_planner(ids, clock()).plans()):
            with locked(clock) as now:
                outcomes += apply(_planner(portion, now).plans(), now, actor)
    return outcomes


def revise(
    series_id: int, *, actor: str = "", clock: Clock = timezone.now, **changes: Any
) -> SeriesChange:
    """Change a series from now on: its past, what runs and what people changed stays as it is.

    `changes` are fields of WindowSeries but for its site.
    """
    with locked(clock) as now:
        series, stored = _going_on(series_id), _going_on(series_id)
        for name, value in changes.items():
            setattr(series, name, value)
        check(series, now)
        series.save(update_fields=changes)
        audit.series_changed(series, stored.facts(), actor, now)
        plan = SeriesPlanner([series], now).plan(series, stored)
        (outcome,) = apply([plan], now, actor)
    return outcome


def end(series_id: int, *, actor: str = "", clock: Clock = timezone.now) -> SeriesChange:
    """Have no more windows made, and cancel the coming ones that nobody changed."""
    with locked(clock) as now:
        series = _going_on(series_id)
        before = series.facts()
        series.ended_at = now
        series.save(update_fields=["ended_at"])
        audit.series_changed(series, before, actor, now)
        (outcome,) = apply(SeriesPlanner([series], now).plans(), now, actor)
    return outcome


def materialise(clock: Clock = timezone.now) -> list[SeriesChange]:
    """Make the windows of all series up to the horizon; returns where something was to do.

    It finds what new zone data has moved, too. A series that fails, such as one that somebody
    wrote with SQL, is logged and keeps no other from its windows.
    """

    def look(ids: list[int]) -> list[Plan]:
        return [plan for plan in _planner(ids, clock()).plans() if plan]

    def write(ids: list[int]) -> list[SeriesChange]:
        with locked(clock) as now:
            plans = [plan for plan in _planner(ids, now).plans() if plan]
            return apply(plans, now)

    outcomes = []
    going_on = WindowSeries.objects.going_on().order_by("pk")
    for ids in _batches(going_on.values_list("pk", flat=True)):
        # Most of the time nothing is to do, and nobody need wait for the lock.
        for portion in _portions(_what_can_be(look, ids)):
            outcomes += _what_can_be(write, portion)
    return outcomes


def check(series: WindowSeries, now: datetime) -> None:
    """Raises Refused where no series can be made of this; writes its rule in one form."""
    rules.check_title(series.title)
    if series.start_time.microsecond or series.length % SECOND:
        raise Refused(_("Start and length are whole seconds."))
    try:
        recurrence = series.recurrence()
        series.rule = recurrence.rule.text
        if next(recurrence.occurrences(now), None) is None:
            raise Refused(_("This rule makes no window from now on."))
    except RuleError as error:
        raise Refused(str(error)) from None


def _copies(template: WindowSeries, sites: Iterable[Site], actor: str) -> Iterator[WindowSeries]:
    for site in sites:
        series = copy(template)
        series.site, series.created_by = site, actor[:ACTOR_LENGTH]
        yield series


def _planner(ids: list[int], now: datetime) -> SeriesPlanner:
    rows = WindowSeries.objects.filter(pk__in=ids).select_related("site").order_by("pk")
    return SeriesPlanner(list(rows), now)


def _batches(ids: Iterable[int]) -> Iterator[list[int]]:
    remaining = iter(ids)
    while batch := list(islice(remaining, READ)):
        yield batch


def _portions(plans: Iterable[Plan]) -> Iterator[list[int]]:
    """The ids of series whose windows are written under one lock."""
    portion: list[int] = []
    size = 0
    for plan in plans:
        if portion and size + len(plan) > WRITTEN:
            yield portion
            portion, size = [], 0
        portion.append(plan.series.pk)
        size += len(plan)
    if portion:
        yield portion


def _what_can_be(work: Callable[[list[int]], list[T]], ids: list[int]) -> list[T]:
    """Do it for these series together, or at least for each that its rows allow."""
    try:
        return work(ids)
    except OperationalError:
        raise  # that is no series' fault
    except Exception as error:
        if len(ids) == 1:
            if isinstance(error, RuleError):
                logger.error("series %s makes no windows: %s", *ids, error)  # noqa: TRY400
            else:
                logger.exception("series %s makes no windows", *ids)
            return []
    half = len(ids) // 2
    return _what_can_be(work, ids[:half]) + _what_can_be(work, ids[half:])


def _going_on(series_id: int) -> WindowSeries:
    series = WindowSeries.objects.select_related("site").filter(pk=series_id).first()
    if series is None:
        raise Refused(_("There is no series %(id)s.") % {"id": series_id})
    if series.ended_at is not None:
        raise Refused(_("Series %(id)s has ended: begin a new one.") % {"id": series_id})
    return series
