"""The decision on a request to a site in maintenance: it passes, or it gets the 503."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from enum import Enum, auto
from typing import NamedTuple

from maintenance_windows.core.state import Level, Maintenance, SiteState

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Visit(NamedTuple):
    """The parts of a request that the decision reads, at `now` (aware).

    `methods` includes method overrides. `remote` is the peer of the connection, `forwarded` the
    unverified value of X-Forwarded-For, `language` the active language and `bypass` the token in
    the cookie. `only_reads` is whether the project says so of an unsafe method.
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
    only_reads: bool = False

    @property
    def is_safe(self) -> bool:
        return self.only_reads or SAFE_METHODS.issuperset(self.methods)

    @property
    def may_only_read(self) -> bool:
        """Whether the answer depends on what the project says of an unsafe method.

        It does not say so of a method that a header overrides.
        """
        is_unsafe = len({*self.methods}) == 1 and not self.is_safe
        maintenance = self.maintenance
        return is_unsafe and (maintenance.level is Level.READ_ONLY or maintenance.is_mixed)


class Verdict(Enum):
    """The outcome for a visit. PREFLIGHT and DOWN refuse it; all others let it pass."""

    READ_ONLY = auto()  # the site is read-only, and the visit is safe
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


def as_met(visit: Visit, urls: Iterable[Exemption] = ()) -> Maintenance:
    """Return the maintenance with the `until` at which this visit is served again.

    A visit that passes while the site is read-only is served when the full part ends.
    """
    maintenance = visit.maintenance
    if not maintenance.is_mixed:
        return maintenance
    read_only = visit._replace(maintenance=replace(maintenance, level=Level.READ_ONLY))
    passes = decide(read_only, urls=urls) in {Verdict.READ_ONLY, Verdict.EXEMPT}
    return maintenance.for_readers() if passes else maintenance
