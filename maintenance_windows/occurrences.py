"""The windows of a series, made ahead of time.

A series owns those of its coming windows that nobody changed, and leaves the others alone.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from maintenance_windows import history, reconcile
from maintenance_windows.conf import conf
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.querysets import Status
from maintenance_windows.recurrence import Occurrence

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a series' windows; `kept` are coming ones that people changed."""

    series: WindowSeries
    made: list[MaintenanceWindow]
    changed: list[MaintenanceWindow]
    cancelled: list[MaintenanceWindow]
    kept: list[MaintenanceWindow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to become of them. It is empty while they say what the series says."""

    make: list[Occurrence]
    change: list[tuple[MaintenanceWindow, Occurrence]]
    cancel: list[MaintenanceWindow]
    keep: list[MaintenanceWindow]

    def __bool__(self) -> bool:
        return bool(self.make or self.change or self.cancel)


def plan(series: WindowSeries, now: datetime) -> Plan:
    """Reads only. Raises RuleError where the series cannot be worked out."""
    horizon = now + conf.horizon
    # A date of the past may still have a window: it is long, or somebody moved it.
    past = (now - series.length - 2 * DAY).date()
    windows = list(series.windows.filter(occurs_on__gte=past).select_related("site"))
    known = {window.occurs_on for window in windows}
    coming = [window for window in windows if window.status_at(now) is Status.SCHEDULED]
    own = {window.occurs_on: window for window in coming if not window.overridden}
    # Also those that were made when the horizon was farther away.
    stop = max([horizon, *(window.starts_at + DAY for window in own.values())])
    going_on = series.ended_at is None
    due = list(series.recurrence().occurrences(now, stop)) if going_on else []
    dates = {occurrence.date for occurrence in due}
    return Plan(
        make=[one for one in due if one.date not in known and one.starts_at < horizon],
        change=[
            (own[one.date], one)
            for one in due
            if one.date in own and _differs(own[one.date], series, one)
        ],
        cancel=[window for day, window in own.items() if day not in dates],
        keep=[window for window in coming if window.overridden],
    )


def follow(series: WindowSeries, now: datetime, actor: str) -> Outcome:
    """Have the windows say what the series says. Call it inside `locked()`."""
    reconcile.settle([series.site_id], now)  # what was due before is not our doing
    planned = plan(series, now)
    changed = [window for window, _ in planned.change]
    before = [(window, window.facts()) for window in changed + planned.cancel]
    for window, occurrence in planned.change:
        for name, value in _content(series, occurrence).items():
            setattr(window, name, value)
    for window in planned.cancel:
        # The date is free again, should the series come back to it.
        window.cancelled_at, window.occurs_on = now, None
    fields = ["starts_at", "ends_at", "cancelled_at", "occurs_on", *WindowSeries.TEXTS]
    MaintenanceWindow.objects.bulk_update([window for window, _ in before], fields)
    made = MaintenanceWindow.objects.bulk_create(
        MaintenanceWindow(
            site=series.site,
            series=series,
            occurs_on=occurrence.date,
            created_by=series.created_by,
            **_content(series, occurrence),
        )
        for occurrence in planned.make
    )
    reconcile.settle([series.site_id], now, actor=actor)
    # Once more, as they are now: one that opens at once has started.
    rows = MaintenanceWindow.objects.filter(pk__in=[window.pk for window in made])
    made = list(rows.select_related("site").order_by("starts_at"))
    history.scheduled(made, actor)
    history.changed(before, actor, now)
    return Outcome(
        series=series, made=made, changed=changed, cancelled=planned.cancel, kept=planned.keep
    )


def _content(series: WindowSeries, occurrence: Occurrence) -> dict[str, object]:
    texts = {name: getattr(series, name) for name in WindowSeries.TEXTS}
    return {"starts_at": occurrence.starts_at, "ends_at": occurrence.ends_at, **texts}


def _differs(window: MaintenanceWindow, series: WindowSeries, occurrence: Occurrence) -> bool:
    content = _content(series, occurrence)
    return any(getattr(window, name) != value for name, value in content.items())
