"""The verbs for single occurrences of a series: by their local date, also beyond the horizon."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils.translation import gettext as _

from maintenance_windows.core.recurrence import Occurrence
from maintenance_windows.exceptions import Refused
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.models.querysets import Status
from maintenance_windows.models.window import PARTS
from maintenance_windows.permissions import ALL_RIGHTS, Rights
from maintenance_windows.planning import audit, frozen, rules, windows
from maintenance_windows.planning.admission import Terms, may_start
from maintenance_windows.planning.series import starting
from maintenance_windows.planning.series.apply import SeriesChange, apply
from maintenance_windows.planning.series.dates import since_when
from maintenance_windows.planning.series.plan import Plan, SeriesPlanner
from maintenance_windows.planning.series.verbs import revise, unended
from maintenance_windows.reconcile.lock import Clock, locked

DAY = timedelta(days=1)


def skip(
    series_id: int,
    day: date,
    *,
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> SeriesChange:
    """Leave out the occurrence on a local date, and cancel its window, also a moved one."""
    with locked(clock) as now:
        series = unended(series_id)
        names = {"id": series.pk, "date": day.isoformat()}
        if day.isoformat() in series.excluded:
            raise Refused(_("Recurring window %(id)s already skips %(date)s.") % names)
        _refuse_none(series, day)
        window = _window(series, day)
        if window and window.status_at(now) is Status.SCHEDULED and "times" in window.edits:
            windows.cancel(window.pk, actor=actor, clock=lambda: now)
        elif window:
            rules.refuse(window, now, rules.NOT_SCHEDULED)
        elif _occurrence(series, day, now) is None:
            raise Refused(
                _("The window of recurring window %(id)s on %(date)s has passed.") % names
            )
        excluded = sorted([*series.excluded, day.isoformat()])
        terms: dict[str, Any] = {"rights": rights, "start_now": True}
        return revise(series_id, excluded=excluded, actor=actor, clock=lambda: now, **terms)


def unskip(
    series_id: int,
    day: date,
    *,
    override: str = "",
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> SeriesChange:
    """Have the occurrence on a local date take place that was skipped, cancelled, or is frozen.

    `override` is the reason for one in a freeze.
    """
    with locked(clock) as now:
        who: dict[str, Any] = {"rights": rights, "actor": actor, "clock": lambda: now}
        series = unended(series_id)
        window = _window(series, day)
        skipped = day.isoformat() in series.excluded
        cancelled = window is not None and window.status_at(now) is Status.CANCELLED
        excluded = [text for text in series.excluded if text != day.isoformat()]
        series.excluded = excluded
        unmade = window is None and _is_frozen(series, day, now)
        if not (skipped or cancelled or unmade):
            sentence = _("Recurring window %(id)s does not skip %(date)s.")
            raise Refused(sentence % {"id": series.pk, "date": day.isoformat()})
        if window and cancelled and (not skipped or "cancelled" in window.edits):
            windows.restore(window.pk, override=override, **who)
        outcome = revise(series_id, excluded=excluded, start_now=True, **who)
        if unmade:
            outcome.made.append(make(series_id, day, override=override, **who))
        elif window and cancelled and window.pk not in {one.pk for one in outcome.restored}:
            window = MaintenanceWindow.objects.select_related("site").get(pk=window.pk)
            if window.status_at(now) is Status.CANCELLED and window.ends_at > now:  # by a freeze
                window = windows.restore(window.pk, override=override, **who)
            outcome.restored.append(window)
        return outcome


def restore(
    window_id: int,
    *,
    override: str = "",
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> MaintenanceWindow:
    """Restore a cancelled window; one of a series then follows that again, if it still may.

    `override` is the reason for one in a freeze.
    """
    terms: dict[str, Any] = {"override": override, "rights": rights, "actor": actor}
    with locked(clock) as now:
        rows = MaintenanceWindow.objects.select_related("site", "series").filter(pk=window_id)
        window = rows.first()
        series = window.series if window else None
        if window is None or series is None or series.ended_at or not window.occurs_on:
            windows.restore(window_id, clock=lambda: now, **terms)
        elif window.cancelled_at and window.occurs_on.isoformat() in series.excluded:
            unskip(series.pk, window.occurs_on, clock=lambda: now, **terms)
        else:
            windows.restore(window_id, clock=lambda: now, **terms)
            plan = SeriesPlanner([series], now).plan(series)
            starting.check(plan, now, Terms(rights=rights, start_now=True))
            apply([plan], now, actor)
        return rows.get()


def make(
    series_id: int,
    day: date,
    *,
    override: str = "",
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> MaintenanceWindow:
    """Return the window of a local date, created now if the horizon has not reached it.

    `override` is the reason for one in a freeze, which then stays.
    """
    with locked(clock) as now:
        series = unended(series_id)
        if window := _window(series, day):
            return window
        names = {"id": series.pk, "date": day.isoformat()}
        if day.isoformat() in series.excluded:
            raise Refused(_("Recurring window %(id)s already skips %(date)s.") % names)
        _refuse_none(series, day)
        one = _occurrence(series, day, now)
        if one is None:
            raise Refused(
                _("The window of recurring window %(id)s on %(date)s has passed.") % names
            )
        may_start(one.starts_at, now, rights, recurring=True)
        reason = Terms(rights=rights, override=override).reason
        marks = frozen.admit([series.site], one.starts_at, one.ends_at, now, override=reason)
        (window,) = apply([Plan(series=series, make=[one])], now, actor)[0].made
        if marks:
            window.edit(PARTS["times"])  # or its series would cancel it
            window.changed_at = now
            window.save(update_fields=["edited", "changed_at"])
            audit.marked([window], marks, actor, now)
        return window


def _window(series: WindowSeries, day: date) -> MaintenanceWindow | None:
    windows = MaintenanceWindow.objects.filter(series=series, occurs_on=day)
    return windows.select_related("site").first()


def _occurrence(series: WindowSeries, day: date, now: datetime) -> Occurrence | None:
    """Return the occurrence on this date if there is one that is not over."""
    if not series.recurrence().has(day):
        return None
    noon = datetime.combine(day, time(12), now.tzinfo)
    coming = series.recurrence().occurrences(max(now, noon - 3 * DAY), noon + 3 * DAY)
    return next((one for one in coming if one.date == day), None)


def _is_frozen(series: WindowSeries, day: date, now: datetime) -> bool:
    one = _occurrence(series, day, now)
    if one is None:
        return False
    calendar = frozen.read(since_when(now))
    return calendar.first([series.site_id], one.starts_at, one.ends_at) is not None


def _refuse_none(series: WindowSeries, day: date) -> None:
    """Raise Refused if the rule has no such date, and name the nearest one that it has."""
    if series.recurrence().has(day):
        return
    names = {"id": series.pk, "date": day.isoformat()}
    if near := series.recurrence().nearest(day):
        sentence = _(
            "Recurring window %(id)s has no window on %(date)s: the nearest starts on %(near)s."
        )
        raise Refused(sentence % (names | {"near": near.isoformat()}))
    raise Refused(_("Recurring window %(id)s has no window on %(date)s.") % names)
