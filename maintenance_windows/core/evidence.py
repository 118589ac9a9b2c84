"""Ignorance never replaces knowledge: a missing row does not bring up a site.

While a backup is being restored, tables are empty for some time, in any order. A closure that was
known goes only if its time is over, if a row says so, or if the rows of others prove that its own
was deleted.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from maintenance_windows.core.state import Closure, SiteState, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """What the flag's row of a site says. `ordered_at` is the last order of a person."""

    held: bool
    in_maintenance: bool
    ordered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows that were found: those of the closures `asked` for, and whether there are any.

    `has_history` is whether there is a status change of any site.
    """

    asked: Mapping[int, Collection[Closure]]
    sites: Collection[int]
    flags: Mapping[int, Flag]
    windows: Collection[int]
    has_sites: bool
    has_windows: bool
    has_history: bool


Lost = Mapping[int, tuple[Closure, ...]]


def lost(known: Snapshot, loaded: Snapshot, now: datetime) -> Lost:
    """Return the closures of each site that are known, not over, and no longer loaded."""
    found = {}
    for site_id, state in known.by_id.items():
        fresh = loaded.by_id.get(site_id)
        if fresh is state:
            continue
        ids = {closure.window for closure in fresh.closures} if fresh else set()
        closures = tuple(one for one in state.closures if _is_lost(one, ids, now))
        if closures:
            found[site_id] = closures
    return found


def _is_lost(closure: Closure, loaded: Collection[int | None], now: datetime) -> bool:
    is_over = closure.span.end is not None and closure.span.end <= now
    return not is_over and closure.window not in loaded


def merge_unproven(
    known: Snapshot, loaded: Snapshot, now: datetime, rows: Rows, seen_at: datetime
) -> Snapshot:
    """Return what was loaded after `rows`, with those lost closures that no row disproves.

    What was lost after the rows were read has yet to be asked for. `seen_at` is when `known` was
    read: an order after that counts, whatever else is missing.
    """
    kept = dict(loaded.by_id)
    for site_id, lost_here in lost(known, loaded, now).items():
        state, fresh = known.by_id[site_id], loaded.by_id.get(site_id)
        unproven = [
            closure
            for closure in lost_here
            if closure not in rows.asked.get(site_id, ())
            or not _is_disproven(closure, state, rows, seen_at, is_down=fresh is not None)
        ]
        if unproven:
            base = fresh or replace(state, closures=())
            kept[site_id] = replace(base, closures=(*base.closures, *unproven))
    return Snapshot(kept.values(), loaded.with_port)


def _is_disproven(
    closure: Closure, state: SiteState, rows: Rows, seen_at: datetime, *, is_down: bool
) -> bool:
    if state.site_id not in rows.sites:
        return rows.has_sites  # then the Site was deleted
    if closure.window in rows.windows:
        return True  # it was ended, cancelled or moved
    flag = rows.flags.get(state.site_id)
    if flag is None:
        return False
    if flag.ordered_at is not None and flag.ordered_at > seen_at:
        return not flag.held
    if closure.span.end is None:
        # A status change of this site was recorded, so its history cannot be empty.
        is_filled = rows.has_history or state.recorded is None
        return not flag.held and is_filled
    return rows.has_windows and (is_down or not flag.in_maintenance)


def keep_revocations(known: Snapshot, loaded: Snapshot) -> Snapshot:
    """Return what was loaded, with each site's newest revocation of bypass links.

    A restored row may be older than the revocation.
    """
    older = {
        site_id: replace(state, bypass=known.by_id[site_id].bypass)
        for site_id, state in loaded.by_id.items()
        if site_id in known.by_id and state.bypass < known.by_id[site_id].bypass
    }
    if not older:
        return loaded
    return Snapshot((loaded.by_id | older).values(), loaded.with_port)  # type: ignore[operator]
