"""What a web process knows: the sites that are in maintenance or will be soon."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple, Self

from maintenance_windows.core.intervals import Span, covering, merge

EVER = datetime(1, 1, 1, tzinfo=UTC)  # has been so for


class Level(StrEnum):
    """How much of a site is closed: `full` is stricter than `read_only`."""

    FULL = "full"
    READ_ONLY = "read_only"


class PatternKind(StrEnum):
    """How the pattern of an ignored URL is written: as in path() or as in re_path()."""

    ROUTE = "route"
    REGEX = "regex"


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """One reason for a site to be closed: a window, or a hold (no window, no end)."""

    span: Span
    level: Level = Level.FULL
    message: str = ""
    window: int | None = None

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
        now: datetime,
    ) -> Self:
        """What has started has started, also for a host whose clock is behind or stepped back."""
        start = min(started_at, now) if started_at else starts_at
        return cls(span=Span(start, ends_at), level=Level(level), message=message, window=window)


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """A site's maintenance at one moment: the union of all that closes it then.

    `since` and `until` are those of the whole run of overlapping and touching closures;
    `until` is None where a hold leaves the end open. `window` is the one that began first.
    """

    since: datetime
    until: datetime | None
    level: Level
    message: str
    window: int | None
    held: bool

    def is_over(self, now: datetime) -> bool:
        return self.until is not None and self.until <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteState:
    """A site with all that closes it now or soon, and the URL patterns that stay open.

    `recorded` is the run that the flag has on record: windows of it that are over are in no
    closure any more. `bypass` counts how often the site's bypass links were revoked. A state that
    stands for any site at all has no domain.
    """

    site_id: int
    domain: str
    closures: tuple[Closure, ...] = ()
    patterns: tuple[tuple[PatternKind, str], ...] = ()
    recorded: Span | None = None
    bypass: int = 0
    # What at() said last: nothing changes between two starts or ends.
    _phase: "Phase | None" = field(default=None, init=False, compare=False, repr=False)

    def at(self, now: datetime) -> Maintenance | None:
        """The site's maintenance at `now`; None while it is up."""
        phase = self._phase
        if phase is None or not phase.span.covers(now):
            phase = self._phase_at(now)
            object.__setattr__(self, "_phase", phase)
        return phase.maintenance

    def _phase_at(self, now: datetime) -> "Phase":
        edges = {edge for one in self.closures for edge in (one.span.start, one.span.end) if edge}
        start = max((edge for edge in edges if edge <= now), default=EVER)
        end = min((edge for edge in edges if edge > now), default=None)
        return Phase(Span(start, end), self._work_out(now))

    def _work_out(self, now: datetime) -> Maintenance | None:
        reasons = [closure for closure in self.closures if closure.span.covers(now)]
        run = covering((closure.span for closure in self.closures), now) if reasons else None
        if run is None:
            return None
        full = any(reason.level is Level.FULL for reason in reasons)
        level = Level.FULL if full else Level.READ_ONLY
        reasons.sort(key=lambda reason: (reason.level is not level, reason.span.start))
        windows = (reason for reason in reasons if reason.window is not None)
        first = min(windows, key=lambda reason: reason.span.start, default=None)
        return Maintenance(
            since=self._since(run),
            until=run.end,
            level=level,
            message=next((reason.message for reason in reasons if reason.message), ""),
            window=first.window if first else None,
            held=any(reason.window is None for reason in reasons),
        )

    def _since(self, run: Span) -> datetime:
        """When a run began, be it with what is over by now."""
        known = self.recorded
        goes_on = known is not None and (known.end is None or known.end >= run.start)
        return min(known.start, run.start) if known and goes_on else run.start

    def upcoming(self, now: datetime) -> Maintenance | None:
        """The next maintenance that starts after `now`, as it will be when it starts."""
        runs = merge(closure.span for closure in self.closures)
        first = next((run.start for run in runs if run.start > now), None)
        return self._work_out(first) if first else None


class Phase(NamedTuple):
    """What is on from one start or end of a closure to the next."""

    span: Span
    maintenance: Maintenance | None


class Snapshot:
    """Sites in or near maintenance, found by id or by the host of a request.

    `everywhere` is the state of each site that has none of its own. `with_port` are the domains of
    sites that name a port, those that are up among them.
    """

    __slots__ = ("by_domain", "by_id", "everywhere", "with_port")

    def __init__(
        self,
        states: Iterable[SiteState] = (),
        with_port: Collection[str] = frozenset(),
        everywhere: SiteState | None = None,
    ) -> None:
        by_id, by_domain = {}, {}
        for state in states:  # one pass: an iterator may make them as it goes
            by_id[state.site_id] = by_domain[state.domain.lower()] = state
        self.by_id: Mapping[int, SiteState] = by_id
        self.by_domain: Mapping[str, SiteState] = by_domain
        self.with_port = with_port
        self.everywhere = everywhere

    def find(self, host: str, name: str) -> SiteState | None:
        """The site of a host in lower case: by the host itself, else by its name without a port."""
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
