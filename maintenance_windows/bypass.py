"""Tokens that let testers through: signed, for one site, and known good without the database."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from django.core import signing

from maintenance_windows.snapshot import SiteState

COOKIE = "maintenance_bypass"
SALT = "maintenance_windows.bypass"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """Good for a site until `expires_at`, or while one of the closures with these keys is on.

    `generation` is the number of times that the site's links had been revoked before.
    """

    site_id: int
    generation: int
    closures: tuple[int | str, ...] = ()
    expires_at: datetime | None = None

    def sign(self) -> str:
        expires = self.expires_at and int(self.expires_at.timestamp())
        return signing.dumps([self.site_id, self.generation, expires, self.closures], salt=SALT)

    @classmethod
    def read(cls, text: str) -> Self | None:
        """None where we did not sign it."""
        try:
            site_id, generation, expires, closures = signing.loads(text, salt=SALT)
        except (signing.BadSignature, ValueError):
            return None
        return cls(
            site_id=site_id,
            generation=generation,
            closures=tuple(closures),
            expires_at=None if expires is None else datetime.fromtimestamp(expires, UTC),
        )

    def is_over(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def admits(self, state: SiteState, now: datetime) -> bool:
        """Whether it is good for a site in this state at `now` (aware)."""
        if (self.site_id, self.generation) != (state.site_id, state.bypass) or self.is_over(now):
            return False
        on = {closure.key for closure in state.closures if closure.span.covers(now)}
        return self.expires_at is not None or not on.isdisjoint(self.closures)


def is_admitted(text: str, state: SiteState, now: datetime) -> bool:
    token = Token.read(text) if text else None
    return token is not None and token.admits(state, now)


def keys_of(state: SiteState, start: datetime, end: datetime | None) -> Iterable[int | str]:
    """The keys of all closures that make up the run [start, end)."""
    for closure in state.closures:
        if start <= closure.span.start and (end is None or closure.span.start < end):
            yield closure.key
