"""The verbs for series, one function each, for the admin, the command and tasks.

As in planning.windows, a verb takes the lock, reads the clock, and changes the rows or refuses
with one sentence.
"""

from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.contrib.sites.models import Site
from django.utils.translation import gettext as _

from maintenance_windows.core.intervals import SECOND
from maintenance_windows.exceptions import Refused, RuleError
from maintenance_windows.models import ACTOR_LENGTH, WindowSeries
from maintenance_windows.permissions import ALL_RIGHTS, Rights
from maintenance_windows.planning import arguments, audit, rules
from maintenance_windows.planning.admission import NO_TERMS, Terms
from maintenance_windows.planning.series import events, starting
from maintenance_windows.planning.series.apply import SeriesChange, apply
from maintenance_windows.planning.series.dates import first_date, rename_skipped
from maintenance_windows.planning.series.horizon import batches, planner, portions
from maintenance_windows.planning.series.plan import Plan, SeriesPlanner
from maintenance_windows.reconcile.lock import Clock, locked

EVENT_FIELDS = ("sequence", "changed_at", "retitled_at", "uid_shift")


def repeat(
    sites: Iterable[Site],
    template: WindowSeries,
    *,
    start_now: bool = False,
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> list[SeriesChange]:
    """Create one series for each site from an unsaved template, all or none.

    The pattern may begin in the past. An occurrence in progress starts at once; if it should have
    started more than a minute ago, `start_now` has to confirm that. The windows are created in
    portions, because those of hundreds of sites would delay the tick. After an interruption
    materialise() continues. A site that is deleted meanwhile has no result.
    """
    sites = arguments.as_sites(sites)
    with locked(clock) as now:
        rules.check_exist(sites)
        check(template, now)
        starting.check_new(template, sites, now, Terms(rights=rights, start_now=start_now))
        if template.is_public(now):
            template.published_at = None
        created = WindowSeries.objects.bulk_create(_copies(template, sites, actor))
    changes = []
    for ids in batches([series.pk for series in created]):
        for portion in portions(planner(ids, now).plans()):
            with locked(clock) as now:
                plans = [starting.started(plan, now) for plan in planner(portion, now).plans()]
                changes += apply(plans, now, actor)
    if not changes:
        rules.check_exist(sites)
    return changes


def revise(
    series_id: int,
    *,
    start_now: bool = False,
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
    **changes: Any,
) -> SeriesChange:
    """Change a series from now on. Past and present windows stay, and what was edited of others.

    `changes` are fields of WindowSeries except its site. For `start_now` see repeat().
    """
    with locked(clock) as now:
        series, stored = unended(series_id), unended(series_id)
        if "published_at" in changes:
            given, is_public = changes["published_at"], series.is_public(now)
            changes["published_at"] = rules.published(series, given, now, is_public=is_public)
        for name, value in changes.items():
            setattr(series, name, value)
        if "excluded" not in changes:
            rename_skipped(series, stored)
            changes["excluded"] = series.excluded
        check(series, now)
        terms = Terms(rights=rights, start_now=start_now)
        return _follow(series, stored, now, actor, changes, terms=terms)


def end(
    series_id: int, *, with_edited: bool = False, actor: str = "", clock: Clock | None = None
) -> SeriesChange:
    """End a series: create no more windows, and cancel the coming ones.

    Those that somebody moved stay, and are named as `kept`. With `with_edited` they are cancelled
    as well, also of a series that has ended before.
    """
    with locked(clock) as now:
        series, stored = _series(series_id), _series(series_id)
        if series.ended_at is None or not with_edited:
            _refuse_ended(series)
            series.ended_at = now
            outcome = _follow(series, stored, now, actor, ["ended_at"])
        else:
            outcome = apply([SeriesPlanner([series], now).plan(series)], now, actor)[0]
        if not (with_edited and outcome.kept):
            return outcome
        kept = Plan(series=series, cancel=[window.pk for window in outcome.kept])
        also = apply([kept], now, actor)[0]
        return replace(outcome, cancelled=[*outcome.cancelled, *also.cancelled], kept=[])


def _follow(
    series: WindowSeries,
    stored: WindowSeries,
    now: datetime,
    actor: str,
    fields: Iterable[str],
    *,
    terms: Terms = NO_TERMS,
) -> SeriesChange:
    """Save a changed series, and have its events and its windows follow."""
    plan = SeriesPlanner([series], now).plan(series, stored)
    starting.check(plan, now, terms)
    events.follow_change(series, stored, plan.renamed, now, first_date(series, now))
    series.save(update_fields=[*fields, *EVENT_FIELDS])
    audit.series_changed(series, stored.facts(), actor, now)
    return apply([starting.started(plan, now)], now, actor)[0]


def check_start(
    series: WindowSeries,
    sites: Iterable[Site],
    now: datetime,
    *,
    stored: WindowSeries | None = None,
    start_now: bool = False,
    rights: Rights = ALL_RIGHTS,
) -> None:
    """Raise Refused if a valid series must not start a window at once. See repeat().

    `stored` is the series as it is, where it is about to change.
    """
    terms = Terms(rights=rights, start_now=start_now)
    if stored is None:
        starting.check_new(series, sites, now, terms)
    else:
        starting.check_change(series, stored, now, terms)


def check(series: WindowSeries, now: datetime) -> None:
    """Raise Refused if the series is invalid, and normalise its rule."""
    arguments.check_series(series)
    rules.check_title(series.title)
    rules.check_lead(series.banner_lead)
    if series.start_time.microsecond or series.length % SECOND:
        raise Refused(_("Start and duration must be whole seconds."))
    try:
        recurrence = series.recurrence()
        series.rule = recurrence.rule.text
        if next(recurrence.occurrences(now), None) is None:
            raise Refused(_("This rule produces no future windows."))
    except RuleError as error:
        raise Refused(str(error)) from None


def _copies(template: WindowSeries, sites: Iterable[Site], actor: str) -> Iterator[WindowSeries]:
    for site in sites:
        series = copy(template)
        series.site, series.created_by = site, actor[:ACTOR_LENGTH]
        yield series


def unended(series_id: int) -> WindowSeries:
    """Return the series. Raises Refused if it has ended, or does not exist."""
    series = _series(series_id)
    _refuse_ended(series)
    return series


def _series(series_id: int) -> WindowSeries:
    series = WindowSeries.objects.select_related("site").filter(pk=series_id).first()
    if series is None:
        raise Refused(_("Recurring window %(id)s does not exist.") % {"id": series_id})
    return series


def _refuse_ended(series: WindowSeries) -> None:
    if series.ended_at is not None:
        raise Refused(_("Recurring window %(id)s has ended: create a new one.") % {"id": series.pk})
