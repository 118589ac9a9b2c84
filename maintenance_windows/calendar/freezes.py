"""Freezes as events of the calendar of all sites, which only staff can read."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from maintenance_windows.calendar.ical import CalendarEvent
from maintenance_windows.core.freezes import FrozenTime
from maintenance_windows.core.intervals import Span
from maintenance_windows.models import Freeze, all_sites
from maintenance_windows.models.querysets import among
from maintenance_windows.planning.frozen import freezings, site_ids
from maintenance_windows.planning.series.events import make_uid

MOST_NAMED = 10  # sites in a summary


def of_freezes(period: Span, stop: datetime) -> Iterator[CalendarEvent]:
    """Yield the times of all freezes in the period, before `stop`.

    A freeze that was ended before a time of it began does not have this time.
    """
    rows = {row.pk: row for row in Freeze.objects.after(period.start)}
    where = _where(list(rows.values()))
    for freezing in freezings(rows.values()):
        for time in freezing.times(period.start, stop):
            yield _event(rows[freezing.id], time, where[freezing.id])


def _event(row: Freeze, time: FrozenTime, where: str) -> CalendarEvent:
    return CalendarEvent(
        uid=str(make_uid("freeze", row.pk, row.created_at.isoformat(), time.starts_at.isoformat())),
        sequence=int(time.ends_at == row.ended_at),
        changed_at=row.ended_at or row.created_at,
        starts_at=time.starts_at,
        ends_at=time.ends_at,
        cancelled=False,
        summary=f"Freeze: {row.reason} ({where})",
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
