"""The status of sites, windows and the scheduler as plain values: the JSON that scripts rely on.

Times are formatted by RFC 3339 in UTC, durations as whole seconds.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.contrib.sites.models import Site
from django.db.models import OuterRef, Subquery

from maintenance_windows.conf import conf
from maintenance_windows.core.freezes import SEARCH
from maintenance_windows.core.intervals import rfc3339
from maintenance_windows.core.recurrence import Occurrence
from maintenance_windows.core.retry import retry_after
from maintenance_windows.core.state import Maintenance
from maintenance_windows.exceptions import RuleError
from maintenance_windows.models import (
    Freeze,
    MaintenanceWindow,
    Scheduler,
    WindowSeries,
    all_sites,
)
from maintenance_windows.models.querysets import among
from maintenance_windows.models.search import FEW
from maintenance_windows.planning.frozen import freezings, site_ids
from maintenance_windows.planning.series.preview import preview
from maintenance_windows.snapshot.cache import written_at
from maintenance_windows.snapshot.loader import load

Record = dict[str, Any]


def scheduler(now: datetime) -> Record:
    """Return the last tick, and whether it is recent enough (MAINTENANCE_TICK_MAX_AGE).

    `kind` is what made it: "celery", "scheduler" (`maintenance scheduler`), "cron", or None;
    `consumed` is False while beat finds that nobody takes its messages.
    """
    row = Scheduler.objects.first() or Scheduler()
    last = row.last_tick
    return {
        "last_tick": rfc3339(last),
        "healthy": last is not None and abs(now - last) <= conf.MAINTENANCE_TICK_MAX_AGE,
        "kind": row.kind or None,
        "consumed": not row.is_unconsumed,
    }


def snapshot(now: datetime) -> Record:
    """Return when a web process last wrote the shared snapshot, and how many seconds ago.

    Processes that start while the database is down answer by it. Both are None without a cache
    that processes share, or before the first request.
    """
    written = written_at()
    age = None if written is None else max(0, round((now - written).total_seconds()))
    return {"written_at": rfc3339(written), "age": age}


def forced() -> str | None:
    """Return MAINTENANCE_FORCE as this process has it: "on", "off", or None."""
    return conf.MAINTENANCE_FORCE


def sites(chosen: Collection[Site], now: datetime) -> list[Record]:
    """Return the state of each site, by the rule that the middleware uses."""
    ids = [site.pk for site in chosen]
    states = load(now, only=ids if len(ids) <= FEW else None).by_id
    upcoming = _upcoming(chosen, now)
    return [
        _site(site, state.at(now) if (state := states.get(site.pk)) else None, now)
        | {"next": upcoming.get(site.pk)}
        for site in chosen
    ]


def _site(site: Site, maintenance: Maintenance | None, now: datetime) -> Record:
    if maintenance is None:
        keys = ("level", "since", "until", "window", "retry_after")
        return {"site": site.domain, "in_maintenance": False, "held": False} | dict.fromkeys(keys)
    return {
        "site": site.domain,
        "in_maintenance": True,
        "level": maintenance.level.value,
        "since": rfc3339(maintenance.since),
        "until": rfc3339(maintenance.until),
        "held": maintenance.held,
        "window": maintenance.window,
        "retry_after": retry_after(maintenance, now, conf.MAINTENANCE_RETRY_AFTER),
    }


def series(found: Iterable[WindowSeries], now: datetime) -> list[Record]:
    """Return recurring windows, and the next window of each: its `id` is None before it exists."""
    return [
        {
            "id": one.pk,
            "site": one.site.domain,
            "rule": one.rule,
            "words": one.words(),
            "start": datetime.combine(one.starts_on, one.start_time).isoformat(),
            "zone": one.zone,
            "length": round(one.length.total_seconds()),
            "by_clock": one.by_clock,
            "excluded": one.excluded,
            "level": one.level,
            "title": one.title,
            "message": one.message,
            "published_at": rfc3339(one.published_at),
            "ended_at": rfc3339(one.ended_at),
            "next": _next_of(one, now),
        }
        for one in found
    ]


def _next_of(series: WindowSeries, now: datetime) -> Record | None:
    try:
        coming = preview(series, now, FEW) if series.ended_at is None else []
    except RuleError:
        return None  # written with SQL
    for one in coming:
        if one.frozen:
            continue
        times = {"starts_at": rfc3339(one.starts_at), "ends_at": rfc3339(one.ends_at)}
        window = one.window or series.windows.live(now).filter(starts_at=one.starts_at).first()
        return {"id": window.pk if window else None, **times}
    return None


def _upcoming(chosen: Collection[Site], now: datetime) -> dict[int, Record]:
    """Return the next window of each site; cheap even with very many sites."""
    waiting = MaintenanceWindow.objects.waiting().filter(starts_at__gt=now)
    of_site = waiting.filter(site=OuterRef("pk")).order_by("starts_at", "pk")
    sites = all_sites().filter(pk__in=[site.pk for site in chosen])
    first = sites.order_by().values_list(Subquery(of_site.values("pk")[:1]), flat=True)
    # Look up ids only: with more conditions, planners read all scheduled windows.
    found = MaintenanceWindow.objects.in_bulk([pk for pk in first if pk])
    return {
        window.site_id: {
            "id": window.pk,
            "starts_at": rfc3339(window.starts_at),
            "ends_at": rfc3339(window.ends_at),
        }
        for window in found.values()
    }


def windows(chosen: Iterable[MaintenanceWindow], now: datetime) -> list[Record]:
    """Return each window with its status at `now`. Select the related sites beforehand."""
    return [
        {
            "id": window.pk,
            "site": window.site.domain,
            "status": window.status_at(now).value,
            "level": window.level,
            "title": window.title,
            "message": window.message,
            "published_at": rfc3339(window.published_at),
            "starts_at": rfc3339(window.starts_at),
            "ends_at": rfc3339(window.ends_at),
            "started_at": rfc3339(window.started_at),
            "ended_at": rfc3339(window.ended_at),
            "series": window.series_id,
        }
        for window in chosen
    ]


def freezes(chosen: Collection[Freeze], now: datetime) -> list[Record]:
    """Return each freeze; `sites` is None for all. The times of a rule are its present or next."""
    ids = site_ids(chosen)
    named = {pk for some in ids.values() for pk in some}
    rows = all_sites().filter(pk__in=among(named)) if named else all_sites().none()
    domains = dict(rows.values_list("pk", "domain"))
    times = {one.id: next(one.times(now, now + SEARCH), None) for one in freezings(chosen)}
    records = []
    for row in chosen:
        at = times.get(row.pk)
        known = [domains[pk] for pk in ids[row.pk] if pk in domains]
        records.append(
            {
                "id": row.pk,
                "sites": None if row.everywhere else sorted(known),
                "reason": row.reason,
                "starts_at": rfc3339(row.starts_at or (at and at.starts_at)),
                "ends_at": rfc3339(row.ends_at or (at and at.ends_at)),
                "rule": row.rule or None,
                "zone": row.zone or None,
                "created_by": row.created_by,
                "ended_at": rfc3339(row.ended_at),
            }
        )
    return records


def occurrences(chosen: Iterable[Occurrence]) -> list[Record]:
    return [
        {"starts_at": rfc3339(one.starts_at), "ends_at": rfc3339(one.ends_at)} for one in chosen
    ]
