"""URL patterns that people type, matched by Django's own pattern classes."""

import re
from collections.abc import Callable
from functools import lru_cache

from django.core.exceptions import ImproperlyConfigured
from django.urls.resolvers import RegexPattern, RoutePattern

from maintenance_windows.snapshot import PatternKind

Matcher = Callable[[str], bool]

# Paths with nothing in common but how they end: what matches a pair matches about everything.
UNLIKELY = (("kq7/zx-9/~w/", "J.0/"), ("kq7/zx-9/~w", "J.0"))


UNREADABLE = (ImproperlyConfigured, re.error, OverflowError, RecursionError)


@lru_cache(maxsize=1024)
def matcher(kind: PatternKind, pattern: str) -> Matcher:
    """A test for paths without their leading slash, as urls.py sees them.

    Raises one of UNREADABLE where Django could not read the pattern either.
    """
    cls = RegexPattern if kind is PatternKind.REGEX else RoutePattern
    compiled = cls(pattern, is_endpoint=True)
    compiled.regex  # noqa: B018 (Django compiles on first use; a bad pattern must fail here)
    return lambda path: compiled.match(path) is not None


@lru_cache(maxsize=1024)
def fault(kind: PatternKind, pattern: str) -> str | None:
    """The sentence that says why a pattern is refused; None where it is good."""
    if not isinstance(pattern, str):
        return "Write the pattern as a string."
    if not pattern.strip():
        return "Enter a pattern: a blank one would leave the whole site open."
    if pattern.startswith(("/", "^/")):
        return "Leave out the leading slash, as in urls.py: healthz/ rather than /healthz/."
    try:
        matches = matcher(kind, pattern)
    except UNREADABLE as error:
        return f"Django cannot read this pattern: {error}"
    if any(all(matches(path) for path in paths) for paths in UNLIKELY):
        return "This pattern matches everything: it would leave the whole site open."
    return None
