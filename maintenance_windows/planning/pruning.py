"""The verb that deletes history; what calendars, live rows and other history need stays.

Rows are deleted in batches, each in a short transaction of its own under the lock. It can be
interrupted at any time, and called again: later kinds only wait for earlier ones.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, ProtectedError, Q, QuerySet, RestrictedError
from django.utils.translation import gettext as _

from maintenance_windows.core.recurrence import LONGEST_WINDOW
from maintenance_windows.exceptions import Refused, RuleError
from maintenance_windows.logonce import get_logger
from maintenance_windows.models import (
    IMPORTED,
    CancelledOccurrence,
    Change,
    Freeze,
    MaintenanceWindow,
    Transition,
    WindowSeries,
)
from maintenance_windows.planning import arguments
from maintenance_windows.planning.freezes import is_past
from maintenance_windows.planning.series.dates import since_when
from maintenance_windows.planning.series.events import DAY, KEPT
from maintenance_windows.reconcile.lock import Clock, locked
from maintenance_windows.snapshot import clock as database_clock

BATCH = 500  # rows deleted under one lock, for which other writers wait
# Seconds without the lock between batches. On SQLite, waiting writers poll this often.
PAUSE = 0.1
# Occurrences that last longer may still be due on a date that is over for others.
LONG = timedelta(days=60)

logger = get_logger()


class Pruned(NamedTuple):
    """A kind of rows, and how many were deleted, or would be."""

    kind: str
    number: int


def prune(
    before: datetime, *, dry_run: bool = False, actor: str = "", clock: Clock | None = None
) -> Iterator[Pruned]:
    """Delete history from before a time; yield each kind once it is done.

    The status change that each site is in stays, and so do windows, recurring windows and freezes
    that are not over, that the calendar tells of, or that other rows refer to. Raises Refused at
    once for a time of which calendars still tell.
    """
    arguments.check_moments(before=before)
    tell = clock or database_clock.ask
    latest = tell().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - KEPT
    if before > latest:
        sentence = _("Calendars show the last %(days)s days: use %(time)s or an earlier time.")
        raise Refused(sentence % {"days": KEPT.days, "time": f"{latest:%Y-%m-%dT%H:%MZ}"})
    return _prune(before, tell(), clock, actor, dry_run=dry_run)


def _prune(
    before: datetime, now: datetime, clock: Clock | None, actor: str, *, dry_run: bool
) -> Iterator[Pruned]:
    counts = []
    for kind, rows in _kinds(before, now):
        number = rows.count() if dry_run else _delete(rows, clock)
        counts.append(f"{number} {kind}")
        yield Pruned(kind, number)
    if not dry_run:
        text = "history before %s deleted by %s: %s"
        logger.info(text, before.isoformat(), actor or "code", ", ".join(counts))


def _kinds(before: datetime, now: datetime) -> Iterator[tuple[str, QuerySet[Any]]]:
    """Yield the rows to delete: those that refer to others come first."""
    windows = MaintenanceWindow.objects.filter(_is_history(before, now))
    old = Q(at__lt=before, series__isnull=False) | Q(window__in=windows.values("pk"))
    yield "status changes", Transition.objects.exclude(_stays(before))
    yield "changes", Change.objects.filter(old)
    yield "windows", windows
    yield "cancelled occurrences", CancelledOccurrence.objects.filter(ends_at__lt=before)
    yield "recurring windows", _series(before, now)
    yield "freezes", _freezes(before, now)


def _stays(before: datetime) -> Q:
    """Return the condition of status changes that stay: new ones, and the last one of each site."""
    since = Transition.objects.filter(site=OuterRef("site"), done_at__gte=OuterRef("done_at"))
    later = since.filter(Q(done_at__gt=OuterRef("done_at")) | Q(pk__gt=OuterRef("pk")))
    return Q(done_at__gte=before) | ~Q(Exists(later)) | Q(actor__endswith=IMPORTED)


def _is_history(before: datetime, now: datetime) -> Q:
    """Return the condition of windows that are over and told of by no status change that stays.

    The date of an occurrence must be over, too, wherever it was moved to: otherwise its recurring
    window would make it again.
    """
    long_ago = (since_when(now) - 2 * DAY).date()
    is_over = Q(ended_at__lt=before) | Q(cancelled_at__isnull=False, ends_at__lt=before)
    is_free = Q(series=None) | Q(series__ended_at__isnull=False) | Q(occurs_on__lt=long_ago)
    is_free |= Q(series__length__lte=LONG, occurs_on__lt=(before - 2 * DAY).date())
    told = Transition.objects.filter(_stays(before), window=OuterRef("pk"))
    return is_over & is_free & ~Q(Exists(told))


def _series(before: datetime, now: datetime) -> QuerySet[WindowSeries]:
    windows = MaintenanceWindow.objects.filter(series=OuterRef("pk"))
    stay = windows.exclude(_is_history(before, now))
    told = CancelledOccurrence.objects.filter(series=OuterRef("pk"), ends_at__gte=before)
    return WindowSeries.objects.filter(~Exists(stay), ~Exists(told), ended_at__lt=before)


def _freezes(before: datetime, now: datetime) -> QuerySet[Freeze]:
    """Return freezes that are over; the table is small.

    One from a file stays while it has times ahead, also if somebody has ended it: the next import
    must not make it again. No occurrence that is still due may have met it.
    """
    since = min(before, now - LONGEST_WINDOW - 2 * DAY)
    over = [row.pk for row in Freeze.objects.all() if _is_over(row, since)]
    return Freeze.objects.filter(pk__in=over)


def _is_over(row: Freeze, since: datetime) -> bool:
    if row.ended_at is not None and row.ended_at < since and not row.event:
        return True
    try:
        return is_past(row, since)
    except RuleError:
        return False  # written with SQL


def _delete(rows: QuerySet[Any], clock: Clock | None) -> int:
    """Delete the rows in batches, by id; return their number."""
    number, last = 0, 0
    while ids := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        if number:
            time.sleep(PAUSE)
        last = ids[-1]
        with locked(clock, immediate=False):
            # What is needed again meanwhile stays.
            found = rows.filter(pk__in=ids).values_list("pk", flat=True)
            number += _delete_those(rows.model.objects, list(found))
    return number


def _delete_those(rows: Any, ids: Sequence[int]) -> int:
    """Delete the rows with these ids, but for those that rows of the project protect."""
    try:
        rows.filter(pk__in=ids).delete()
    except (ProtectedError, RestrictedError):
        if len(ids) == 1:
            return 0
        half = len(ids) // 2
        return _delete_those(rows, ids[:half]) + _delete_those(rows, ids[half:])
    return len(ids)
