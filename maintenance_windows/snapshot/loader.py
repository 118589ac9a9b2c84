"""The snapshot as the database has it."""

import logging
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from django.contrib.sites.models import Site
from django.db.models import QuerySet

from maintenance_windows.conf import conf
from maintenance_windows.core.intervals import Span
from maintenance_windows.core.state import Closure, Level, PatternKind, SiteState, Snapshot
from maintenance_windows.logonce import LogOnce
from maintenance_windows.models import MaintenanceWindow, SiteMaintenance, all_sites
from maintenance_windows.models.querysets import among
from maintenance_windows.snapshot.threads import give_way

# A database that dies within this time before its own maintenance does not keep it from starting.
LEAST_AHEAD = timedelta(hours=1)
# So many sites are read by as few queries as can be, in a few milliseconds. Of more, half as many
# are read at once, and requests have their turn after each query.
BATCH = 100

WINDOW = ("site_id", "pk", "level", "message", "started_at", "starts_at", "ends_at")
FLAG = ("in_maintenance", "bypass", "since", "until", "level", "message")
IGNORED = ("ignored_urls__kind", "ignored_urls__pattern")
# A row for each ignored URL, and one where there is none.
SITE = ("pk", "domain", *(f"maintenance__{name}" for name in (*FLAG, *IGNORED)))

NOTHING = Snapshot()

# Rows that only SQL can have written mean nothing, and spoil no others.
left_out = LogOnce(logging.getLogger(__name__))


def load(
    now: datetime,
    with_port: Collection[str] = frozenset(),
    last: Snapshot = NOTHING,
    only: Collection[int] | None = None,
) -> Snapshot:
    """Read the snapshot at `now`: one small query while no site is in or near maintenance.

    However many sites there are, no other thread waits for long. A state that is as in `last` is
    that one: so what was found out about it is kept, and little is made anew.

    `only` are some ids of sites, for whoever asks about a page of them.
    """
    ahead = now + max(LEAST_AHEAD, conf.MAINTENANCE_BANNER_LEAD)
    wrong: dict[Hashable, str] = {}

    def states() -> Iterator[SiteState]:
        site_ids = _near(ahead) if only is None else only
        many = len(site_ids) > BATCH
        size = BATCH // 2 if many else BATCH
        remaining = iter(site_ids)
        while batch := list(islice(remaining, size)):
            found = {state.site_id: state for state in _states(batch, now, ahead, wrong, many=many)}
            if only is None and len(found) < len(batch):
                # Between two queries a hold may have become a window, or a window a hold.
                again = [site_id for site_id in batch if site_id not in found]
                found |= {one.site_id: one for one in _states(again, now, ahead, wrong, many=many)}
            for site_id, state in found.items():
                known = last.by_id.get(site_id)
                yield known if known == state else state

    snapshot = Snapshot(states(), with_port)
    if only is None:
        left_out.now(wrong)
    return snapshot


def _near(ahead: datetime) -> Collection[int]:
    """The sites that are down or will be by `ahead`: each in one of the indexes of live rows.

    One statement, so that a window that starts meanwhile is in it once, not never.
    """
    held, running, waiting = (part.all() for part in _near_parts())
    return dict.fromkeys(held.union(running, waiting.filter(starts_at__lte=ahead), all=True))


# To put a query together takes as long as to answer it: so it is done once.
@cache
def _near_parts() -> list[QuerySet[Any, Any]]:
    windows = MaintenanceWindow.objects
    parts = SiteMaintenance.objects.held(), windows.running(), windows.waiting()
    return [part.values_list("site_id", flat=True) for part in parts]


@cache
def _sites() -> QuerySet[Site, Any]:
    return all_sites().order_by("pk").values_list(*SITE)


@cache
def _windows() -> Any:
    return MaintenanceWindow.objects.values_list(*WINDOW, named=True)


def _states(
    site_ids: list[int],
    now: datetime,
    ahead: datetime,
    wrong: dict[Hashable, str],
    *,
    many: bool,
) -> Iterator[SiteState]:
    """Those of these sites that are down or will be by `ahead`.

    Flags are read before windows: a hold that becomes a window meanwhile is found twice, not never.
    """
    sites = list(_sites().filter(pk__in=among(site_ids)))
    if many:
        give_way()
    closures = _closures(site_ids, now, ahead, wrong)
    if many:
        give_way()
    for (site_id, domain, *flag), rows in groupby(sites, key=itemgetter(slice(-len(IGNORED)))):
        is_down, bypass, since, until, level, message = flag
        if is_down and until is None:
            span = Span(min(since or now, now), None)  # a hold made with SQL has no start yet
            try:
                closures[site_id].append(Closure(span=span, level=Level(level), message=message))
            except ValueError as error:
                wrong[site_id] = f"Left out the hold of site {site_id}: {error}"
        if found := closures[site_id]:
            yield SiteState(
                site_id=site_id,
                domain=domain,
                closures=tuple(found),
                patterns=tuple(_patterns(site_id, rows, wrong)),
                recorded=Span(since, until) if is_down and since else None,
                bypass=bypass or 0,  # none where somebody deleted the flag's row
            )


def _closures(
    site_ids: list[int], now: datetime, ahead: datetime, wrong: dict[Hashable, str]
) -> Mapping[int, list[Closure]]:
    found: defaultdict[int, list[Closure]] = defaultdict(list)
    for row in _windows().filter(site__in=among(site_ids)).reaching(ahead):
        site_id, window, level, message, started_at, starts_at, ends_at = row
        try:
            closure = Closure.of(
                started_at=started_at,
                starts_at=starts_at,
                ends_at=ends_at,
                level=level,
                message=message,
                window=window,
                now=now,
            )
        except ValueError as error:
            wrong[site_id, window] = f"Left out window {window} of site {site_id}: {error}"
        else:
            found[site_id].append(closure)
    return found


def _patterns(
    site_id: int, rows: Iterable[tuple[Any, ...]], wrong: dict[Hashable, str]
) -> Iterator[tuple[PatternKind, str]]:
    for *_, kind, pattern in rows:
        if kind is None:
            continue  # it has none
        if kind not in set(PatternKind):
            wrong[site_id, kind] = f"Left out an ignored URL of site {site_id}: it is {kind!r}"
        else:
            yield PatternKind(kind), pattern
