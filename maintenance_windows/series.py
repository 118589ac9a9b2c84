"""What people do to series: one verb each, for the admin, the command and tasks.

As in lifecycle.py a verb takes the lock, reads the clock, and refuses with one sentence or
changes the rows.
"""

import logging
from collections.abc import Iterable
from copy import copy
from datetime import datetime
from typing import Any

from django.contrib.sites.models import Site
from django.db import OperationalError
from django.utils import timezone
from django.utils.translation import gettext as _

from maintenance_windows import history, occurrences, reconcile, rules
from maintenance_windows.models import ACTOR_LENGTH, WindowSeries
from maintenance_windows.occurrences import Outcome
from maintenance_windows.reconcile import Clock
from maintenance_windows.rrule import Rule, RuleError
from maintenance_windows.rules import Refused
from maintenance_windows.timeline import SECOND

logger = logging.getLogger("maintenance_windows")


def repeat(
    sites: Iterable[Site],
    template: WindowSeries,
    *,
    actor: str = "",
    clock: Clock = timezone.now,
) -> list[Outcome]:
    """Begin one series for each site, like a template that nobody saved; all or none.

    An occurrence that is on already opens at once. The windows are made site after site; should
    that be interrupted, materialise() goes on with it.
    """
    begun, outcomes = [], []
    with reconcile.locked(clock) as now:
        check(template, now)
        for site in sites:
            series = copy(template)
            series.site, series.created_by = site, actor[:ACTOR_LENGTH]
            series.save(force_insert=True)
            begun.append(series)
    # Each under a lock of its own: hundreds of sites must not keep the tick waiting.
    for series in begun:
        with reconcile.locked(clock) as now:
            outcomes.append(occurrences.follow(series, now, actor))
    return outcomes


def revise(
    series_id: int, *, actor: str = "", clock: Clock = timezone.now, **changes: Any
) -> Outcome:
    """Change a series from now on: its past, what runs and what people changed stays as it is.

    `changes` are fields of WindowSeries but for its site.
    """
    with reconcile.locked(clock) as now:
        series, stored = _going_on(series_id), _going_on(series_id)
        for name, value in changes.items():
            setattr(series, name, value)
        check(series, now)
        series.save(update_fields=changes)
        history.series_changed(series, stored.facts(), actor, now)
        return occurrences.follow(series, now, actor, stored)


def end(series_id: int, *, actor: str = "", clock: Clock = timezone.now) -> Outcome:
    """Have no more windows made, and cancel the coming ones that nobody changed."""
    with reconcile.locked(clock) as now:
        series = _going_on(series_id)
        before = series.facts()
        series.ended_at = now
        series.save(update_fields=["ended_at"])
        history.series_changed(series, before, actor, now)
        return occurrences.follow(series, now, actor)


def materialise(clock: Clock = timezone.now) -> list[Outcome]:
    """Make the windows of all series up to the horizon; returns where something was to do.

    It finds what new zone data has moved, too. A series that fails, such as one that somebody
    wrote with SQL, is logged and keeps no other from its windows.
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
        except OperationalError:
            raise  # that is no series' fault
        except Exception:
            logger.exception("series %s makes no windows", series.pk)
    return outcomes


def check(series: WindowSeries, now: datetime) -> None:
    """Raises Refused where no series can be made of this; writes its rule in one form."""
    rules.check_title(series.title)
    if series.start_time.microsecond or series.length % SECOND:
        raise Refused(_("Start and length are whole seconds."))
    try:
        series.rule = Rule.parse(series.rule).text
        if next(series.recurrence().occurrences(now), None) is None:
            raise Refused(_("This rule makes no window from now on."))
    except RuleError as error:
        raise Refused(str(error)) from None


def _going_on(series_id: int) -> WindowSeries:
    series = WindowSeries.objects.select_related("site").filter(pk=series_id).first()
    if series is None:
        raise Refused(_("There is no series %(id)s.") % {"id": series_id})
    if series.ended_at is not None:
        raise Refused(_("Series %(id)s has ended: begin a new one.") % {"id": series_id})
    return series
