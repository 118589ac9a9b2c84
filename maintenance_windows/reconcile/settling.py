"""Flags and transitions, written."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import partial
from itertools import islice

from django.db import router, transaction
from django.db.models import F, prefetch_related_objects
from django.db.models.functions import Greatest

from maintenance_windows import signals, store
from maintenance_windows.models import (
    ACTOR_LENGTH,
    MaintenanceWindow,
    SiteMaintenance,
    Transition,
)
from maintenance_windows.snapshot import Closure, Level, Maintenance, SiteState

BATCH = 500
# What a transition is put down to that nobody claims: done with SQL, or by code without a name.
BY_DATABASE = "database"


def settle(
    site_ids: Collection[int],
    now: datetime,
    *,
    actor: str = "",
    ended: Iterable[MaintenanceWindow] = (),
) -> None:
    """Make the flags of these sites right at `now`. Call it inside `locked()`.

    `ended` are the windows that `actor` has just ended before their time.
    """
    causes = {window.site_id: window for window in ended}
    remaining = iter(sorted(site_ids))
    transitions: list[Transition] = []
    while batch := list(islice(remaining, BATCH)):
        transitions += _settle(batch, now, actor, causes)
    transaction.on_commit(
        partial(_announce, transitions), using=router.db_for_write(SiteMaintenance)
    )


def hold(site_ids: Collection[int], level: Level, message: str) -> None:
    """Switch these sites on without an end. Call it inside `locked()`, before `settle()`."""
    _ensure(site_ids)
    SiteMaintenance.objects.filter(pk__in=site_ids).update(
        in_maintenance=True, until=None, level=level, message=message
    )


def release(site_ids: Collection[int]) -> None:
    """Drop the holds of these sites. Call it inside `locked()`, before `settle()`."""
    SiteMaintenance.objects.held().filter(pk__in=site_ids).update(in_maintenance=False)


def _ensure(site_ids: Collection[int]) -> None:
    """Make the rows of sites that were saved behind the back of the signal that makes them."""
    SiteMaintenance.objects.bulk_create(
        [SiteMaintenance(site_id=site_id) for site_id in site_ids], ignore_conflicts=True
    )


def _settle(
    site_ids: list[int], now: datetime, actor: str, causes: dict[int, MaintenanceWindow]
) -> list[Transition]:
    windows = MaintenanceWindow.objects.filter(site__in=site_ids)
    closures: defaultdict[int, list[Closure]] = defaultdict(list)
    live = sorted(windows.reaching(now), key=lambda window: window.ends_at, reverse=True)
    for window in live:
        closures[window.site_id].append(window.closure(now))
        if window.ends_at <= now:
            causes.setdefault(window.site_id, window)
    # A window that nobody saw open or close is recorded with its own times.
    if any(window.started_at is None and window.starts_at <= now for window in live):
        windows.waiting().filter(starts_at__lte=now).update(started_at=F("starts_at"))
    if any(window.ends_at <= now for window in live):
        late = Greatest(F("started_at"), F("ends_at"))  # times may have been edited with SQL
        windows.running().filter(ends_at__lte=now).update(ended_at=late)

    flags = SiteMaintenance.objects.select_for_update().filter(pk__in=site_ids)
    if len(flags) < len(site_ids):
        _ensure(site_ids)
        flags = flags.all()
    written, transitions = [], []
    for flag in flags:
        state = SiteState(site_id=flag.pk, domain="", closures=tuple(closures[flag.pk]))
        maintenance = state.at(now)
        before = flag.content()
        transitions += _missed_seam(flag, maintenance, now)
        was_on = flag.since is not None
        flag.follow(maintenance, now)
        if flag.content() != before:
            written.append(flag)
        if was_on != flag.in_maintenance:
            cause = causes.get(flag.pk)
            transitions.append(_transition(flag, maintenance, cause, now, actor))
    SiteMaintenance.objects.bulk_update(written, SiteMaintenance.CONTENT)
    return Transition.objects.bulk_create(transitions)


def _missed_seam(
    flag: SiteMaintenance, maintenance: Maintenance | None, now: datetime
) -> list[Transition]:
    """The end of a run that nobody saw, where there was a later one, be it over by now or not."""
    if flag.since is None or flag.until is None or not flag.in_maintenance:
        return []
    if flag.until >= (maintenance.since if maintenance else now):
        return []
    due_at = flag.until
    ended = MaintenanceWindow.objects.filter(site_id=flag.pk, ended_at=due_at)
    last = ended.values("pk").first()
    if last is None and maintenance is None:
        return []
    flag.since = None
    return [
        Transition(
            site_id=flag.pk,
            in_maintenance=False,
            due_at=due_at,
            done_at=now,
            window_id=last["pk"] if last else None,
            actor="" if last else BY_DATABASE,
        )
    ]


def _transition(
    flag: SiteMaintenance,
    maintenance: Maintenance | None,
    ended: MaintenanceWindow | None,
    now: datetime,
    actor: str,
) -> Transition:
    due_at, window = now, None
    if flag.in_maintenance and not flag.held and maintenance is not None:
        window = maintenance.window
        due_at = now if actor else maintenance.since
    elif not flag.in_maintenance and ended is not None:
        window = ended.pk
        due_at = min(ended.ended_at or ended.ends_at, now)
    return Transition(
        site_id=flag.pk,
        in_maintenance=flag.in_maintenance,
        due_at=due_at,
        done_at=now,
        window_id=window,
        actor=actor[:ACTOR_LENGTH] or ("" if window else BY_DATABASE),
    )


def _announce(transitions: list[Transition]) -> None:
    store.publish()
    prefetch_related_objects(transitions, "site")  # one query, not one a receiver
    for transition in transitions:
        signal = (
            signals.maintenance_started if transition.in_maintenance else signals.maintenance_ended
        )
        signal.send_robust(SiteMaintenance, site_id=transition.site_id, transition=transition)
