"""The windows of a series, made ahead of time.

A series owns those of its coming windows that nobody changed, and leaves the others alone.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from maintenance_windows import history, reconcile
from maintenance_windows.conf import conf
from maintenance_windows.models import ACTOR_LENGTH, MaintenanceWindow, WindowSeries
from maintenance_windows.querysets import Status
from maintenance_windows.recurrence import LONGEST, Occurrence
from maintenance_windows.rrule import RuleError

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
    renamed: list[MaintenanceWindow]  # those that another date of the series stands for now

    def __bool__(self) -> bool:
        return bool(self.make or self.change or self.cancel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """A window as it will be; `window` is given where the series has no say in it."""

    starts_at: datetime
    ends_at: datetime
    window: MaintenanceWindow | None = None


def plan(series: WindowSeries, now: datetime, stored: WindowSeries | None = None) -> Plan:
    """Reads only. Raises RuleError where the series cannot be worked out.

    `stored` is the series as it was, where it is about to change.
    """
    horizon = now + conf.horizon
    windows, renamed = _windows(series, now, stored)
    known = {window.occurs_on for window in windows}
    coming = [window for window in windows if window.status_at(now) is Status.SCHEDULED]
    own = {window.occurs_on: window for window in coming if not window.overridden}
    # Also those that were made when the horizon was farther away, or the zone at the other end.
    stop = max([horizon, *(window.starts_at + 3 * DAY for window in own.values())])
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
        cancel=[w for w in coming if not w.overridden and w.occurs_on not in dates],
        keep=[w for w in coming if w.overridden],
        renamed=renamed,
    )


def preview(series: WindowSeries, now: datetime, number: int) -> list[Coming]:
    """The next windows, were the series saved like this. Raises RuleError."""
    stored = WindowSeries.objects.filter(pk=series.pk).first()
    windows, _ = _windows(series, now, stored)
    not_own = {w.occurs_on: w for w in windows if w.overridden or w.begins_at <= now}
    cancelled = {w.occurs_on for w in windows if w.status_at(now) is Status.CANCELLED}
    free = (
        Coming(starts_at=one.starts_at, ends_at=one.ends_at)
        for one in series.recurrence().occurrences(now)
        if one.date not in not_own and one.date not in cancelled
    )
    live = {Status.SCHEDULED, Status.ACTIVE}
    kept = [
        Coming(starts_at=window.begins_at, ends_at=window.ends_at, window=window)
        for window in not_own.values()
        if window.status_at(now) in live
    ]
    return sorted([*islice(free, number), *kept], key=lambda coming: coming.starts_at)[:number]


def _windows(
    series: WindowSeries, now: datetime, stored: WindowSeries | None
) -> tuple[list[MaintenanceWindow], list[MaintenanceWindow]]:
    """Windows whose date the rule may name again or that somebody moved; and the renamed ones."""
    past = now - min(series.length, LONGEST) - 2 * DAY
    of_series = MaintenanceWindow.objects.filter(series=series.pk, occurs_on__isnull=False)
    moved = of_series.waiting().filter(overridden=True)
    windows = list((of_series.filter(occurs_on__gte=past.date()) | moved).select_related("site"))
    if series.pk is None or stored is None or stored.zone == series.zone:
        return windows, []
    return windows, _rename(windows, stored, series, past)


def _rename(
    windows: list[MaintenanceWindow], stored: WindowSeries, series: WindowSeries, past: datetime
) -> list[MaintenanceWindow]:
    """Give the windows the dates that their instants have in another zone; returns which differ.

    Midnight in Berlin is the evening before in UTC: the night that somebody cancelled stays.
    """
    stop = max((window.starts_at for window in windows), default=past) + 2 * DAY
    names = {one.starts_at: one.date for one in series.recurrence().occurrences(past, stop)}
    try:
        before = list(stored.recurrence().occurrences(past, stop))
    except RuleError:
        return []  # of a zone that is no more nobody knows the instants
    others = {one.date: names[one.starts_at] for one in before if one.starts_at in names}
    same = {w.pk: others[day] for w in windows if (day := w.occurs_on) and day in others}
    taken, renamed = set(same.values()), []
    for window in windows:
        left = None if window.occurs_on in taken else window.occurs_on
        name = same.get(window.pk, left)
        if name != window.occurs_on:
            window.occurs_on = name
            renamed.append(window)
    return renamed


def follow(
    series: WindowSeries, now: datetime, actor: str, stored: WindowSeries | None = None
) -> Outcome:
    """Have the windows say what the series says. Call it inside `locked()`. See plan()."""
    reconcile.settle([series.site_id], now)  # what was due before is not our doing
    planned = plan(series, now, stored)
    # All at once would be dates that are there twice for a moment.
    renamed = MaintenanceWindow.objects.filter(pk__in=[w.pk for w in planned.renamed])
    renamed.update(occurs_on=None)
    MaintenanceWindow.objects.bulk_update(planned.renamed, ["occurs_on"])
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
            created_by=series.created_by if stored is None else actor[:ACTOR_LENGTH],
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
