"""Look for the rows that prove a change, when a snapshot lacks what was known before."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from maintenance_windows.core.evidence import (
    Flag,
    Lost,
    Rows,
    keep_revocations,
    lost,
    merge_unproven,
)
from maintenance_windows.core.intervals import Span
from maintenance_windows.core.state import Closure, Level, SiteState, Snapshot
from maintenance_windows.models import MaintenanceWindow, SiteMaintenance, Transition, all_sites
from maintenance_windows.models.querysets import among, is_filled


def believe(
    known: Snapshot | None, load: Callable[[], Snapshot], now: datetime, seen_at: datetime
) -> tuple[Snapshot, Collection[str]]:
    """Return the snapshot to answer by, and the domains of sites that stay down without a row.

    `known` was read at `seen_at`; None in a process that knows nothing yet.
    """
    loaded = load()
    if known is None:
        return _with_flags(loaded, now), ()
    closures = lost(known, loaded, now)
    if not closures:
        return keep_revocations(known, loaded), ()
    rows = _rows(closures)
    loaded = load()  # again: rows that were restored after the first time would prove an end
    merged = merge_unproven(known, loaded, now, rows, seen_at)
    states = merged.by_id.items()
    kept = [state.domain for pk, state in states if state is not loaded.by_id.get(pk)]
    return keep_revocations(known, merged), kept


def _with_flags(loaded: Snapshot, now: datetime) -> Snapshot:
    """Add the sites whose flag has an end, if there is no window at all: their table is not filled.

    The flag says when they come up.
    """
    flags = SiteMaintenance.objects.down().filter(~is_filled(MaintenanceWindow.objects.all()))
    added = [
        SiteState(
            site_id=flag.pk,
            domain=flag.site.domain,
            closures=(
                Closure(
                    span=Span(flag.since or now, flag.until),
                    level=Level(flag.level),
                    message=flag.message,
                ),
            ),
            bypass=flag.bypass,
        )
        for flag in flags.filter(until__gt=now).select_related("site")
        if flag.pk not in loaded.by_id
    ]
    return Snapshot([*loaded.by_id.values(), *added], loaded.with_port) if added else loaded


def _rows(closures: Lost) -> Rows:
    site_ids = among(closures)
    windows = [one.window for found in closures.values() for one in found if one.window]
    flags = SiteMaintenance.objects.filter(pk__in=site_ids)
    return Rows(
        asked=closures,
        # Windows first and flags last: what settles a window also writes its flag.
        has_windows=MaintenanceWindow.objects.exists(),
        windows=_ids(MaintenanceWindow.objects.filter(pk__in=windows)),
        has_history=Transition.objects.exists(),
        has_sites=all_sites().exists(),
        sites=_ids(all_sites().filter(pk__in=site_ids)),
        flags={
            flag.pk: Flag(
                held=flag.held, in_maintenance=flag.in_maintenance, ordered_at=flag.ordered_at
            )
            for flag in flags
        },
    )


def _ids(rows: QuerySet[Any]) -> set[int]:
    return set(rows.values_list("pk", flat=True))
