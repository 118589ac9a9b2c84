"""The rule for freezes: what may not be planned, and what the history keeps of an override."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta

from django.contrib.sites.models import Site
from django.db import router
from django.utils import timezone
from django.utils.translation import gettext as _

from maintenance_windows.core.freezes import FreezeCalendar, Freezing, FrozenTime
from maintenance_windows.core.intervals import Span
from maintenance_windows.exceptions import FrozenStart, Refused, RuleError
from maintenance_windows.logonce import get_logger
from maintenance_windows.models import REASON_LENGTH, Freeze, MaintenanceWindow
from maintenance_windows.models.querysets import Status
from maintenance_windows.planning.audit import Facts
from maintenance_windows.wording.spans import format_moment, format_times

INSTANT = timedelta(microseconds=1)  # the shortest span

# What the history keeps of a freeze, by site.
Marks = dict[int, Facts]

logger = get_logger()


def read(since: datetime) -> FreezeCalendar:
    """Read the freezes after `since` from the database, in two queries."""
    return FreezeCalendar(freezings(Freeze.objects.after(since)))


def freezings(freezes: Iterable[Freeze]) -> list[Freezing]:
    """Return freezes as the rules of time see them; one that only SQL can write is left out."""
    found = list(freezes)
    sites = site_ids(found)
    valid = []
    for freeze in found:
        try:
            freezing = freeze.freezing(frozenset(sites[freeze.pk]))
            list(freezing.times(freeze.created_at, freeze.created_at))  # or the rule is invalid
        except RuleError as error:
            logger.error("Freeze %s is ignored: %s", freeze.pk, error)  # noqa: TRY400
        else:
            valid.append(freezing)
    return valid


def site_ids(freezes: Collection[Freeze]) -> defaultdict[int, list[int]]:
    """Return the ids of the sites of these freezes, by freeze, in one query."""
    by_freeze: defaultdict[int, list[int]] = defaultdict(list)
    named = [freeze.pk for freeze in freezes if not freeze.everywhere]
    if named:
        rows = Freeze.sites.through.objects.using(router.db_for_write(Freeze))
        for freeze, site in rows.filter(freeze__in=named).values_list("freeze_id", "site_id"):
            by_freeze[freeze].append(site)
    return by_freeze


def admit(
    sites: Collection[Site],
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    *,
    override: str = "",
    occupied: Span | None = None,
    by_hand: bool = False,
) -> Marks:
    """Raise FrozenStart if these times meet a freeze of the sites, unless there is an override.

    Return what the history keeps of an override, by site. What a window has `occupied` so far
    is not refused again. What people do `by_hand` at once is never refused, only marked. Call
    it inside `locked()`.
    """
    reason = check_reason(override)
    span = Span(max(starts_at, now), ends_at)
    parts = _outside(span, occupied)
    calendar = read(now) if parts else FreezeCalendar()
    marks: Marks = {}
    for site in sites if calendar else ():
        times = (calendar.first([site.pk], start, end) for start, end in parts)
        if frozen := next(filter(None, times), None):
            if not (reason or by_hand):
                ids = [one.pk for one in sites]
                free = calendar.next_free(ids, span.start, ends_at - span.start)
                raise _refused(site, frozen, free, now)
            marks[site.pk] = mark(frozen) | ({"override": (None, reason)} if reason else {})
    return marks


def admit_move(
    window: MaintenanceWindow,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    *,
    override: str = "",
) -> Marks:
    """See admit(). Work in progress may go on in a freeze, and other windows stay where they are.

    Only times that the window has not occupied before are refused.
    """
    return admit(
        [window.site],
        starts_at,
        ends_at,
        now,
        override=override,
        occupied=Span(window.begins_at, window.ends_at),
        by_hand=window.status_at(now) is Status.ACTIVE,
    )


def reaching_into(
    windows: Iterable[MaintenanceWindow], now: datetime
) -> Iterator[tuple[MaintenanceWindow, FrozenTime]]:
    """Yield the windows that meet a freeze from `now` on, each with the first frozen time."""
    calendar = read(now)
    for window in windows:
        since, end = max(window.begins_at, now), window.ended_at or window.ends_at
        met = calendar.first([window.site_id], since, end) if since < end else None
        if met and window.cancelled_at is None:
            yield window, met


def meets(window: MaintenanceWindow, now: datetime) -> FrozenTime | None:
    """Return the first frozen time that a window meets from `now` on, also a cancelled one."""
    return read(now).first([window.site_id], max(window.starts_at, now), window.ends_at)


def frozen_now(sites: Iterable[Site], now: datetime) -> Iterator[tuple[Site, FrozenTime]]:
    """Yield the sites that are in a freeze at `now`, each with it."""
    calendar = read(now)
    for site in sites:
        if met := calendar.first([site.pk], now, now + INSTANT):
            yield site, met


def mark(frozen: FrozenTime) -> Facts:
    """Return what the history keeps of a freeze."""
    return {"freeze": (None, frozen.reason)}


def reasons(marks: Marks) -> dict[int, str]:
    """Return the reason of the freeze by site."""
    return {site: str(facts["freeze"][1]) for site, facts in marks.items()}  # type: ignore[index]


def check_reason(text: str) -> str:
    """Return the reason on one line. Raises Refused if it is too long for the database."""
    reason = " ".join(text.split())
    if len(reason) > REASON_LENGTH:
        sentence = _("The reason is longer than %(length)s characters.")
        raise Refused(sentence % {"length": REASON_LENGTH})
    return reason


def _outside(span: Span, occupied: Span | None) -> list[tuple[datetime, datetime]]:
    """Return the parts of a span that are not occupied."""
    end = span.end or span.start
    if occupied is None or occupied.end is None:
        return [(span.start, end)]
    parts = [(span.start, min(end, occupied.start)), (max(span.start, occupied.end), end)]
    return [(start, stop) for start, stop in parts if start < stop]


def _refused(site: Site, frozen: FrozenTime, free: datetime | None, now: datetime) -> FrozenStart:
    zone = timezone.get_current_timezone()
    sentence = _("%(site)s is frozen (%(reason)s): %(span)s.") % {
        "site": site.domain,
        "reason": frozen.reason,
        "span": format_times(frozen.starts_at, frozen.ends_at, zone, now),
    }
    if free is None:
        slot = _("No slot of this duration is free within a year.")
    else:
        slot = _("The next free slot starts on %(start)s.") % {
            "start": format_moment(free, zone, now)
        }
    return FrozenStart(f"{sentence} {slot}")
