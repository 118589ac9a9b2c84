"""Creating the windows of recurring windows up to the horizon, in portions that hold up no tick."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import TypeVar

from django.db import OperationalError

from maintenance_windows.core.freezes import FreezeCalendar
from maintenance_windows.exceptions import RuleError
from maintenance_windows.logonce import get_logger
from maintenance_windows.models import WindowSeries
from maintenance_windows.models.querysets import among
from maintenance_windows.planning import frozen
from maintenance_windows.planning.series import events
from maintenance_windows.planning.series.apply import SeriesChange, apply
from maintenance_windows.planning.series.dates import since_when
from maintenance_windows.planning.series.plan import Plan, SeriesPlanner
from maintenance_windows.reconcile.lock import Clock, locked
from maintenance_windows.snapshot import clock as database_clock

T = TypeVar("T")

READ = 100  # series planned together
WRITTEN = 1000  # windows written under one lock, few enough not to delay a tick noticeably

logger = get_logger()


def materialise(
    clock: Clock | None = None, *, sites: Collection[int] | None = None
) -> list[SeriesChange]:
    """Create the windows of all series up to the horizon; return the changed series.

    `sites` are the ids of the sites whose series are meant, by default all.
    It also follows new time zone data. A series that fails, such as one written with SQL, is
    logged and does not affect others.
    """

    tell = clock or database_clock.ask
    freezes = frozen.read(since_when(tell()))

    def read(ids: list[int]) -> list[Plan]:
        return [plan for plan in planner(ids, tell(), freezes).plans() if plan]

    def write(ids: list[int]) -> list[SeriesChange]:
        with locked(clock) as now:
            plans = [plan for plan in planner(ids, now).plans() if plan]
            events.raise_sequence([plan.series for plan in plans if plan.change], now)
            return apply(plans, now)

    changes = []
    going_on = WindowSeries.objects.going_on().order_by("pk")
    if sites is not None:
        going_on = going_on.filter(site__in=among(sites)) if sites else going_on.none()
    for ids in batches(going_on.values_list("pk", flat=True)):
        # Plan without the lock first, because usually there is nothing to do.
        for portion in portions(_isolate_failures(read, ids)):
            changes += _isolate_failures(write, portion)
    return changes


def planner(ids: list[int], now: datetime, freezes: FreezeCalendar | None = None) -> SeriesPlanner:
    """Return the planner of these series, with the sites, in the order of their ids."""
    rows = WindowSeries.objects.filter(pk__in=ids).select_related("site").order_by("pk")
    return SeriesPlanner(list(rows), now, freezes)


def batches(ids: Iterable[int]) -> Iterator[list[int]]:
    """Yield the ids of series that are planned together."""
    remaining = iter(ids)
    while batch := list(islice(remaining, READ)):
        yield batch


def portions(plans: Iterable[Plan]) -> Iterator[list[int]]:
    """Yield the ids of series whose windows are written under one lock."""
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


def _isolate_failures(function: Callable[[list[int]], list[T]], ids: list[int]) -> list[T]:
    """Call the function for all series; on an error bisect them to leave out the broken ones."""
    try:
        return function(ids)
    except OperationalError:
        raise  # the database failed, not a series
    except Exception as error:
        if len(ids) == 1:
            if isinstance(error, RuleError):
                logger.error("Recurring window %s: failed to create windows: %s", *ids, error)  # noqa: TRY400
            else:
                logger.exception("Recurring window %s: failed to create windows", *ids)
            return []
    half = len(ids) // 2
    return _isolate_failures(function, ids[:half]) + _isolate_failures(function, ids[half:])
