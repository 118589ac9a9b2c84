"""The decision on a request to a site in maintenance: it passes, or it gets the 503."""

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum, auto
from typing import NamedTuple

from maintenance_windows.core.state import Level, Maintenance, SiteState

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Visit(NamedTuple):
    """The parts of a request that the decision reads, at `now` (aware).

    `methods` includes method overrides. `remote` is the peer of the connection, `forwarded` the
    unverified value of X-Forwarded-For, `language` the active language and `bypass` the token in
    the cookie.
    """

    state: SiteState
    maintenance: Maintenance
    now: datetime
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


class Verdict(Enum):
    """The outcome for a visit. PREFLIGHT and DOWN refuse it; all others let it pass."""

    READ_ONLY = auto()  # the site is read-only, and the methods are safe
    EXEMPT = auto()  # the URL is exempt for everybody
    TRUSTED = auto()  # the client may pass
    PREFLIGHT = auto()  # a CORS preflight
    DOWN = auto()


Exemption = Callable[[Visit], bool]


def decide(
    visit: Visit, *, urls: Iterable[Exemption] = (), senders: Iterable[Exemption] = ()
) -> Verdict:
    """Decide on one visit. Exemptions are checked in the given order; put cheap ones first."""
    if visit.maintenance.level is Level.READ_ONLY and visit.is_safe:
        return Verdict.READ_ONLY
    for is_exempt in urls:
        if is_exempt(visit):
            return Verdict.EXEMPT
    for is_trusted in senders:
        if is_trusted(visit):
            return Verdict.TRUSTED
    return Verdict.PREFLIGHT if visit.preflight else Verdict.DOWN
