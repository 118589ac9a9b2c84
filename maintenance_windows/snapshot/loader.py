"""The snapshot as the database has it."""

import logging
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice

from django.db import router

from maintenance_windows.conf import conf
from maintenance_windows.core.intervals import Span
from maintenance_windows.core.state import Closure, PatternKind, SiteState, Snapshot
from maintenance_windows.logonce import LogOnce
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.models.querysets import follow
from maintenance_windows.models.statements import (
    SLICE,
    Row,
    Statement,
    Window,
    ask,
    closing,
    patterns,
    sites,
    waiting,
)
from maintenance_windows.snapshot.threads import yield_gil

# A database that dies within this time before its own maintenance does not keep it from starting.
LEAST_AHEAD = timedelta(hours=1)
# Sites whose domains and the like are read at once: what a database answers meanwhile takes a
# processor from requests, where there are few.
BATCH = 2 * SLICE

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

    What closes a site now or soon is one statement, so that a window that opens meanwhile is in
    it once, not never. What follows on from there is read after it.

    However many sites there are, no other thread waits for long. A state that is as in `last` is
    that one: so what was found out about it is kept, and little is made anew.

    `only` are some ids of sites, for whoever asks about a page of them.
    """
    if only is not None and not only:
        return NOTHING
    ahead = now + max(LEAST_AHEAD, conf.MAINTENANCE_BANNER_LEAD)
    using = router.db_for_read(MaintenanceWindow)
    # Tuples of plain values alone, which the garbage collector does not walk through.
    near: dict[int, tuple[Row, ...]] = {}
    for row in _asked(using, closing(only), ahead=ahead):
        near[row[0]] = (*near.get(row[0], ()), row)
    if not near:
        if only is None:
            left_out.now({})
        return NOTHING
    wrong: dict[Hashable, str] = {}

    def states() -> Iterator[SiteState]:
        remaining = iter(list(near))
        while batch := list(islice(remaining, BATCH)):
            later = _later(using, (row for site_id in batch for row in near[site_id]), ahead)
            ignored = _patterns(using, batch, wrong)
            for site_id, domain, is_on, bypass, since, until in _asked(using, sites(batch)):
                rows = (*near.pop(site_id), *later[site_id])
                if not (closures := tuple(_closures(rows, now, wrong))):
                    continue
                state = SiteState(
                    site_id=site_id,
                    domain=domain,
                    closures=closures,
                    patterns=tuple(ignored[site_id]),
                    recorded=Span(since, until) if is_on and since else None,
                    bypass=bypass or 0,  # none where somebody deleted the flag's row
                )
                known = last.by_id.get(site_id)
                yield known if known == state else state

    snapshot = Snapshot(states(), with_port)
    if only is None:
        left_out.now(wrong)
    return snapshot


def _asked(using: str, statement: Statement, **moments: datetime) -> Iterator[Row]:
    return yield_gil(ask(using, statement, **moments), SLICE)


def _later(using: str, rows: Iterable[Row], ahead: datetime) -> Mapping[int, list[Row]]:
    """What may follow on from windows that end after `ahead`."""

    def read(site_ids: Iterable[int], after: datetime, upto: datetime) -> list[Window]:
        found = _asked(using, waiting(site_ids), after=after, upto=upto)
        return [Window(*row) for row in found]

    later: defaultdict[int, list[Row]] = defaultdict(list)
    for window in follow(((row[0], row[-1]) for row in rows if row[-1]), ahead, read):
        later[window.site_id].append(window)
    return later


def _patterns(
    using: str, site_ids: list[int], wrong: dict[Hashable, str]
) -> Mapping[int, list[tuple[PatternKind, str]]]:
    found: defaultdict[int, list[tuple[PatternKind, str]]] = defaultdict(list)
    for site_id, kind, pattern in _asked(using, patterns(site_ids)):
        if kind not in set(PatternKind):
            wrong[site_id, kind] = f"Left out an ignored URL of site {site_id}: it is {kind!r}"
        else:
            found[site_id].append((PatternKind(kind), pattern))
    return found


def _closures(rows: Iterable[Row], now: datetime, wrong: dict[Hashable, str]) -> Iterator[Closure]:
    for site_id, window, level, message, started_at, starts_at, ends_at in rows:
        try:
            yield Closure.of(
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
