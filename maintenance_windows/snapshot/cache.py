"""The last snapshot in the shared cache, for processes that start while the database is away.

Nothing waits for the cache: it may hang, or be gone, or be a process's own.
"""

import json
import logging
import threading
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from time import monotonic
from typing import Any

from django.core.cache import cache

from maintenance_windows.core.intervals import Span
from maintenance_windows.core.state import Closure, Level, PatternKind, SiteState, Snapshot
from maintenance_windows.logonce import LogOnce
from maintenance_windows.snapshot.threads import yield_gil

# The number goes up with the shape: deploys must not read what older ones wrote.
KEY = "maintenance_windows.snapshot.3"
AGAIN = 60.0  # seconds after which the same is written once more, lest it was evicted
REST = 10  # times as long as the last writing took, until the next
SLICE = 50  # sites to a text; while one is made no other thread of the process runs

logger = logging.getLogger(__name__)


class SnapshotCache:
    """Writes from a thread of its own, one at a time, what is new or was written long ago."""

    def __init__(self) -> None:
        self._writer: threading.Thread | None = None
        self._written: Any = None
        self._due = self._rested = 0.0
        self._complaints = LogOnce(logger)

    def offer(self, snapshot: Snapshot) -> None:
        content = (snapshot.by_id, snapshot.with_port)
        busy = self._writer is not None and self._writer.is_alive()
        if (
            busy
            or monotonic() < self._rested
            or (content == self._written and monotonic() < self._due)
        ):
            return
        self._written, self._due = content, monotonic() + AGAIN
        self._writer = threading.Thread(target=self._write, args=[snapshot], daemon=True)
        self._writer.start()

    def _write(self, snapshot: Snapshot) -> None:
        begun = monotonic()
        try:
            cache.set(KEY, to_plain(snapshot), timeout=None)
        except Exception as error:  # noqa: BLE001 (every cache has its own, and none matters)
            text = f"Cannot keep maintenance windows in the cache: {error}"
            self._complaints.now({"cache": text})
        else:
            self._complaints.now({})
        self._rested = monotonic() + REST * (monotonic() - begun)

    def read(self) -> Snapshot | None:
        """None where there is none, or no cache."""
        try:
            return from_plain(cache.get(KEY))
        except Exception as error:  # noqa: BLE001 (see _write)
            logger.debug("Cannot read maintenance windows from the cache: %s", error)
            return None


def to_plain(snapshot: Snapshot) -> Any:
    """Lists and texts alone, which every cache can keep, and which are made a few at a time."""

    def span(span: Span) -> list[Any]:
        return [span.start.isoformat(), span.end and span.end.isoformat()]

    def closure(closure: Closure) -> list[Any]:
        return [*span(closure.span), closure.level.value, closure.message, closure.window]

    def slices() -> Iterator[str]:
        states = iter(list(snapshot.by_id.values()))
        while some := list(islice(states, SLICE)):
            yield json.dumps(
                [
                    [
                        state.site_id,
                        state.domain,
                        [closure(one) for one in state.closures],
                        [[kind.value, pattern] for kind, pattern in state.patterns],
                        state.recorded and span(state.recorded),
                        state.bypass,
                    ]
                    for state in some
                ]
            )

    return [list(yield_gil(slices(), 1)), sorted(snapshot.with_port)]


def from_plain(plain: Any) -> Snapshot | None:
    if plain is None:
        return None

    def span(start: str, end: str | None) -> Span:
        return Span(datetime.fromisoformat(start), datetime.fromisoformat(end) if end else None)

    def closure(start: str, end: str | None, level: str, message: str, window: int) -> Closure:
        return Closure(span=span(start, end), level=Level(level), message=message, window=window)

    slices, with_port = plain
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
            for states in slices
            for site_id, domain, closures, patterns, recorded, bypass in json.loads(states)
        ),
        frozenset(with_port),
    )
