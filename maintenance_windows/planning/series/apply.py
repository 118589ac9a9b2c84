"""The writing of plans: windows of series are created, changed and cancelled.

A series owns its coming windows, but for what somebody changed of them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain
from typing import Any

from django.db.models import F

from maintenance_windows.models import ACTOR_LENGTH, MaintenanceWindow, WindowSeries
from maintenance_windows.models.querysets import LIVE
from maintenance_windows.planning import audit
from maintenance_windows.planning.frozen import mark
from maintenance_windows.planning.series import events
from maintenance_windows.planning.series.plan import Plan, Skipped
from maintenance_windows.reconcile.settle import settle

CONTENT = (*WindowSeries.TEXTS, "starts_at", "ends_at")
STEPPED = {"starts_at", "ends_at"}  # a step is the same for many windows
BATCH = 100  # rows in an UPDATE with a value for each


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesChange:
    """The changes to the windows of a series.

    `restored` had been cancelled by the series, `kept` are coming ones that people changed,
    `skipped` occurrences up to the horizon that meet a freeze.
    """

    series: WindowSeries
    made: list[MaintenanceWindow]
    changed: list[MaintenanceWindow]
    restored: list[MaintenanceWindow]
    cancelled: list[MaintenanceWindow]
    kept: list[MaintenanceWindow]
    skipped: list[Skipped] = field(default_factory=list)


def apply(plans: Sequence[Plan], now: datetime, actor: str | None = None) -> list[SeriesChange]:
    """Create, change and cancel windows according to the plans; return a result for each.

    Call it inside `locked()`, with plans made there. `actor=None` means each series itself.
    """
    sites = {plan.series.site_id for plan in plans}
    settle(sites, now)
    _rename({pk: day for plan in plans for pk, day in plan.renamed.items()})
    written = [pk for plan in plans for pk in plan.written]
    windows = MaintenanceWindow.objects.select_related("site").in_bulk(written)
    before = {pk: windows[pk].facts() for pk in written}
    for plan in plans:
        _change(plan, windows)
    _save([(windows[pk], before[pk]) for plan in plans for pk in (*plan.change, *plan.restore)])
    _cancel([windows[pk] for plan in plans for pk in plan.cancel], now)
    made = _new(plans, now, actor)
    new = MaintenanceWindow.objects.bulk_create(chain.from_iterable(made.values()))
    settle(sites, now, actor=actor or "")
    _see_started(new, now)
    for plan in plans:
        audit.made(made[plan.series.pk], actor)
    marks = {pk: mark(time) for plan in plans for pk, time in plan.frozen.items()}
    audit.changed([(windows[pk], before[pk]) for pk in written], actor, now, marks)
    kept = _kept(sites, written)
    return [
        SeriesChange(
            series=plan.series,
            made=made[plan.series.pk],
            changed=[windows[pk] for pk in plan.change],
            restored=[windows[pk] for pk in plan.restore],
            cancelled=[windows[pk] for pk in plan.cancel],
            kept=kept[plan.series.pk],
            skipped=plan.skipped,
        )
        for plan in plans
    ]


def _kept(
    sites: Iterable[int], written: Iterable[int]
) -> defaultdict[int | None, list[MaintenanceWindow]]:
    """Return edited coming windows that stay as they are, by series, through the live index."""
    live = MaintenanceWindow.objects.filter(LIVE, site__in=sites).exclude(edited="")
    kept: defaultdict[int | None, list[MaintenanceWindow]] = defaultdict(list)
    followed = set(written)
    for window in live.filter(occurs_on__isnull=False).order_by("pk"):
        if window.started_at is None and window.pk not in followed:
            kept[window.series_id].append(window)
    return kept


def _rename(dates: dict[int, date | None]) -> None:
    windows = [MaintenanceWindow(pk=pk, occurs_on=day) for pk, day in dates.items()]
    # Clear the dates first, because swapped dates would violate the unique constraint.
    MaintenanceWindow.objects.filter(pk__in=dates).update(occurs_on=None)
    MaintenanceWindow.objects.bulk_update(windows, ["occurs_on"], batch_size=BATCH)


def _change(plan: Plan, windows: Mapping[int, MaintenanceWindow]) -> None:
    for pk, content in (plan.change | plan.restore).items():
        for name, value in zip(CONTENT, content, strict=True):
            setattr(windows[pk], name, value)
    for pk in plan.restore:
        windows[pk].cancelled_at = None


def _save(pairs: Iterable[tuple[MaintenanceWindow, audit.Facts]]) -> None:
    """Update windows in groups with equal changes, because a CASE for each takes seconds."""
    alike: defaultdict[tuple[tuple[str, Any], ...], list[int]] = defaultdict(list)
    for window, before in pairs:
        changes = window.changes(before).items()
        alike[tuple((name, _step(name, *values)) for name, values in changes)].append(window.pk)
    for steps, ids in alike.items():
        values = {name: F(name) + by if name in STEPPED else by for name, by in steps}
        MaintenanceWindow.objects.filter(pk__in=ids).update(**values)


def _step(name: str, old: Any, new: Any) -> Any:
    return new - old if name in STEPPED else new


def _cancel(windows: Collection[MaintenanceWindow], now: datetime) -> None:
    ids = [window.pk for window in windows]
    MaintenanceWindow.objects.filter(pk__in=ids).update(cancelled_at=now)
    for window in windows:
        window.cancelled_at = now


def _new(
    plans: Sequence[Plan], now: datetime, actor: str | None
) -> dict[int, list[MaintenanceWindow]]:
    """Return unsaved windows by series, with the identity that the calendar has shown for them."""
    new = events.of_new({plan.series: plan.make for plan in plans if plan.make}, now)
    made: dict[int, list[MaintenanceWindow]] = {}
    for plan in plans:
        series, texts = plan.series, _texts(plan.series)
        created_by = series.created_by if actor is None else actor[:ACTOR_LENGTH]
        made[series.pk] = []
        for event in new.get(series.pk, ()):
            window = MaintenanceWindow(
                site=series.site,
                series_id=series.pk,
                occurs_on=event.occurrence.date,
                starts_at=event.occurrence.starts_at,
                ends_at=event.occurrence.ends_at,
                created_by=created_by,
                uid=event.uid,
                sequence=event.sequence,
                changed_at=series.changed_at or series.created_at,
                retitled_at=series.retitled_at,
                **texts,
            )
            made[series.pk].append(window)
    return made


def _texts(series: WindowSeries) -> dict[str, Any]:
    return {name: getattr(series, name) for name in WindowSeries.TEXTS}


def _see_started(windows: Iterable[MaintenanceWindow], now: datetime) -> None:
    """Set `started_at` of new windows that have started."""
    begun = {window.pk: window for window in windows if window.starts_at <= now}
    rows = MaintenanceWindow.objects.filter(pk__in=begun)
    for pk, started_at in rows.values_list("pk", "started_at"):
        begun[pk].started_at = started_at
