"""The verb that deletes history: windows that ended long ago, and what was recorded of them.

What calendars show stays, see planning.series.events, and so does what live rows refer to.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from maintenance_windows.exceptions import Refused
from maintenance_windows.models import (
    CancelledOccurrence,
    Change,
    Freeze,
    MaintenanceWindow,
    Transition,
    WindowSeries,
)
from maintenance_windows.planning import arguments
from maintenance_windows.planning.series.events import DAY, KEPT
from maintenance_windows.reconcile.lock import Clock, locked

BATCH = 500  # rows of one transaction, which holds the lock for some milliseconds
PLURALS = {
    "status change": "status changes",
    "window": "windows",
    "cancelled occurrence": "cancelled occurrences",
    "recurring window": "recurring windows",
    "freeze": "freezes",
}


def prune(
    before: datetime, *, dry_run: bool = False, clock: Clock | None = None
) -> Iterator[tuple[str, int]]:
    """Delete what ended before a time, and yield how many rows of each kind that were.

    It may be stopped at any time and run again. With `dry_run` it only counts. Raises Refused if
    calendars still show what ended then.
    """
    arguments.check_moments(before=before)
    with locked(clock, immediate=False) as now:
        if before > now - KEPT:
            text = _("Calendars show the last %(days)s days: choose a time before %(time)s.")
            latest = (now - KEPT).strftime("%Y-%m-%dT%H:%M+00:00")
            raise Refused(text % {"days": KEPT.days, "time": latest})
    return _prune(before, clock, dry_run=dry_run)


def _prune(before: datetime, clock: Clock | None, *, dry_run: bool) -> Iterator[tuple[str, int]]:
    for name, rows in _old(before).items():
        yield name, rows.count() if dry_run else sum(_delete(rows, clock))


def _delete(rows: QuerySet[Any], clock: Clock | None) -> Iterator[int]:
    """Delete the rows in batches, whose sizes are yielded."""
    while ids := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        with locked(clock, immediate=False):
            # By their ids: MariaDB deletes from no table that the condition reads. Looked at again
            # under the lock, because somebody may have restored a window since.
            ids = list(rows.filter(pk__in=ids).values_list("pk", flat=True))
            rows.model._default_manager.filter(pk__in=ids).delete()  # noqa: SLF001
        yield len(ids)


def _old(before: datetime) -> dict[str, QuerySet[Any]]:
    """Return what can be deleted, in this order. No condition depends on what was deleted."""
    of_site = Transition.objects.filter(site=OuterRef("site")).order_by("-done_at", "-pk")
    # The last status change of a site says who took it down.
    last = Q(pk=Subquery(of_site.values("pk")[:1]))
    transitions = Transition.objects.filter(~last, done_at__lt=before)
    kept = Transition.objects.filter(last | Q(done_at__gte=before))
    over = Q(ended_at__lt=before) | Q(cancelled_at__lt=before, ended_at=None)
    # A window that was moved away from its date keeps the series from making another one.
    is_past = Q(occurs_on=None) | Q(occurs_on__lt=(before - 2 * DAY).date())
    windows = MaintenanceWindow.objects.filter(over, is_past, ends_at__lt=before)
    windows = windows.exclude(Exists(kept.filter(window=OuterRef("pk"))))
    windows = windows.exclude(Exists(Change.objects.filter(window=OuterRef("pk"), at__gte=before)))
    stay = MaintenanceWindow.objects.exclude(pk__in=windows.values("pk"))
    dropped = CancelledOccurrence.objects.filter(ends_at__lt=before)
    series = WindowSeries.objects.filter(ended_at__lt=before).exclude(
        Exists(stay.filter(series=OuterRef("pk")))
        | Exists(CancelledOccurrence.objects.filter(series=OuterRef("pk"), ends_at__gte=before))
    )
    ended = Q(ended_at=None) | Q(ended_at__lt=before)
    freezes = Freeze.objects.filter(
        Q(ends_at__lt=before) & ended | Q(ends_at=None, ended_at__lt=before)
    )
    return {
        "status change": transitions,
        "window": windows,
        "cancelled occurrence": dropped,
        "recurring window": series,
        "freeze": freezes,
    }
