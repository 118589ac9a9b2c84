"""The last snapshot in the shared cache, for processes that start while the database is down.

Nothing waits for the cache, because it may hang or be down. It may also be local to a process.
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from itertools import islice
from time import monotonic
from typing import Any

from django.core.cache import cache
from django.db import connections, router
from django.utils.crypto import salted_hmac

from maintenance_windows.core.intervals import Span
from maintenance_windows.core.state import Closure, Level, PatternKind, SiteState, Snapshot
from maintenance_windows.logonce import LogOnce, get_logger
from maintenance_windows.models import SiteMaintenance
from maintenance_windows.snapshot import clock
from maintenance_windows.snapshot.threads import call_with_timeout, yield_gil

# Raise the number with each change of the format: releases must not read each other's.
KEY = "maintenance_windows.snapshot.6"
# Of the settings of a database, these tell it from others.
IDENTITY = ("ENGINE", "HOST", "PORT", "NAME")
AGAIN = 60.0  # seconds until an unchanged snapshot is written again, in case it was evicted
CACHE_DEADLINE = 0.5  # seconds
REST = 10  # the pause after a write, as a multiple of its duration
SLICE = 50  # sites encoded at once; the GIL is held meanwhile

logger = get_logger(__name__)


class SnapshotCache:
    """Writes changed or long unwritten snapshots, one at a time, in a thread of its own."""

    def __init__(self) -> None:
        self._writer: threading.Thread | None = None
        self._written: Any = None
        self._due = self._rested = 0.0
        self._problems = LogOnce(logger)

    def offer(self, snapshot: Snapshot) -> None:
        content, now = (snapshot.by_id, snapshot.with_port), monotonic()
        is_busy = self._writer is not None and self._writer.is_alive()
        if is_busy or now < self._rested or (now < self._due and content == self._written):
            return
        writer = threading.Thread(target=self._write, args=[snapshot], daemon=True)
        try:
            writer.start()
        except RuntimeError:  # no thread can be started at present
            return
        self._writer, self._written, self._due = writer, content, now + AGAIN

    def _write(self, snapshot: Snapshot) -> None:
        started = monotonic()
        try:
            key, written_at = keys()
            cache.set(key, encode(snapshot), timeout=None)
            cache.set(written_at, clock.now().timestamp(), timeout=None)
        except Exception as error:  # noqa: BLE001 (each backend has exceptions of its own)
            text = f"Failed to cache maintenance windows: {error}"
            self._problems.now({"cache": text})
        else:
            self._problems.now({})
        self._rested = monotonic() + REST * (monotonic() - started)

    def read(self) -> tuple[Snapshot, datetime] | None:
        """Return the cached snapshot and when it was written; None without, or if the cache fails.

        Its closures may have been lifted since, so its age matters.
        """
        try:
            key, written_at = keys()
            found = cache.get_many([key, written_at])
            return decode(*found[key]), datetime.fromtimestamp(found[written_at], UTC)
        except KeyError:
            return None
        except Exception as error:  # noqa: BLE001 (see _write)
            logger.debug("Failed to load maintenance windows from the cache: %s", error)
            return None


def keys() -> tuple[str, str]:
    """Return the keys of the snapshot and of the time when it was written.

    They name the database, because several projects, and their tests, may share a cache.
    """
    database = connections[router.db_for_write(SiteMaintenance)].settings_dict
    identity = "|".join(str(database[name]) for name in IDENTITY)
    # With the project's key: two projects in containers may use the same path of a file.
    name = f"{KEY}.{salted_hmac(KEY, identity, algorithm='sha256').hexdigest()[:16]}"
    return name, f"{name}.written_at"


def written_at() -> datetime | None:
    """Return when a process last wrote the cached snapshot; None without one, or without a cache.

    Each does so once a minute at least, while it can read the database.
    """
    try:
        _, key = keys()
        written: float | None = call_with_timeout(lambda: cache.get(key), CACHE_DEADLINE)
        return None if written is None else datetime.fromtimestamp(written, UTC)
    except Exception:  # noqa: BLE001 (see _write)
        return None


def encode(snapshot: Snapshot) -> list[list[str]]:
    """Encode a snapshot as lists of texts, which every cache can store, a few sites at a time."""

    def slices() -> Iterator[str]:
        states = iter(list(snapshot.by_id.values()))
        while some := list(islice(states, SLICE)):
            yield json.dumps(some, default=_plain)

    return [list(yield_gil(slices(), 1)), sorted(snapshot.with_port)]


def _plain(value: Any) -> Any:
    """Convert a time to text, a duration to seconds and a dataclass to a list of its fields."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return [getattr(value, field.name) for field in fields(value) if field.init]


def decode(slices: list[str], with_port: list[str]) -> Snapshot:
    """Restore a snapshot from what encode() returns."""

    def span(start: str, end: str | None) -> Span:
        return Span(datetime.fromisoformat(start), datetime.fromisoformat(end) if end else None)

    def closure(found: list[Any]) -> Closure:
        times, level, message, window, published_at, lead = found
        return Closure(
            span=span(*times),
            level=Level(level),
            message=message,
            window=window,
            published_at=datetime.fromisoformat(published_at) if published_at else None,
            lead=None if lead is None else timedelta(seconds=lead),
        )

    return Snapshot(
        (
            SiteState(
                site_id=site_id,
                domain=domain,
                closures=tuple(map(closure, closures)),
                patterns=tuple((PatternKind(kind), pattern) for kind, pattern in patterns),
                recorded=recorded and span(*recorded),
                bypass=bypass,
            )
            for states in slices
            for site_id, domain, closures, patterns, recorded, bypass in json.loads(states)
        ),
        frozenset(with_port),
    )
