"""Whether one request to one site is answered or told to come back later."""

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum, auto
from typing import NamedTuple

from maintenance_windows.snapshot import Level, Maintenance, SiteState
from maintenance_windows.timeline import whole_seconds

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Visit(NamedTuple):
    """What the decision needs to know of a request.

    `methods` are the request's own and those that it wants to be taken for. `remote` is the peer
    of its connection and `forwarded` whom X-Forwarded-For names, true or not; `language` the one
    that is active, `bypass` the token that it brings.
    """

    methods: tuple[str, ...]
    path: str
    remote: str = ""
    forwarded: str = ""
    urlconf: str | None = None
    language: str | None = None
    preflight: bool = False
    bypass: str = ""

    @property
    def is_safe(self) -> bool:
        return SAFE_METHODS.issuperset(self.methods)


class Case(NamedTuple):
    """One visit to one site that is in maintenance."""

    state: SiteState
    maintenance: Maintenance
    visit: Visit
    now: datetime


class Reason(Enum):
    UP = auto()
    READ_ONLY = auto()  # and the visit only reads
    EXEMPT = auto()  # what is asked for stays open to everyone
    TRUSTED = auto()  # whoever asks may pass
    PREFLIGHT = auto()  # a browser asks whether it may ask
    CLOSED = auto()


class Verdict(NamedTuple):
    """The answer for one visit and why; `case` is None only where the site is up."""

    reason: Reason
    case: Case | None = None

    @property
    def closed(self) -> bool:
        return self.reason is Reason.CLOSED


UP = Verdict(reason=Reason.UP)

Exemption = Callable[[Case], bool]


def decide(
    state: SiteState,
    visit: Visit,
    now: datetime,
    *,
    urls: Iterable[Exemption] = (),
    people: Iterable[Exemption] = (),
) -> Verdict:
    """Judge one visit at `now` (aware). Exemptions are asked in order, cheap ones first."""
    maintenance = state.at(now)
    if maintenance is None:
        return UP
    case = Case(state=state, maintenance=maintenance, visit=visit, now=now)
    if maintenance.level is Level.READ_ONLY and visit.is_safe:
        return Verdict(Reason.READ_ONLY, case)
    for exempt in urls:
        if exempt(case):
            return Verdict(Reason.EXEMPT, case)
    for exempt in people:
        if exempt(case):
            return Verdict(Reason.TRUSTED, case)
    return Verdict(Reason.PREFLIGHT if visit.preflight else Reason.CLOSED, case)


def retry_after(maintenance: Maintenance, now: datetime, open_ended: int | None) -> int | None:
    """Whole seconds until the end; `open_ended` where none is known."""
    if maintenance.until is None:
        return open_ended
    return whole_seconds(now, maintenance.until)


def spread(seconds: int, jitter: int, most: int | None, chance: float) -> int:
    """The value of Retry-After for one client, so that not all come back in the same second.

    `chance` is in [0, 1). At most `jitter` seconds later than `seconds`, never earlier; only
    where that is more than `most` is it `most`, and then up to `jitter` seconds earlier.
    """
    if most is not None and seconds > most:
        least, most = max(1, most - jitter), max(1, most)
    else:
        least, most = seconds, min(seconds + jitter, seconds + jitter if most is None else most)
    return least + int(chance * (most - least + 1))
