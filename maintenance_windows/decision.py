"""Whether one request to one site is answered or told to come back later."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from maintenance_windows.snapshot import Level, Maintenance, SiteState
from maintenance_windows.timeline import whole_seconds

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What the decision needs to know of a request."""

    method: str
    path: str
    address: str
    urlconf: str | None = None


class Reason(Enum):
    UP = auto()
    READ_ONLY = auto()
    EXEMPT = auto()
    CLOSED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer for one visit and why; `maintenance` is None only where the site is up."""

    reason: Reason
    maintenance: Maintenance | None

    @property
    def closed(self) -> bool:
        return self.reason is Reason.CLOSED


Exemption = Callable[[SiteState, Visit], bool]


def decide(
    state: SiteState, visit: Visit, exemptions: Iterable[Exemption], now: datetime
) -> Verdict:
    """Judge one visit at `now` (aware). Exemptions are asked in order, cheap ones first."""
    maintenance = state.at(now)
    if maintenance is None:
        reason = Reason.UP
    elif maintenance.level is Level.READ_ONLY and visit.method in SAFE_METHODS:
        reason = Reason.READ_ONLY
    elif any(exempt(state, visit) for exempt in exemptions):
        reason = Reason.EXEMPT
    else:
        reason = Reason.CLOSED
    return Verdict(reason=reason, maintenance=maintenance)


def retry_after(maintenance: Maintenance, now: datetime, open_ended: int | None) -> int | None:
    """The value of Retry-After in whole seconds; `open_ended` where no end is known."""
    if maintenance.until is None:
        return open_ended
    return whole_seconds(now, maintenance.until)
