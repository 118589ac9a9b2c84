"""Tokens that let testers through: signed, for one site, and known good without the database."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from django.core import signing

from maintenance_windows.core.state import SiteState

COOKIE = "maintenance_bypass"
SALT = "maintenance_windows.http.tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class BypassToken:
    """Good for a site until `expires_at`; without one, as long as the maintenance that is on at
    `during` goes on, however its end is moved.

    `generation` is the number of times that the site's links had been revoked before.
    """

    site_id: int
    generation: int
    during: datetime
    expires_at: datetime | None = None

    def sign(self) -> str:
        expires = self.expires_at and int(self.expires_at.timestamp())
        content = [self.site_id, self.generation, self.during.timestamp(), expires]
        return signing.dumps(content, salt=SALT)

    @classmethod
    def read(cls, text: str) -> Self | None:
        """None where we did not sign it."""
        try:
            site_id, generation, during, expires = signing.loads(text, salt=SALT)
        except (signing.BadSignature, ValueError):
            return None
        return cls(
            site_id=site_id,
            generation=generation,
            during=datetime.fromtimestamp(during, UTC),
            expires_at=None if expires is None else datetime.fromtimestamp(expires, UTC),
        )

    def is_over(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def belongs_to(self, state: SiteState) -> bool:
        """Whether it was made for this site, and not revoked since."""
        return (self.site_id, self.generation) == (state.site_id, state.bypass)

    def admits(self, state: SiteState, now: datetime) -> bool:
        """Whether it is good for a site in this state at `now` (aware)."""
        if not self.belongs_to(state) or self.is_over(now):
            return False
        on = state.at(now)
        return self.expires_at is not None or (on is not None and on.since <= self.during)


def is_admitted(text: str, state: SiteState, now: datetime) -> bool:
    token = BypassToken.read(text) if text else None
    return token is not None and token.admits(state, now)
