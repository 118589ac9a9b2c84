"""Load the snapshot from the database."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from django.contrib.sites.models import Site
from django.db.models import DateTimeField, IntegerField, QuerySet, Value
from django.utils import timezone

from maintenance_windows.conf import conf
from maintenance_windows.core.hosts import canonical
from maintenance_windows.core.intervals import Span
from maintenance_windows.core.state import (
    EVERYWHERE,
    Closure,
    Level,
    PatternKind,
    SiteState,
    Snapshot,
)
from maintenance_windows.logonce import LogOnce, get_logger
from maintenance_windows.models import MaintenanceWindow, Scheduler, SiteMaintenance, all_sites
from maintenance_windows.models.base import MOST_LEAD
from maintenance_windows.models.querysets import among
from maintenance_windows.models.scheduler import IncompleteDatabase
from maintenance_windows.models.times import DatabaseNow
from maintenance_windows.snapshot import clock
from maintenance_windows.snapshot.threads import give_way

# How far ahead to load at least: windows start even if the database failed up to this long before.
LEAST_AHEAD = timedelta(hours=1)
# Up to this many sites are read at once, in a few milliseconds. More sites are read in batches of
# half this size, and each batch lets other threads run after each query.
BATCH = 100

WINDOW = (
    "site_id",
    "pk",
    "level",
    "message",
    "started_at",
    "starts_at",
    "ends_at",
    "published_at",
    "banner_lead",
)
FLAG = ("in_maintenance", "bypass", "since", "until", "level", "message")
IGNORED = ("ignored_urls__kind", "ignored_urls__pattern")
# One row for each ignored URL, and one row for a site without any.
SITE = ("pk", "domain", *(f"maintenance__{name}" for name in (*FLAG, *IGNORED)))

NOTHING = Snapshot()


def forced() -> Snapshot | None:
    """Return the snapshot that MAINTENANCE_FORCE sets for every site, None if it is not set."""
    return {"on": EVERYWHERE, "off": NOTHING, None: None}[conf.MAINTENANCE_FORCE]


def domains_with_port() -> frozenset[str]:
    """Return the domains with a port, which occur in development."""
    found = all_sites().filter(domain__contains=":").values_list("domain", flat=True)
    return frozenset(map(canonical, found))


# Invalid rows, which only SQL can write, are left out so that the others still count.
left_out = LogOnce(get_logger(__name__))


def load(
    now: datetime,
    with_port: Collection[str] = frozenset(),
    last: Snapshot = NOTHING,
    only: Collection[int] | None = None,
) -> Snapshot:
    """Load the snapshot at `now`: one small query while no site is in or near maintenance.

    Other threads never wait for long, even with many sites. A state that equals the one in `last`
    is reused, with its cached results.

    `only` limits the snapshot to these site ids, for example to one page of a list. Without it,
    IncompleteDatabase is raised while rows are missing as during a restore.
    """
    ahead = now + max(LEAST_AHEAD, conf.MAINTENANCE_BANNER_LEAD)
    wrong: dict[Hashable, str] = {}

    def states() -> Iterator[SiteState]:
        near = dict.fromkeys(only, ahead) if only is not None else _near(now, ahead)
        site_ids = near.keys()
        many = len(site_ids) > BATCH
        size = BATCH // 2 if many else BATCH
        remaining = iter(site_ids)
        while batch := list(islice(remaining, size)):
            found = {one.site_id: one for one in _states(batch, now, near, wrong, many=many)}
            if only is None and len(found) < len(batch):
                # Between two queries a hold may have become a window, or a window a hold.
                again = [site_id for site_id in batch if site_id not in found]
                found |= {one.site_id: one for one in _states(again, now, near, wrong, many=many)}
            for site_id, state in found.items():
                known = last.by_id.get(site_id)
                yield known if known == state else state

    snapshot = Snapshot(states(), with_port)
    if only is None:
        left_out.now(wrong)
    return snapshot


def _near(now: datetime, ahead: datetime) -> Mapping[int, datetime]:
    """Return the ids of the sites that are down or will be by `ahead`, from the partial indexes.

    So are those that a banner announces earlier. The values are how far ahead to read of each.
    A single statement, so that a window that starts meanwhile is not missed. It also tells the
    database's time. Raises IncompleteDatabase.
    """
    whole, held, running, waiting = (part.all() for part in _near_parts())
    sent = timezone.now()
    announced = MaintenanceWindow.objects.announced(now + LEAST_AHEAD, MOST_LEAD)
    parts = (
        held,
        running,
        waiting.filter(starts_at__lte=ahead),
        announced.values_list("site_id", "starts_at"),
    )
    found: dict[int, datetime] = {}
    times = []
    for site_id, at in whole.union(*parts, all=True):
        if site_id is None:
            times.append(at)
        else:
            found[site_id] = max(found.get(site_id, ahead), at or ahead)
    if not times:
        raise IncompleteDatabase
    clock.observe(times[0], sent)
    return found


# Building a query takes as long as running it, so build each once.
@cache
def _near_parts() -> list[QuerySet[Any, Any]]:
    windows = MaintenanceWindow.objects
    whole = Scheduler.objects.if_whole().values_list(Value(None, IntegerField()), DatabaseNow())
    parts = SiteMaintenance.objects.held(), windows.running(), windows.waiting()
    no_time = Value(None, DateTimeField())
    return [whole, *(part.values_list("site_id", no_time) for part in parts)]


@cache
def _sites() -> QuerySet[Site, Any]:
    return all_sites().order_by("pk").values_list(*SITE)


@cache
def _windows() -> Any:
    return MaintenanceWindow.objects.values_list(*WINDOW, named=True)


def _states(
    site_ids: list[int],
    now: datetime,
    near: Mapping[int, datetime],
    wrong: dict[Hashable, str],
    *,
    many: bool,
) -> Iterator[SiteState]:
    """Yield the state of each of these sites that is down or will be by its time in `near`.

    Flags are read before windows, so that a hold that becomes a window meanwhile is not missed.
    """
    sites = list(_sites().filter(pk__in=among(site_ids)))
    if many:
        give_way()
    closures = _closures({site_id: near[site_id] for site_id in site_ids}, now, wrong)
    if many:
        give_way()
    for (site_id, domain, *flag), rows in groupby(sites, key=itemgetter(slice(-len(IGNORED)))):
        is_down, bypass, since, until, level, message = flag
        if is_down and until is None:
            span = Span(min(since or now, now), None)  # a hold set with SQL has no start yet
            try:
                closures[site_id].append(Closure(span=span, level=Level(level), message=message))
            except ValueError as error:
                wrong[site_id] = f"Ignoring the held flag of site {site_id}: {error}"
        if found := closures[site_id]:
            yield SiteState(
                site_id=site_id,
                domain=domain,
                closures=tuple(found),
                patterns=tuple(_patterns(site_id, rows, wrong)),
                recorded=Span(since, until) if is_down and since else None,
                bypass=bypass or 0,  # None if the flag's row was deleted
            )


def _closures(
    near: Mapping[int, datetime], now: datetime, wrong: dict[Hashable, str]
) -> Mapping[int, list[Closure]]:
    found: defaultdict[int, list[Closure]] = defaultdict(list)
    least = min(near.values())
    far = [site_id for site_id, ahead in near.items() if ahead > least]
    rows = _windows().filter(site__in=among(near.keys() - set(far))).reaching(least)
    if far:  # days ahead, because a banner announces it; of few sites
        rows += _windows().filter(site__in=among(far)).reaching(max(near.values()))
    for row in rows:
        site_id, window, level, message, started_at, starts_at, ends_at, published_at, lead = row
        try:
            closure = Closure.of(
                started_at=started_at,
                starts_at=starts_at,
                ends_at=ends_at,
                level=level,
                message=message,
                window=window,
                published_at=published_at,
                lead=lead,
                now=now,
            )
        except ValueError as error:
            wrong[site_id, window] = f"Ignoring window {window} of site {site_id}: {error}"
        else:
            found[site_id].append(closure)
    return found


def _patterns(
    site_id: int, rows: Iterable[tuple[Any, ...]], wrong: dict[Hashable, str]
) -> Iterator[tuple[PatternKind, str]]:
    for *_, kind, pattern in rows:
        if kind is None:
            continue  # the site has no ignored URL
        if kind not in set(PatternKind):
            wrong[site_id, kind] = f"Ignoring an exempt URL of site {site_id}: its kind is {kind!r}"
        else:
            yield PatternKind(kind), pattern
