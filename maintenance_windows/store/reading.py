"""The snapshot as the database has it."""

import logging
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sites.models import Site
from django.db.models import BigIntegerField, Value

from maintenance_windows.complaints import Complaints
from maintenance_windows.conf import conf
from maintenance_windows.models import IgnoredURL, MaintenanceWindow, SiteMaintenance
from maintenance_windows.patterns import is_usable
from maintenance_windows.snapshot import Closure, PatternKind, SiteState, Snapshot
from maintenance_windows.timeline import Span

# A database that dies within this time before its own maintenance does not keep it from starting.
LEAST_AHEAD = timedelta(hours=1)

FLAG = [f"maintenance__{name}" for name in ("in_maintenance", "since", "until", "bypass")]

NOTHING = Snapshot()

# Rows that only SQL can have written mean nothing, and spoil no others.
left_out = Complaints(logging.getLogger(__name__))


def load(now: datetime, with_port: Collection[str] = frozenset()) -> Snapshot:
    """Read the snapshot at `now`: one small query while no site is in or near maintenance.

    What closes a site now or soon is one statement, so that a window that opens meanwhile is in
    it once, not never. What follows on from there is read after it.
    """
    ahead = now + max(LEAST_AHEAD, conf.banner_lead)
    windows = MaintenanceWindow.objects
    columns = ("site_id", "pk", "level", "message", "started_at", "starts_at", "ends_at")
    nothing = Value(None, output_field=BigIntegerField())
    rows = (
        windows.running()
        .values_list(*columns)
        .union(
            windows.waiting().filter(starts_at__lte=ahead).values_list(*columns),
            SiteMaintenance.objects.held().values_list(
                "site_id", nothing, "level", "message", "since", "since", "until"
            ),
            all=True,
        )
    )
    wrong: dict[Hashable, str] = {}
    closures = defaultdict(list)
    for site_id, closure in _closures(rows, now, wrong):
        closures[site_id].append(closure)
    ends = [(site_id, c.span.end) for site_id, found in closures.items() for c in found]
    known = [(site_id, end) for site_id, end in ends if end is not None]
    later = windows.following(known, ahead)
    more = ([getattr(window, name) for name in columns] for window in later)
    for site_id, closure in _closures(more, now, wrong):
        closures[site_id].append(closure)
    states = _states(closures, wrong) if closures else []
    left_out.now(wrong)
    return Snapshot(states, with_port) if states else NOTHING


def _closures(
    rows: Iterable[Sequence[Any]], now: datetime, wrong: dict[Hashable, str]
) -> Iterator[tuple[int, Closure]]:
    for site_id, window, level, message, started_at, starts_at, ends_at in rows:
        try:
            closure = Closure.of(
                started_at=started_at,
                starts_at=starts_at or now,  # a hold made with SQL has no start yet
                ends_at=ends_at,
                level=level,
                message=message,
                window=window,
                now=now,
            )
        except ValueError as error:
            wrong[site_id, window] = f"Left out window {window} of site {site_id}: {error}"
        else:
            yield site_id, closure


def _states(closures: Mapping[int, list[Closure]], wrong: dict[Hashable, str]) -> list[SiteState]:
    patterns: defaultdict[int, list[tuple[PatternKind, str]]] = defaultdict(list)
    rows = IgnoredURL.objects.filter(maintenance__in=closures)
    for site_id, kind, pattern in rows.values_list("maintenance", "kind", "pattern"):
        if kind not in set(PatternKind):
            wrong[site_id, kind] = f"Left out an ignored URL of site {site_id}: it is {kind!r}"
        elif is_usable(PatternKind(kind), pattern):
            patterns[site_id].append((PatternKind(kind), pattern))
    sites = Site.objects.filter(pk__in=closures)
    return [
        SiteState(
            site_id=site_id,
            domain=domain,
            closures=tuple(closures[site_id]),
            patterns=tuple(patterns[site_id]),
            recorded=Span(since, until) if is_on and since else None,
            bypass=bypass or 0,  # none where somebody deleted the flag's row
        )
        for site_id, domain, is_on, since, until, bypass in sites.values_list("pk", "domain", *FLAG)
    ]
