"""Match the patterns of a request, within one time limit for all of them."""

from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from itertools import chain
from time import monotonic, perf_counter, thread_time

from maintenance_windows.core.state import PatternKind
from maintenance_windows.logonce import get_logger
from maintenance_windows.patterns.engine import LIMIT, Matcher, Unusable
from maintenance_windows.patterns.faults import usable

Pattern = tuple[PatternKind, str]

LONGEST = 4096  # characters; a longer path matches no pattern
# Seconds for all patterns of one request: for matching, and for compiling.
MATCHING = 0.05
PREPARING = 0.25
TURN = 60.0  # seconds between two turns of Matchers

logger = get_logger(__name__)


@cache  # of what planners write, so that one too many does not log all of them again and again
def warn(sentence: str) -> None:
    """Log a warning once in each process."""
    with suppress(Exception):  # such as of the project's logging filter
        logger.warning("%s", sentence)


class Matchers:
    """A cache of compiled patterns. Unused ones are dropped after one or two turns."""

    def __init__(self) -> None:
        self._young: dict[Pattern, Matcher] = {}
        self._old: dict[Pattern, Matcher] = {}
        self._turned = monotonic()

    def find(self, pattern: Pattern) -> Matcher | None:
        if found := self._young.get(pattern):
            return found
        if found := self._old.get(pattern):
            self._keep(pattern, found)
        return found

    def make(self, pattern: Pattern) -> Matcher:
        try:
            made = usable(*pattern)
        except Unusable:
            warn(f"Ignoring the URL pattern {pattern[1]!r}: the admin would refuse it.")
            made = _never
        self._keep(pattern, made)
        return made

    def _keep(self, pattern: Pattern, matcher: Matcher) -> None:
        if monotonic() - self._turned > TURN:
            self._old, self._young, self._turned = self._young, {}, monotonic()
        self._young[pattern] = matcher


ready = Matchers()


def _never(path: str, from_start: bool) -> bool:  # noqa: FBT001
    return False


def any_matches(
    path: str, searched: Iterable[Pattern], from_start: Iterable[str] = (), *, site: str = ""
) -> bool:
    """Return whether one of the patterns matches a path without its leading slash.

    A match that times out counts as no match. Patterns for which no time is left are skipped.
    """
    if len(path) > LONGEST:
        return False
    matching, preparing = MATCHING, PREPARING
    asked = chain(
        ((pattern, False) for pattern in searched),
        (((PatternKind.REGEX, regex), True) for regex in from_start),
    )
    for pattern, is_anchored in asked:
        matcher = ready.find(pattern)
        if matcher is None and preparing > 0:
            began = thread_time()
            matcher = ready.make(pattern)
            preparing -= thread_time() - began
        if matcher is None or matching <= 0:
            warn(f"The URL patterns of {site} take too long; some requests ignore some of them.")
            return False
        began = perf_counter()
        try:
            if matcher(path, is_anchored):
                return True
        except TimeoutError:
            warn(
                f"The URL pattern {pattern[1]!r} takes too long on some paths; it is ignored there."
            )
        # Matching is limited by LIMIT; any further time was spent waiting for the CPU.
        matching -= min(perf_counter() - began, LIMIT)
    return False
