"""A set that forgets."""

import threading
from time import monotonic


class Recent:
    """Digests that were added lately: up to `limit`, for up to `seconds`."""

    def __init__(self, *, limit: int, seconds: float) -> None:
        self._limit = limit // 2
        self._seconds = seconds / 2
        self._lock = threading.Lock()
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()
        self._turned = monotonic()

    def __contains__(self, digest: bytes) -> bool:
        self._turn()
        return digest in self._young or digest in self._old

    def add(self, digest: bytes) -> None:
        self._turn()
        self._young.add(digest)

    def clear(self) -> None:
        self._young, self._old = set(), set()

    def _turn(self) -> None:
        """Drop the older half once the younger one is full or old."""
        with self._lock:
            age = monotonic() - self._turned
            if age > self._seconds or len(self._young) >= self._limit:
                old = self._young if age <= 2 * self._seconds else set()
                self._old, self._young, self._turned = old, set(), monotonic()
