"""The events that the calendar shows of occurrences without a window, and what happens to them.

An event keeps its UID while its series changes, and its SEQUENCE rises whenever it moves. One that
the series drops becomes a CancelledOccurrence, so that subscribers learn of it.
"""

from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import NamedTuple
from uuid import UUID, uuid5

from django.db.models import F, Q

from maintenance_windows.core.freezes import FreezeCalendar
from maintenance_windows.core.recurrence import LONGEST_WINDOW, Occurrence
from maintenance_windows.exceptions import RuleError
from maintenance_windows.models import CancelledOccurrence, MaintenanceWindow, WindowSeries
from maintenance_windows.models.base import UNSEEN
from maintenance_windows.planning import frozen
from maintenance_windows.planning.series.dates import since_when

NAMESPACE = UUID("5d7c0f3e-6a52-4d0b-9a3c-3f1f6f0c8e21")
DAY = timedelta(days=1)
KEPT = 90 * DAY  # after its end an event stays that long
AHEAD = 366 * DAY

Sequences = Mapping[UUID, int]  # of the cancelled occurrences of a series


class NamedRow(NamedTuple):
    """A window of a series, as far as its name goes."""

    id: int
    uid: UUID | None
    occurs_on: date | None


class OccurrenceEvent(NamedTuple):
    """An occurrence with the identity that its window will have."""

    uid: UUID
    sequence: int
    occurrence: Occurrence


def make_uid(*names: object) -> UUID:
    """Return a stable, globally unique id: a UUID, as RFC 7986, section 5.3, recommends."""
    return uuid5(NAMESPACE, " ".join(map(str, names)))


def end_of(now: datetime) -> datetime:
    """Return the time up to which calendars show occurrences.

    Whole days, so that the bytes of an unchanged calendar change at most once a day.
    """
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + AHEAD


def name(series: WindowSeries, day: date, taken: Container[UUID | None] = ()) -> UUID:
    """Return the UID of the occurrence on a local date, other than those of windows."""
    names = ("series", series.pk, series.created_at.isoformat(), day + series.uid_shift * DAY)
    uids = (make_uid(*names, *([number] if number else [])) for number in count())
    return next(uid for uid in uids if uid not in taken)


def number(series: WindowSeries, uid: UUID, cancelled: Sequences) -> int:
    """Return the SEQUENCE of an occurrence, which the series may have dropped before."""
    return max(series.sequence, cancelled[uid] + 1) if uid in cancelled else series.sequence


def coming(
    series: WindowSeries,
    windows: Iterable[NamedRow],
    cancelled: Sequences,
    due: Iterable[Occurrence],
) -> list[OccurrenceEvent]:
    """Return the events of those occurrences that have none of these windows."""
    rows = list(windows)
    dates, taken = {row.occurs_on for row in rows}, {row.uid for row in rows}
    found = []
    for one in due:
        if one.date not in dates:
            uid = name(series, one.date, taken)
            found.append(OccurrenceEvent(uid, number(series, uid, cancelled), one))
    return found


def due(
    series: WindowSeries, now: datetime, stop: datetime, freezes: FreezeCalendar
) -> list[Occurrence]:
    """Return the occurrences of which there are or will be windows: none in a freeze."""
    if series.ended_at is not None:
        return []
    try:
        found = list(series.recurrence().occurrences(now, stop))
    except RuleError:
        return []  # written with SQL; no windows are created from it either
    if not freezes:
        return found
    site = [series.site_id]
    return [one for one in found if not freezes.first(site, one.starts_at, one.ends_at)]


def follow_change(
    series: WindowSeries,
    stored: WindowSeries,
    renamed: Mapping[int, date | None],
    now: datetime,
    first: date,
) -> None:
    """Hand the events of the `stored` series on to what it becomes, which is not saved here.

    `renamed` are the new dates of windows by id, `first` the earliest date that may matter.
    """
    dropped = CancelledOccurrence.objects.filter(series=series)
    dropped.filter(ends_at__lt=now - KEPT).delete()
    rows = named_rows([series.pk], first).get(series.pk, [])
    cancelled = dict(dropped.values_list("uid", "sequence"))
    stop = end_of(now)
    freezes = frozen.read(since_when(now))
    of_stored = due(stored, now, stop, freezes)
    before = {one.uid: one for one in coming(stored, rows, cancelled, of_stored)}
    series.uid_shift = stored.uid_shift + _shift(series, stored, now, stop)
    rows = [row._replace(occurs_on=renamed.get(row.id, row.occurs_on)) for row in rows]
    of_series = due(series, now, stop, freezes)
    after = {one.uid: one for one in coming(series, rows, cancelled, of_series)}
    if any(
        after[uid].occurrence[1:] != before[uid].occurrence[1:] for uid in before.keys() & after
    ):
        series.sequence = 1 + max(one.sequence for one in before.values())
    drop([(series, one) for uid, one in before.items() if uid not in after], now)
    changes = series.changes(stored.facts()).keys()
    if changes - UNSEEN:
        series.changed_at = now
    if "title" in changes:
        series.retitled_at = now


def named_rows(ids: Collection[int], first: date) -> dict[int, list[NamedRow]]:
    """Return the windows of the series by its id, but for those whose time is long over."""
    near = Q(occurs_on=None) | Q(occurs_on__gte=first)
    rows = MaintenanceWindow.objects.filter(near, series__in=ids)
    found: dict[int, list[NamedRow]] = {}
    for series_id, *row in rows.values_list("series_id", *NamedRow._fields):
        found.setdefault(series_id or 0, []).append(NamedRow._make(row))
    return found


def of_new(
    made: Mapping[WindowSeries, Sequence[Occurrence]], now: datetime
) -> dict[int, list[OccurrenceEvent]]:
    """Return the events of occurrences that get a window now, by the id of the series.

    They have the identity that the calendar has shown for them.
    """
    names = {series.pk: [name(series, one.date) for one in due] for series, due in made.items()}
    taken, cancelled = _taken(names, now), cancelled_by_series(names)
    found: dict[int, list[OccurrenceEvent]] = {}
    for series, due in made.items():
        others, numbers = taken.get(series.pk, ()), cancelled.get(series.pk, {})
        found[series.pk] = []
        for one, first in zip(due, names[series.pk], strict=True):
            uid = name(series, one.date, others) if first in others else first
            found[series.pk].append(OccurrenceEvent(uid, number(series, uid, numbers), one))
    return found


def _taken(names: Mapping[int, list[UUID]], now: datetime) -> dict[int, set[UUID | None]]:
    """Return the UIDs of the windows of those series in which a name is taken, by series id."""
    first = (now - LONGEST_WINDOW - 4 * DAY).date()
    near = Q(occurs_on=None) | Q(occurs_on__gte=first)
    # A new series has no windows; its thousands of names need not be looked for.
    rows = MaintenanceWindow.objects.filter(near, series__in=list(names)).order_by()
    ids = rows.values_list("series_id", flat=True).distinct()
    uids = [uid for pk in ids for uid in names[pk or 0]]
    met = set(ids.filter(uid__in=uids)) if uids else set()
    found = named_rows(met, first) if met else {}
    return {pk: {row.uid for row in windows} for pk, windows in found.items()}


def cancelled_by_series(ids: Collection[int]) -> dict[int, dict[UUID, int]]:
    """Return the SEQUENCEs of cancelled occurrences by UID, by series."""
    found: dict[int, dict[UUID, int]] = {}
    rows = CancelledOccurrence.objects.filter(series__in=ids)
    for series_id, uid, sequence in rows.values_list("series_id", "uid", "sequence"):
        found.setdefault(series_id, {})[uid] = sequence
    return found


def raise_sequence(moved: Collection[WindowSeries], now: datetime) -> None:
    """Renumber the occurrences of series that move without being edited: zone data changed."""
    if not moved:
        return
    ids = [series.pk for series in moved]
    WindowSeries.objects.filter(pk__in=ids).update(sequence=F("sequence") + 1, changed_at=now)
    CancelledOccurrence.objects.filter(series__in=ids).update(sequence=F("sequence") + 1)
    for series in moved:
        series.sequence, series.changed_at = series.sequence + 1, now


def _shift(series: WindowSeries, stored: WindowSeries, now: datetime, stop: datetime) -> int:
    """Return by how many days the dates of the same instants differ after a change of zone."""
    if series.zone == stored.zone or series.ended_at is not None:
        return 0
    names = {one.starts_at: one.date for one in series.recurrence().occurrences(now, stop)}
    try:
        before = list(stored.recurrence().occurrences(now, stop))
    except RuleError:
        return 0
    days = Counter(
        (one.date - names[one.starts_at]).days for one in before if one.starts_at in names
    )
    return days.most_common(1)[0][0] if days else 0


def drop(dropped: Collection[tuple[WindowSeries, OccurrenceEvent]], now: datetime) -> None:
    """Remember the events that series no longer have as cancelled."""
    rows = CancelledOccurrence.objects.filter(series__in={series.pk for series, _one in dropped})
    rows.filter(uid__in=[one.uid for _series, one in dropped]).delete()
    CancelledOccurrence.objects.bulk_create(
        CancelledOccurrence(
            series=series,
            uid=one.uid,
            sequence=one.sequence + 1,
            changed_at=now,
            starts_at=one.occurrence.starts_at,
            ends_at=one.occurrence.ends_at,
        )
        for series, one in dropped
    )
