"""URL patterns that people type, written as in urls.py.

They are matched by RE2, whose time grows with the path alone: a pattern that keeps Python's
engine busy for hours is just a pattern here. What RE2 cannot match is refused.
"""

import re
from collections.abc import Callable
from functools import lru_cache

import re2
from django.core.exceptions import ImproperlyConfigured
from django.urls.resolvers import RoutePattern
from django.utils.translation import gettext as _

from maintenance_windows.core.state import PatternKind

Matcher = Callable[[str], bool]

# Paths with nothing in common but how they end: what matches a pair matches about everything.
UNLIKELY = (("kq7/zx-9/~w/", "J.0/"), ("kq7/zx-9/~w", "J.0"))

# An empty segment, one of dots alone, and signs that some servers take for slashes or cut at.
DETOUR = re.compile(r"//|/(?:\.|%2e){1,2}(?:/|\Z)|[\\;\0]|%2f|%5c", re.IGNORECASE)

UNREADABLE = (ImproperlyConfigured, re.error, re2.error, OverflowError, RecursionError)

OPTIONS = re2.Options()
OPTIONS.log_errors = False


@lru_cache(maxsize=1024)
def matcher(kind: PatternKind, pattern: str, *, from_start: bool = False) -> Matcher:
    """A test for paths without their leading slash, as urls.py sees them.

    A regular expression is searched, as urls.py does, or matched `from_start`. Raises one of
    UNREADABLE where Django or RE2 cannot read the pattern.
    """
    if kind is PatternKind.ROUTE:
        # RE2 has one sign for the end of a text; Python had another one before 3.14.
        pattern = RoutePattern(pattern, is_endpoint=True).regex.pattern
        pattern = pattern.removesuffix(r"\Z").removesuffix(r"\z") + r"\z"
    else:
        re.compile(pattern)  # its complaints are the ones that people know
    compiled = re2.compile(pattern, OPTIONS)
    look = compiled.match if from_start else compiled.search
    return lambda path: look(path) is not None


@lru_cache(maxsize=1024)
def is_usable(kind: PatternKind, pattern: str) -> bool:
    """Whether a pattern has no fault; known after the first time."""
    return fault(kind, pattern) is None


def fault(kind: PatternKind, pattern: str) -> str | None:
    """The sentence that says why a pattern is refused; None where it is good."""
    if not pattern.strip():
        return _("Enter a pattern: a blank one would leave the whole site open.")
    if pattern.startswith(("/", "^/")):
        return _("Leave out the leading slash, as in urls.py: healthz/ rather than /healthz/.")
    if sentence := _unreadable(kind, pattern):
        return sentence
    matches = matcher(kind, pattern)
    if any(all(matches(path) for path in paths) for paths in UNLIKELY):
        return _("This pattern matches everything: it would leave the whole site open.")
    return None


def _unreadable(kind: PatternKind, pattern: str) -> str | None:
    try:
        matcher(kind, pattern)
    except re2.error as error:
        said = error.args[0].decode(errors="replace")
        sentence = _("This pattern cannot be matched in a time that has a bound (RE2: %(error)s).")
        return sentence % {"error": said}
    except UNREADABLE as error:
        return _("Django cannot read this pattern: %(error)s") % {"error": error}
    return None


def is_below(path: str, roots: tuple[str, ...]) -> bool:
    """Whether a path is one of these or below it, by whole segments and without detours."""
    if not path.startswith(roots):
        return False
    below = any(path == root or path.startswith(f"{root}/") for root in roots)
    return below and is_plain(path)


def is_plain(path: str) -> bool:
    """Whether a path, with its leading slash, can only be read in one way.

    Whoever resolves dots, empty segments, backslashes or another round of percent-encoding may
    find something else there than a pattern did.
    """
    return path.startswith("/") and DETOUR.search(path) is None
