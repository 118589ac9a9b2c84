"""The state that a web process holds: the sites in maintenance or soon to be."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Self

from maintenance_windows.core.hosts import canonical
from maintenance_windows.core.intervals import Span, covering, merge

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)  # of a phase before which nothing started or ended


class Level(StrEnum):
    """How much of a site is down: `full` is stricter than `read_only`."""

    FULL = "full"
    READ_ONLY = "read_only"


class PatternKind(StrEnum):
    """The syntax of an ignored URL: that of path() or that of re_path()."""

    ROUTE = "route"
    REGEX = "regex"


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """One reason for a site to be down: a window, or a hold (no window, no end).

    Before `published_at` nothing announces it. It is announced `lead` ahead; None means the
    project's default.
    """

    span: Span
    level: Level = Level.FULL
    message: str = ""
    window: int | None = None
    published_at: datetime | None = None
    lead: timedelta | None = None

    def is_public(self, now: datetime) -> bool:
        """Return whether visitors may know of it: one that has started they have met."""
        return self.published_at is None or min(self.published_at, self.span.start) <= now

    @classmethod
    def of(
        cls,
        *,
        started_at: datetime | None,
        starts_at: datetime,
        ends_at: datetime | None,
        level: str,
        message: str,
        window: int | None,
        published_at: datetime | None = None,
        lead: timedelta | None = None,
        now: datetime,
    ) -> Self:
        """Build a closure. One that has started counts as started even if this clock is behind."""
        start = min(started_at, now) if started_at else starts_at
        return cls(
            span=Span(start, ends_at),
            level=Level(level),
            message=message,
            window=window,
            published_at=published_at,
            lead=lead,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """A site's maintenance at one moment: the union of all its closures then.

    `since` and `until` are those of the outage; `until` is None if a hold leaves the end open.
    `window` is the id of the window that started first. While the level is full, `full_until` is
    when safe methods are served again, at `until` or before. While it is read-only, `stricter` is
    the full part of the same outage that comes first, unless it is not public yet.
    """

    since: datetime
    until: datetime | None
    level: Level
    message: str
    window: int | None
    held: bool
    full_until: datetime | None = None
    stricter: "Maintenance | None" = None

    @property
    def full_from(self) -> datetime | None:
        """When the site, now read-only, goes down fully in the same outage."""
        return self.stricter.since if self.stricter else None

    @property
    def is_mixed(self) -> bool:
        """Whether the site is fully down, and becomes read-only before it comes up."""
        return self.full_until not in {None, self.until}

    def for_readers(self) -> "Maintenance":
        """Return it with the `until` of requests that only read."""
        return replace(self, until=self.full_until) if self.is_mixed else self

    def is_over(self, now: datetime) -> bool:
        return self.until is not None and self.until <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteState:
    """A site with its present and coming closures, and the URL patterns that stay reachable.

    `recorded` is the outage that the flag records; its completed windows are no longer among the
    closures. `bypass` counts how often the site's bypass links were revoked. The state that stands
    for every site has an empty domain.
    """

    site_id: int
    domain: str
    closures: tuple[Closure, ...] = ()
    patterns: tuple[tuple[PatternKind, str], ...] = ()
    recorded: Span | None = None
    bypass: int = 0
    # The cached result of at(), valid until the next start or end.
    _phase: "Phase | None" = field(default=None, init=False, compare=False, repr=False)

    def at(self, now: datetime) -> Maintenance | None:
        """Return the site's maintenance at `now`; None while it is up."""
        phase = self._phase
        if phase is None or not phase.span.covers(now):
            phase = self._phase_at(now)
            object.__setattr__(self, "_phase", phase)
        return phase.maintenance

    def _phase_at(self, now: datetime) -> "Phase":
        edges = {
            edge
            for one in self.closures
            for edge in (one.span.start, one.span.end, one.published_at)
            if edge
        }
        start = max((edge for edge in edges if edge <= now), default=BEGINNING)
        end = min((edge for edge in edges if edge > now), default=None)
        return Phase(Span(start, end), self._maintenance_at(now))

    def _maintenance_at(self, now: datetime) -> Maintenance | None:
        reasons = self._reasons(now)
        outage = covering((closure.span for closure in self.closures), now) if reasons else None
        if outage is None:
            return None
        full = next((part for part in self._full_parts() if part.covers(now)), None)
        level = Level.FULL if full else Level.READ_ONLY
        windows = (reason for reason in reasons if reason.window is not None)
        first = min(windows, key=lambda reason: reason.span.start, default=None)
        return Maintenance(
            since=self._since(outage),
            until=outage.end,
            level=level,
            message=next((reason.message for reason in reasons if reason.message), ""),
            window=first.window if first else None,
            held=any(reason.window is None for reason in reasons),
            full_until=full.end if full else None,
            stricter=None if full else self.public(now).next_full(outage, now),
        )

    def _reasons(self, now: datetime) -> list[Closure]:
        """Return what keeps the site down at `now`: the strictest level, then the oldest first."""
        reasons = [closure for closure in self.closures if closure.span.covers(now)]
        reasons.sort(key=lambda reason: (reason.level is not Level.FULL, reason.span.start))
        return reasons

    def speaker(self, now: datetime) -> Closure | None:
        """Return the closure whose message visitors see at `now`; None if none has one."""
        return next((reason for reason in self._reasons(now) if reason.message), None)

    def public(self, now: datetime) -> Self:
        """Return the state as far as visitors may know it at `now`."""
        known = tuple(closure for closure in self.closures if closure.is_public(now))
        return self if len(known) == len(self.closures) else replace(self, closures=known)

    def next_full(self, outage: Span, now: datetime) -> Maintenance | None:
        """Return the first full part of a read-only outage after `now`, as readers meet it."""
        starts = (part.start for part in self._full_parts() if part.start > now)
        start = next((start for start in starts if outage.covers(start)), None)
        found = self._maintenance_at(start) if start else None
        return replace(found, since=start, until=found.full_until) if start and found else None

    def _full_parts(self) -> list[Span]:
        return merge(one.span for one in self.closures if one.level is Level.FULL)

    def _since(self, outage: Span) -> datetime:
        """Return the start of an outage, including windows that have ended by now."""
        known = self.recorded
        if known and (known.end is None or known.end >= outage.start):
            return min(known.start, outage.start)
        return outage.start

    def upcoming(self, now: datetime, lead: timedelta | None = None) -> Maintenance | None:
        """Return the next public maintenance that starts after `now`, as readers meet it then.

        That is the next outage, or a full part of the present one that starts before. With `lead`,
        it is the first of those that are announced by now: one of their closures starts within its
        own lead, or else within this one.
        """
        if (public := self.public(now)) is not self:
            return public.upcoming(now, lead)
        outages = merge(closure.span for closure in self.closures)
        parts = {part.start: part for part in (*self._full_parts(), *outages)}
        for start in sorted(start for start in parts if start > now):
            if lead is None or self._is_announced(parts[start], now, lead):
                found = self._maintenance_at(start)
                return replace(found.for_readers(), since=start) if found else None
        return None

    def _is_announced(self, part: Span, now: datetime, lead: timedelta) -> bool:
        return any(
            part.covers(closure.span.start)
            and closure.span.start <= now + (lead if closure.lead is None else closure.lead)
            for closure in self.closures
        )


class Phase(NamedTuple):
    """The maintenance of a site from one start or end of a closure to the next."""

    span: Span
    maintenance: Maintenance | None


class Snapshot:
    """Sites in or near maintenance, found by id or by the host of a request.

    `everywhere` is the state of each site that has none of its own. `with_port` holds the domains
    that name a port, including those of sites that are up.
    """

    __slots__ = ("by_domain", "by_id", "everywhere", "with_port")

    def __init__(
        self,
        states: Iterable[SiteState] = (),
        with_port: Collection[str] = frozenset(),
        everywhere: SiteState | None = None,
    ) -> None:
        by_id, by_domain = {}, {}
        for state in states:  # a single pass, because `states` may be a generator
            by_id[state.site_id] = by_domain[canonical(state.domain)] = state
        self.by_id: Mapping[int, SiteState] = by_id
        self.by_domain: Mapping[str, SiteState] = by_domain
        self.with_port = with_port
        self.everywhere = everywhere

    def find(self, host: str, name: str) -> SiteState | None:
        """Find the site of a canonical host: by the host itself, else by its name without port."""
        found = self.by_domain.get(host)
        if found is None and host not in self.with_port:
            found = self.by_domain.get(name)
        return found or self.everywhere

    def of(self, site_id: int) -> SiteState | None:
        return self.by_id.get(site_id, self.everywhere)

    def __bool__(self) -> bool:
        return bool(self.by_id) or self.everywhere is not None


# Every site is down without an end.
EVERYWHERE = Snapshot(
    everywhere=SiteState(
        site_id=0, domain="", closures=(Closure(span=Span(datetime(1970, 1, 1, tzinfo=UTC), None)),)
    )
)
