"""Whether a request to a site in maintenance is answered or told to come back later."""

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum, auto
from typing import NamedTuple

from maintenance_windows.core.state import Level, Maintenance, SiteState

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Visit(NamedTuple):
    """One request to a site in maintenance at `now` (aware): all that the decision reads of it.

    `methods` are the request's own and those that it asks to be treated as. `remote` is the peer
    of its connection, `forwarded` the unverified value of X-Forwarded-For, `language` the active
    language and `bypass` the token that it brings.
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
    """The answer for a visit, and its reason. All but PREFLIGHT and DOWN let it pass."""

    READ_ONLY = auto()  # the site is read-only, and the visit only reads
    EXEMPT = auto()  # the URL stays reachable for everybody
    TRUSTED = auto()  # the sender may pass
    PREFLIGHT = auto()  # a browser asks whether a script may send the real request
    DOWN = auto()


Exemption = Callable[[Visit], bool]


def decide(
    visit: Visit, *, urls: Iterable[Exemption] = (), senders: Iterable[Exemption] = ()
) -> Verdict:
    """Judge one visit. Exemptions are asked in the order given, so cheap ones come first."""
    if visit.maintenance.level is Level.READ_ONLY and visit.is_safe:
        return Verdict.READ_ONLY
    for is_exempt in urls:
        if is_exempt(visit):
            return Verdict.EXEMPT
    for is_trusted in senders:
        if is_trusted(visit):
            return Verdict.TRUSTED
    return Verdict.PREFLIGHT if visit.preflight else Verdict.DOWN
