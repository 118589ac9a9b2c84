"""What a visitor sees, and how far that is from what a window promises."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

RIGHT = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One request's answer; the status is 0 where there was none."""

    sent: datetime
    received: datetime
    status: int
    retry_after: str | None = None

    def __str__(self) -> str:
        if self.retry_after is not None:
            return f"{self.status} Retry-After: {self.retry_after}"
        return str(self.status or "no answer")

    def off_by(self, starts_at: datetime, ends_at: datetime) -> timedelta:
        """How long before or after `[starts_at, ends_at)` this answer was still wrong."""
        if self.status == HTTPStatus.SERVICE_UNAVAILABLE:
            return max(starts_at - self.received, self.sent - ends_at, RIGHT)
        if self.status == HTTPStatus.OK:
            return max(min(self.sent - starts_at, ends_at - self.received), RIGHT)
        return timedelta.max

    def retry_off_by(self, ends_at: datetime) -> timedelta:
        """How far a 503's Retry-After points past the end, or before it; RIGHT for others."""
        if self.status != HTTPStatus.SERVICE_UNAVAILABLE:
            return RIGHT
        if self.retry_after is None or not self.retry_after.isdecimal() or self.retry_after == "0":
            return timedelta.max
        wait = timedelta(seconds=int(self.retry_after))
        return max(self.sent + wait - ends_at, ends_at - self.received - wait, RIGHT)


def ask(
    port: int, host: str, path: str = "/", timeout: float = 5.0, cookie: str | None = None
) -> Answer:
    """GET a page of `host` from the server on this machine, over a connection of its own."""
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout)
    headers = {"Host": f"{host}:{port}"} | ({"Cookie": cookie} if cookie else {})
    sent = datetime.now(UTC)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        response.read()
    except (OSError, HTTPException):
        return Answer(sent=sent, received=datetime.now(UTC), status=0)
    finally:
        connection.close()
    return Answer(
        sent=sent,
        received=datetime.now(UTC),
        status=response.status,
        retry_after=response.headers["Retry-After"],
    )
