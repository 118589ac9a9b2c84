"""The verb that makes freezes from the events of a calendar, such as one of holidays.

An event is known again by its UID, so a second import of the same calendar changes nothing, and
one of a later edition changes only what is different in it.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from django.contrib.sites.models import Site
from django.db import router, transaction

from maintenance_windows.models import Freeze, all_sites
from maintenance_windows.models.querysets import among
from maintenance_windows.planning import arguments, freezes
from maintenance_windows.planning.frozen import site_ids
from maintenance_windows.planning.series.apply import SeriesChange
from maintenance_windows.planning.series.following import follow_freezes
from maintenance_windows.reconcile.lock import Clock, locked

BATCH = 500
Scope = frozenset[int] | None  # ids of sites; None for all


class Known(NamedTuple):
    """A freeze that an earlier import made."""

    row: Freeze
    sites: Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event of a calendar. `freeze` is unsaved, and None for an event that is cancelled.

    `key` names the event for good.
    """

    key: str
    freeze: Freeze | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What became of the events of a calendar.

    `made` are new freezes, `ended` those whose events were changed or cancelled. `count` has the
    events that are unchanged, past, and taken back: a freeze that somebody ended does not return.
    """

    made: list[Freeze] = field(default_factory=list)
    ended: list[Freeze] = field(default_factory=list)
    count: Counter[str] = field(default_factory=Counter)
    series: list[SeriesChange] = field(default_factory=list)


def follow(
    events: Sequence[Event],
    sites: Iterable[Site] | None,
    *,
    actor: str = "",
    clock: Clock | None = None,
    dry_run: bool = False,
) -> Followed:
    """Make the freezes of the sites, or of all sites with None, agree with these events.

    An event that was changed since its import replaces its freeze, on all sites that had it.
    """
    named = None if sites is None else arguments.as_sites(sites)
    result = Followed()
    with locked(clock) as now:
        known = _known([event.key for event in events])
        with follow_freezes(now):
            for event in events:
                _follow(event, known[event.key], named, result, now=now, actor=actor)
        if dry_run:
            transaction.set_rollback(True, using=router.db_for_write(Freeze))
    if dry_run:
        return result
    rows = [*result.made, *result.ended]
    return replace(result, series=freezes.settle_series(rows, clock))


def _follow(
    event: Event,
    known: Collection[Known],
    sites: list[Site] | None,
    result: Followed,
    *,
    now: datetime,
    actor: str,
) -> None:
    new = event.freeze
    live = [one for one in known if one.row.ended_at is None]
    changed = [one for one in live if new is None or one.row.content() != new.content()]
    changed = [one for one in changed if not freezes.is_past(one.row, now)]
    for one in changed:
        freezes.end(one.row, now, actor)
        result.ended.append(one.row)
    if new is None:
        return
    if freezes.is_past(new, now):
        result.count["past"] += 1
        return
    same = [one for one in live if one.row.content() == new.content()]
    # What is ended now and what an earlier edition of the calendar had was not taken back.
    ended = [one for one in known if one not in live and not changed]
    ended = [one for one in ended if one.row.content() == new.content()]
    wanted = _union([None if sites is None else frozenset(site.pk for site in sites)], changed)
    remaining = _without(wanted, _union([], [*same, *ended]))
    if remaining is not None and not remaining:
        result.count["taken_back" if ended and not same else "unchanged"] += 1
        return
    new.event = event.key
    found = None if remaining is None else list(all_sites().filter(pk__in=among(remaining)))
    freezes.make(new, found, now, actor)
    result.made.append(new)


def _known(keys: Sequence[str]) -> defaultdict[str, list[Known]]:
    """Return the freezes of these events, also those that have ended, by event."""
    found: defaultdict[str, list[Known]] = defaultdict(list)
    rows = [
        row
        for at in range(0, len(keys), BATCH)
        for row in Freeze.objects.filter(event__in=keys[at : at + BATCH]).order_by("pk")
    ]
    ids = site_ids(rows)
    for row in rows:
        found[row.event].append(Known(row, None if row.everywhere else frozenset(ids[row.pk])))
    return found


def _union(scopes: Iterable[Scope], known: Iterable[Known]) -> Scope:
    found = [*scopes, *(one.sites for one in known)]
    if any(scope is None for scope in found):
        return None
    return frozenset[int]().union(*(scope for scope in found if scope))


def _without(wanted: Scope, covered: Scope) -> Scope:
    """Return the sites that are not covered; all if not all of them are."""
    if covered is None:
        return frozenset()
    return None if wanted is None else wanted - covered
