"""Freezes as events of the calendar of all sites, which only staff can read."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from django.db.models import Q

from maintenance_windows.calendar.ical import CalendarEvent
from maintenance_windows.core.freezes import FrozenTime
from maintenance_windows.core.intervals import Span
from maintenance_windows.models import Freeze, all_sites
from maintenance_windows.models.querysets import among
from maintenance_windows.planning.frozen import freezings, site_ids
from maintenance_windows.planning.series.events import AHEAD, KEPT, end_of, make_uid

MOST_NAMED = 10  # sites in a summary


def of_freezes(period: Span, now: datetime, stop: datetime) -> Iterator[CalendarEvent]:
    """Yield the times of all freezes in the period, before `stop`.

    Times that were still to come when somebody ended the freeze are cancelled, and one in progress
    became shorter.
    """
    recent = Q(ended_at=None) | Q(ended_at__gt=now - AHEAD - KEPT)
    over = Q(ends_at__lte=period.start)
    rows = {row.pk: row for row in Freeze.objects.filter(recent).exclude(over)}
    where = _where(list(rows.values()))
    for freezing in freezings(rows.values()):
        row = rows[freezing.id]
        last = end_of(row.ended_at) if row.ended_at else stop  # no later time was ever shown
        for time in replace(freezing, ended_at=None).times(period.start, min(stop, last)):
            yield _event(row, time, where[row.pk])


def _event(row: Freeze, time: FrozenTime, where: str) -> CalendarEvent:
    ended_at = row.ended_at
    cancelled = ended_at is not None and ended_at <= time.starts_at
    shortened = ended_at is not None and time.starts_at < ended_at < time.ends_at
    return CalendarEvent(
        uid=str(make_uid("freeze", row.pk, row.created_at.isoformat(), time.starts_at.isoformat())),
        sequence=int(cancelled or shortened),
        changed_at=ended_at if ended_at and (cancelled or shortened) else row.created_at,
        starts_at=time.starts_at,
        ends_at=ended_at if ended_at and shortened else time.ends_at,
        cancelled=cancelled,
        summary=f"{'Cancelled: ' if cancelled else ''}Freeze: {row.reason} ({where})",
        description="",
        busy=False,
    )


def _where(rows: Sequence[Freeze]) -> dict[int, str]:
    """Name the sites of each freeze."""
    ids = site_ids(rows)
    named = {pk: sites[:MOST_NAMED] for pk, sites in ids.items()}
    wanted = {pk for some in named.values() for pk in some}
    found = all_sites().filter(pk__in=among(wanted)) if wanted else all_sites().none()
    domains = dict(found.values_list("pk", "domain"))
    return {
        row.pk: "all sites"
        if row.everywhere
        else ", ".join(sorted(domains[pk] for pk in named.get(row.pk, []) if pk in domains))
        + (", …" if len(ids[row.pk]) > MOST_NAMED else "")
        for row in rows
    }
