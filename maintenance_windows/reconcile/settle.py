"""Write flags and status changes."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from itertools import islice
from types import MappingProxyType

from django.db import connections, router, transaction
from django.db.models import F
from django.db.models.functions import Greatest

from maintenance_windows import signals
from maintenance_windows.core.state import Closure, Level, Maintenance, SiteState
from maintenance_windows.models import (
    ACTOR_LENGTH,
    MaintenanceWindow,
    SiteMaintenance,
    Transition,
    all_sites,
)
from maintenance_windows.models.querysets import LIVE, WAITING
from maintenance_windows.snapshot import runtime

BATCH = 500
# The actor of a status change that has neither window nor actor: made with SQL or unnamed code.
BY_DATABASE = "database"
NO_FREEZES: Mapping[int, str] = MappingProxyType({})


def settle(
    site_ids: Collection[int],
    now: datetime,
    *,
    actor: str | None = None,
    ended: Iterable[MaintenanceWindow] = (),
    freezes: Mapping[int, str] = NO_FREEZES,
) -> None:
    """Correct the flags of these sites at `now`. Call it inside `locked()`.

    A verb calls it before and after it writes. The first call, without an actor, records changes
    that were already due, with their own times and causes. The second call records the verb's
    changes, by `actor`: a window whose planned start has passed starts now, because the site was
    up until now. `ended` are the windows that the verb has ended early, and `freezes` the reasons
    of the freezes in which it takes sites down, by site.
    """
    transitions = record(site_ids, now, actor=actor, ended=ended, freezes=freezes)
    transaction.on_commit(
        partial(announce, transitions), using=router.db_for_write(SiteMaintenance)
    )


def record(
    site_ids: Collection[int],
    now: datetime,
    *,
    actor: str | None = None,
    ended: Iterable[MaintenanceWindow] = (),
    freezes: Mapping[int, str] = NO_FREEZES,
) -> list[Transition]:
    """Do as settle() does, but leave it to the caller to announce after the commit."""
    causes = {window.site_id: window for window in ended}
    transitions: list[Transition] = []
    for batch in _batches(site_ids):
        transitions += _record(batch, now, actor, causes, freezes)
    return transitions


def record_valid(
    site_ids: Collection[int], now: datetime, errors: dict[Hashable, str]
) -> list[Transition]:
    """Record the sites with valid rows, and add a message to `errors` for each other site.

    Invalid rows, which only SQL can write, must not block the other sites.
    """
    if not site_ids:
        return []
    using = router.db_for_write(SiteMaintenance)
    existing = set(all_sites().filter(pk__in=site_ids).values_list("pk", flat=True))
    for site_id in set(site_ids) - existing:
        errors[site_id] = f"Cannot update site {site_id}: it does not exist."
    try:
        with transaction.atomic(using=using):
            return record(existing, now)
    except ValueError as error:
        if len(site_ids) == 1:
            (site_id,) = site_ids
            errors[site_id] = f"Cannot update site {site_id}: {error}"
            return []
    return [row for site_id in sorted(existing) for row in record_valid([site_id], now, errors)]


def announce(transitions: Collection[Transition]) -> None:
    """Reload this process's snapshot and send a signal for each status change."""
    runtime.publish()
    sites = all_sites().in_bulk({transition.site_id for transition in transitions})
    for transition in transitions:
        if transition.site_id not in sites:
            continue  # deleted in the same transaction
        transition.site = sites[transition.site_id]  # so that no receiver queries for it
        signal = (
            signals.maintenance_started if transition.in_maintenance else signals.maintenance_ended
        )
        signal.send_robust(SiteMaintenance, site_id=transition.site_id, transition=transition)


def hold(
    site_ids: Collection[int], level: Level, message: str, now: datetime, actor: str = ""
) -> None:
    """Hold these sites down. Call it inside `locked()`, between two `settle()` calls."""
    for batch in _batches(site_ids):
        SiteMaintenance.objects.filter(pk__in=batch).update(
            in_maintenance=True,
            until=None,
            level=level,
            message=message,
            ordered_at=now,
            held_by=actor[:ACTOR_LENGTH],
        )


def release(site_ids: Collection[int], now: datetime) -> None:
    """Release the holds of these sites. Call it inside `locked()`, between two `settle()` calls."""
    for batch in _batches(site_ids):
        flags = SiteMaintenance.objects.filter(pk__in=batch)
        flags.held().update(in_maintenance=False, held_by="")
        flags.update(ordered_at=now)


def _batches(site_ids: Collection[int]) -> Iterator[list[int]]:
    remaining = iter(sorted(site_ids))
    while batch := list(islice(remaining, BATCH)):
        yield batch


def _flags(site_ids: list[int]) -> list[SiteMaintenance]:
    """Lock and return the flags, with unsaved ones for sites created without post_save."""
    flags = list(SiteMaintenance.objects.select_for_update().filter(pk__in=site_ids))
    missing = set(site_ids) - {flag.pk for flag in flags}
    return flags + [SiteMaintenance(site_id=site_id) for site_id in sorted(missing)]


def _write(flags: list[SiteMaintenance]) -> None:
    """Upsert with one statement: bulk_update(), with a CASE for each row, takes seconds."""
    features = connections[router.db_for_write(SiteMaintenance)].features
    SiteMaintenance.objects.bulk_create(
        flags,
        update_conflicts=True,
        update_fields=SiteMaintenance.CONTENT,
        unique_fields=["site"] if features.supports_update_conflicts_with_target else None,
    )


def _record(
    site_ids: list[int],
    now: datetime,
    actor: str | None,
    causes: dict[int, MaintenanceWindow],
    freezes: Mapping[int, str],
) -> list[Transition]:
    windows = MaintenanceWindow.objects.filter(site__in=site_ids)
    closures: defaultdict[int, list[Closure]] = defaultdict(list)
    live = sorted(windows.reaching(now), key=lambda window: window.ends_at, reverse=True)
    started = [one for one in live if one.started_at is None and one.starts_at <= now]
    for window in started if actor is not None else ():
        window.started_at = now
    for window in live:
        closures[window.site_id].append(window.closure(now))
        if window.ends_at <= now:
            causes.setdefault(window.site_id, window)
    if started:
        # If no tick saw this start, record the planned time.
        started_at = F("starts_at") if actor is None else now
        windows.filter(WAITING, starts_at__lte=now).update(started_at=started_at)
    over = [window for window in live if window.ends_at <= now]
    if over:
        late = Greatest(F("started_at"), F("ends_at"))  # SQL may have put the end before the start
        begun = windows.filter(LIVE, started_at__isnull=False)
        begun.filter(ends_at__lte=now).update(ended_at=late)

    flags = _flags(site_ids)
    due = {
        flag.pk: SiteState(site_id=flag.pk, domain="", closures=tuple(closures[flag.pk])).at(now)
        for flag in flags
    }
    seams = _missed_seams(flags, due, over, now)
    written, transitions = [], []
    for flag in flags:
        maintenance = due[flag.pk]
        before = flag.content()
        if seam := seams.get(flag.pk):
            transitions.append(seam)
            flag.since = None
        was_on = flag.since is not None
        flag.apply_maintenance(maintenance, now)
        if flag.content() != before or flag._state.adding:  # noqa: SLF001 (documented)
            written.append(flag)
        if was_on != flag.in_maintenance:
            cause = causes.get(flag.pk)
            transition = _transition(flag, maintenance, cause, now, actor or "")
            if flag.in_maintenance:
                transition.freeze = freezes.get(flag.pk, "")
            transitions.append(transition)
    _write(written)
    return Transition.objects.bulk_create(transitions)


def _missed_seams(
    flags: Iterable[SiteMaintenance],
    due: Mapping[int, Maintenance | None],
    over: Iterable[MaintenanceWindow],
    now: datetime,
) -> dict[int, Transition]:
    """Return the unrecorded ends of outages that a later outage has followed."""
    ends = {}
    for flag in flags:
        maintenance = due[flag.pk]
        upto = maintenance.since if maintenance else now
        if flag.in_maintenance and flag.since and flag.until and flag.until < upto:
            ends[flag.pk] = flag.until
    last = {
        window.site_id: window.pk
        for window in over
        if ends.get(window.site_id) == max(window.begins_at, window.ends_at)
    }
    return {
        site_id: Transition(
            site_id=site_id,
            in_maintenance=False,
            due_at=until,
            done_at=now,
            window_id=last.get(site_id),
            actor="" if site_id in last else BY_DATABASE,
        )
        for site_id, until in ends.items()
        if site_id in last or due[site_id]
    }


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
        level=flag.level,
        due_at=due_at,
        done_at=now,
        window_id=window,
        actor=actor[:ACTOR_LENGTH] or ("" if window else BY_DATABASE),
    )
