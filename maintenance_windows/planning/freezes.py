"""The verbs for freezes: make one, and end it before its time.

Nothing can be planned into a freeze without an override, see planning.frozen. What is planned
already stays. Recurring windows skip the freeze: their coming windows in it that nobody changed
are cancelled at once, and return when the freeze is ended in time.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.contrib.sites.models import Site
from django.utils.translation import gettext as _

from maintenance_windows.core.freezes import FreezeCalendar
from maintenance_windows.core.intervals import SECOND
from maintenance_windows.exceptions import Refused, RuleError
from maintenance_windows.logonce import get_logger
from maintenance_windows.models import ACTOR_LENGTH, Freeze, MaintenanceWindow
from maintenance_windows.models import series as zones
from maintenance_windows.models.querysets import among
from maintenance_windows.permissions import ALL_RIGHTS, Rights
from maintenance_windows.planning import arguments, rules, series
from maintenance_windows.planning.frozen import check_reason, freezings, site_ids
from maintenance_windows.planning.series.apply import SeriesChange
from maintenance_windows.planning.series.following import follow_freezes
from maintenance_windows.reconcile.lock import Clock, locked
from maintenance_windows.snapshot import clock as database_clock

logger = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeChange:
    """A freeze that was made or ended.

    `kept` are the windows in it that stay, and `series` the recurring windows that skip
    occurrences, or have them again.
    """

    freeze: Freeze
    kept: list[MaintenanceWindow] = field(default_factory=list)
    series: list[SeriesChange] = field(default_factory=list)


def freeze(
    sites: Iterable[Site] | None,
    *,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    rule: str = "",
    zone: str = "",
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> FreezeChange:
    """Freeze sites, or all sites with None, also those that are created later.

    With a rule of RFC 5545 the times are those of the first freeze, and the others start and end
    at the same local time in `zone`.
    """
    arguments.check_moments(starts_at=starts_at, ends_at=ends_at)
    rules.check_freeze(rights)
    named = None if sites is None else arguments.as_sites(sites)
    row = planned(starts_at=starts_at, ends_at=ends_at, reason=reason, rule=rule, zone=zone)
    with locked(clock) as now, follow_freezes(now):
        make(row, named, now, actor)
    return FreezeChange(
        freeze=row, series=settle_series([row], clock), kept=windows_in(row, _now(clock))
    )


def unfreeze(
    freeze_id: int,
    *,
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> FreezeChange:
    """End a freeze before its time. Its row stays."""
    rules.check_freeze(rights)
    with locked(clock) as now:
        row = Freeze.objects.filter(pk=freeze_id).first()
        if row is None:
            raise Refused(_("Freeze %(id)s does not exist.") % {"id": freeze_id})
        if row.ended_at is not None or (row.ends_at is not None and row.ends_at <= now):
            raise Refused(_("Freeze %(id)s has already ended.") % {"id": freeze_id})
        with follow_freezes(now):
            end(row, now, actor)
    return FreezeChange(freeze=row, series=settle_series([row], clock))


def planned(
    *,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    rule: str = "",
    zone: str = "",
    excluded: Iterable[str] = (),
) -> Freeze:
    """Return an unsaved freeze. Raises Refused if it is invalid."""
    reason = check_reason(reason)
    if not reason:
        raise Refused(_("A freeze needs a reason."))
    rules.check_range(starts_at, ends_at)
    if not rule:
        times = {"starts_at": starts_at.astimezone(UTC), "ends_at": ends_at.astimezone(UTC)}
        return Freeze(reason=reason, **times)
    try:
        where = zones.zone(zone)
    except RuleError as error:
        raise Refused(str(error)) from None
    start, end = (_wall_clock(at, where) for at in (starts_at, ends_at))
    if start.microsecond or (end - start) % SECOND:
        raise Refused(_("Start and duration must be whole seconds."))
    row = Freeze(
        reason=reason,
        rule=rule,
        zone=zone,
        starts_on=start.date(),
        start_time=start.time(),
        length=end - start,
        excluded=sorted(excluded),
    )
    try:
        recurrence = row.recurrence()
        if recurrence is not None:
            row.rule = recurrence.rule.text
            next(recurrence.occurrences(starts_at), None)  # or it has an error
    except RuleError as error:
        raise Refused(str(error)) from None
    return row


def _wall_clock(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the local time in a zone, also one that the zone skips: midnight stays midnight."""
    if str(moment.tzinfo) != zone.key:
        moment = moment.astimezone(zone)
    return moment.replace(tzinfo=None)


def is_past(row: Freeze, now: datetime) -> bool:
    """Return whether a freeze has no time after `now`."""
    if row.ends_at is not None:
        return row.ends_at <= now
    recurrence = row.recurrence()
    return recurrence is not None and next(recurrence.occurrences(now), None) is None


def check(row: Freeze, now: datetime) -> None:
    """Raise Refused if a freeze has no time after `now`."""
    if is_past(row, now):
        raise Refused(_("The freeze has no time in the future."))


def make(row: Freeze, sites: list[Site] | None, now: datetime, actor: str) -> None:
    """Save a freeze of these sites, or of all. Call it inside `follow_freezes()`."""
    check(row, now)
    if sites is not None:
        if not sites:
            raise Refused(_("Specify the sites to freeze, or all."))
        rules.check_exist(sites)
    row.everywhere, row.created_by = sites is None, actor[:ACTOR_LENGTH]
    row.save()
    row.sites.set(sites or ())
    logger.info("freeze %s made by %s: %s", row.pk, actor or "code", row.reason)


def end(row: Freeze, now: datetime, actor: str) -> None:
    """End a freeze. Call it inside `follow_freezes()`."""
    row.ended_at, row.ended_by = now, actor[:ACTOR_LENGTH]
    row.save(update_fields=["ended_at", "ended_by"])
    logger.info("freeze %s ended by %s: %s", row.pk, actor or "code", row.reason)


def settle_series(rows: list[Freeze], clock: Clock | None) -> list[SeriesChange]:
    """Let the recurring windows of the sites of these freezes follow, at once."""
    if not rows:
        return []
    if any(row.everywhere for row in rows):
        return series.materialise(clock)
    return series.materialise(clock, sites={pk for ids in site_ids(rows).values() for pk in ids})


def windows_in(row: Freeze, now: datetime) -> list[MaintenanceWindow]:
    """Return the windows, scheduled or in progress, that meet the freeze, ordered by start."""
    live = MaintenanceWindow.objects.live(now).select_related("site")
    if not row.everywhere:
        live = live.filter(site__in=among(site_ids([row])[row.pk]))
    if row.starts_at is not None:
        live = live.filter(starts_at__lt=row.ends_at, ends_at__gt=row.starts_at)
    calendar = FreezeCalendar(freezings([row]))
    return [
        window
        for window in live.order_by("starts_at", "pk").iterator()
        if calendar.first([window.site_id], max(window.begins_at, now), window.ends_at)
    ]


def _now(clock: Clock | None) -> datetime:
    return (clock or database_clock.ask)()
