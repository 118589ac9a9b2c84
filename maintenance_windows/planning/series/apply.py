"""The windows of series, made ahead of time.

A series owns those of its coming windows that nobody changed, and leaves the others alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any

from django.db.models import F

from maintenance_windows.models import ACTOR_LENGTH, MaintenanceWindow, WindowSeries
from maintenance_windows.models.querysets import LIVE
from maintenance_windows.planning import audit
from maintenance_windows.planning.series.plan import Plan
from maintenance_windows.reconcile.settle import settle

BATCH = 100  # rows in a statement that gives each something of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesChange:
    """What became of a series' windows; `kept` are coming ones that people changed."""

    series: WindowSeries
    made: list[MaintenanceWindow]
    changed: list[MaintenanceWindow]
    cancelled: list[MaintenanceWindow]
    kept: list[MaintenanceWindow]


def apply(plans: Sequence[Plan], now: datetime, actor: str | None = None) -> list[SeriesChange]:
    """Have the windows say what their series say; an outcome for each plan.

    Call it inside `locked()`, with plans that were made there. Without an actor each series does
    it by itself.
    """
    sites = {plan.series.site_id for plan in plans}
    settle(sites, now)
    kept = _kept(sites)
    _rename({pk: day for plan in plans for pk, day in plan.renamed.items()})
    written = [pk for plan in plans for pk in (*plan.change, *plan.cancel)]
    windows = MaintenanceWindow.objects.select_related("site").in_bulk(written)
    before = {pk: windows[pk].facts() for pk in written}
    for plan in plans:
        _change(plan, windows)
    _save([(windows[pk], before[pk]) for plan in plans for pk in plan.change])
    _cancel([windows[pk] for plan in plans for pk in plan.cancel], now)
    made = {plan.series.pk: _new(plan, actor) for plan in plans}
    new = MaintenanceWindow.objects.bulk_create(chain.from_iterable(made.values()))
    settle(sites, now, actor=actor or "")
    _see_started(new, now)
    for plan in plans:
        audit.made(made[plan.series.pk], actor)
    audit.changed([(windows[pk], before[pk]) for pk in written], actor, now)
    return [
        SeriesChange(
            series=plan.series,
            made=made[plan.series.pk],
            changed=[windows[pk] for pk in plan.change],
            cancelled=[windows[pk] for pk in plan.cancel],
            kept=kept[plan.series.pk],
        )
        for plan in plans
    ]


def _kept(sites: Iterable[int]) -> defaultdict[int | None, list[MaintenanceWindow]]:
    """By series. Looked for among what is live at the sites: all else grows, be it with time."""
    live = MaintenanceWindow.objects.filter(LIVE, site__in=sites, overridden=True)
    kept: defaultdict[int | None, list[MaintenanceWindow]] = defaultdict(list)
    for window in live.filter(occurs_on__isnull=False).order_by("pk"):
        if window.started_at is None:
            kept[window.series_id].append(window)
    return kept


def _rename(dates: dict[int, date | None]) -> None:
    windows = [MaintenanceWindow(pk=pk, occurs_on=day) for pk, day in dates.items()]
    # All at once would be dates that are there twice for a moment.
    MaintenanceWindow.objects.filter(pk__in=dates).update(occurs_on=None)
    MaintenanceWindow.objects.bulk_update(windows, ["occurs_on"], batch_size=BATCH)


def _change(plan: Plan, windows: Mapping[int, MaintenanceWindow]) -> None:
    texts = _texts(plan.series)
    for pk, occurrence in plan.change.items():
        windows[pk].starts_at, windows[pk].ends_at = occurrence.starts_at, occurrence.ends_at
        for name, value in texts.items():
            setattr(windows[pk], name, value)


def _save(pairs: Iterable[tuple[MaintenanceWindow, audit.Facts]]) -> None:
    """Most change alike, such as by an hour: a CASE with a line for each takes seconds."""
    alike: defaultdict[tuple[tuple[str, Any], ...], list[int]] = defaultdict(list)
    for window, before in pairs:
        changes = window.changes(before).items()
        alike[tuple((name, _step(*values)) for name, values in changes)].append(window.pk)
    for steps, ids in alike.items():
        values = {name: F(name) + by if isinstance(by, timedelta) else by for name, by in steps}
        MaintenanceWindow.objects.filter(pk__in=ids).update(**values)


def _step(old: Any, new: Any) -> Any:
    return new - old if isinstance(new, datetime) else new


def _cancel(windows: Iterable[MaintenanceWindow], now: datetime) -> None:
    # The date is free again, should the series come back to it.
    free: dict[str, datetime | None] = {"cancelled_at": now, "occurs_on": None}
    MaintenanceWindow.objects.filter(pk__in=[window.pk for window in windows]).update(**free)
    for window in windows:
        window.cancelled_at, window.occurs_on = now, None


def _new(plan: Plan, actor: str | None) -> list[MaintenanceWindow]:
    series, texts = plan.series, _texts(plan.series)
    created_by = series.created_by if actor is None else actor[:ACTOR_LENGTH]
    return [
        MaintenanceWindow(
            site=series.site,
            series_id=series.pk,
            occurs_on=one.date,
            starts_at=one.starts_at,
            ends_at=one.ends_at,
            created_by=created_by,
            **texts,
        )
        for one in plan.make
    ]


def _texts(series: WindowSeries) -> dict[str, str]:
    return {name: getattr(series, name) for name in WindowSeries.TEXTS}


def _see_started(windows: Iterable[MaintenanceWindow], now: datetime) -> None:
    """Of new windows, those that have opened at once."""
    begun = {window.pk: window for window in windows if window.starts_at <= now}
    rows = MaintenanceWindow.objects.filter(pk__in=begun)
    for pk, started_at in rows.values_list("pk", "started_at"):
        begun[pk].started_at = started_at
