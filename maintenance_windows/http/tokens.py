"""Bypass tokens, which let testers pass: signed, for one site, checked without the database."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from django.core import signing

from maintenance_windows.core.state import SiteState

COOKIE = "maintenance_bypass"
SALT = "maintenance_windows.http.tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class BypassToken:
    """A token that is valid until `expires_at`, or else until the maintenance at `during` ends.

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
        """Parse a signed token; return None if the signature is wrong."""
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
        """Return whether the token is for this site and has not been revoked."""
        return (self.site_id, self.generation) == (state.site_id, state.bypass)

    def admits(self, state: SiteState, now: datetime) -> bool:
        """Return whether the token is valid for a site in this state at `now` (aware)."""
        if not self.belongs_to(state) or self.is_over(now):
            return False
        if self.expires_at is not None:
            return True
        maintenance = state.at(now)
        return maintenance is not None and maintenance.since <= self.during


def is_admitted(text: str, state: SiteState, now: datetime) -> bool:
    token = BypassToken.read(text) if text else None
    return token is not None and token.admits(state, now)
