"""Whether one request to one site is answered or told to come back later."""

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum, auto
from typing import NamedTuple

from maintenance_windows.core.state import Level, Maintenance, SiteState

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
