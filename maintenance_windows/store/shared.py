"""The last snapshot in the shared cache, for processes that start while the database is away.

Nothing waits for the cache: it may hang, or be gone, or be a process's own.
"""

import logging
import threading
from datetime import datetime
from time import monotonic
from typing import Any

from django.core.cache import cache

from maintenance_windows.complaints import Complaints
from maintenance_windows.snapshot import (
    Closure,
    Level,
    PatternKind,
    SiteState,
    Snapshot,
)
from maintenance_windows.timeline import Span

# The number goes up with the shape: deploys must not read what older ones wrote.
KEY = "maintenance_windows.snapshot.2"
AGAIN = 60.0  # seconds after which the same is written once more, lest it was evicted

logger = logging.getLogger(__name__)


class Shared:
    """Writes from a thread of its own, one at a time, what is new or was written long ago."""

    def __init__(self) -> None:
        self._writer: threading.Thread | None = None
        self._written: Any = None
        self._due = 0.0
        self._complaints = Complaints(logger)

    def offer(self, snapshot: Snapshot) -> None:
        content = (snapshot.by_id, snapshot.with_port)
        busy = self._writer is not None and self._writer.is_alive()
        if busy or (content == self._written and monotonic() < self._due):
            return
        self._written, self._due = content, monotonic() + AGAIN
        self._writer = threading.Thread(target=self._write, args=[snapshot], daemon=True)
        self._writer.start()

    def _write(self, snapshot: Snapshot) -> None:
        try:
            cache.set(KEY, to_plain(snapshot), timeout=None)
        except Exception as error:  # noqa: BLE001 (every cache has its own, and none matters)
            text = f"Cannot keep maintenance windows in the cache: {error}"
            self._complaints.now({"cache": text})
        else:
            self._complaints.now({})

    def read(self) -> Snapshot | None:
        """None where there is none, or no cache."""
        try:
            return from_plain(cache.get(KEY))
        except Exception as error:  # noqa: BLE001 (see _write)
            logger.debug("Cannot read maintenance windows from the cache: %s", error)
            return None


def to_plain(snapshot: Snapshot) -> Any:
    """Lists and texts alone, which every cache can keep."""

    def span(span: Span) -> list[Any]:
        return [span.start.isoformat(), span.end and span.end.isoformat()]

    def closure(closure: Closure) -> list[Any]:
        return [*span(closure.span), closure.level.value, closure.message, closure.window]

    states = [
        [
            state.site_id,
            state.domain,
            [closure(one) for one in state.closures],
            [[kind.value, pattern] for kind, pattern in state.patterns],
            state.recorded and span(state.recorded),
            state.bypass,
        ]
        for state in snapshot.by_id.values()
    ]
    return [states, sorted(snapshot.with_port)]


def from_plain(plain: Any) -> Snapshot | None:
    if plain is None:
        return None

    def span(start: str, end: str | None) -> Span:
        return Span(datetime.fromisoformat(start), datetime.fromisoformat(end) if end else None)

    def closure(start: str, end: str | None, level: str, message: str, window: int) -> Closure:
        return Closure(span=span(start, end), level=Level(level), message=message, window=window)

    states, with_port = plain
    return Snapshot(
        (
            SiteState(
                site_id=site_id,
                domain=domain,
                closures=tuple(closure(*one) for one in closures),
                patterns=tuple((PatternKind(kind), pattern) for kind, pattern in patterns),
                recorded=recorded and span(*recorded),
                bypass=bypass,
            )
            for site_id, domain, closures, patterns, recorded, bypass in states
        ),
        frozenset(with_port),
    )
