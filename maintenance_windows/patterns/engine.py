"""Compile patterns so that no match takes longer than LIMIT.

Python's own engine has no timeout, so `regex`, which has one, matches regular expressions. The
first pattern that needs it imports it, so that other processes do not load it.
"""

import re
from collections.abc import Callable

from django.core.exceptions import ImproperlyConfigured
from django.urls.converters import DEFAULT_CONVERTERS, PathConverter
from django.urls.resolvers import RoutePattern
from django.utils.translation import gettext as _

from maintenance_windows.core.state import PatternKind
from maintenance_windows.patterns.expressions import COMMENTED, for_regex, size

# CPU seconds for one match, which usually takes a few microseconds.
LIMIT = 0.005
# Nodes of an expression: this many take up to 5 MB, and up to 0.1 s to compile.
LARGEST = 5000

# Searches a path, or matches it from its start if the flag is true. May raise TimeoutError.
Matcher = Callable[[str, bool], bool]

TAME = {type(converter) for converter in DEFAULT_CONVERTERS.values()}
CONVERTER = re.compile("<[^>]+>")


class Unusable(ValueError):
    """The pattern cannot be used. The message is a sentence for users."""


UNREADABLE = (ImproperlyConfigured, re.error, OverflowError, RecursionError)


def expression_of(kind: PatternKind, pattern: str) -> str:
    """Return a pattern as a regular expression. Raises ImproperlyConfigured or re.error."""
    if kind is PatternKind.REGEX:
        return pattern
    return RoutePattern(pattern, is_endpoint=True).regex.pattern


def compile_pattern(kind: PatternKind, pattern: str) -> Matcher:
    """Return a matcher for paths without their leading slash, as in urls.py.

    Raises Unusable or one of UNREADABLE.
    """
    expression = expression_of(kind, pattern)
    if kind is PatternKind.ROUTE and _is_tame(pattern):
        return _unlimited(expression)
    return _limited(expression)


def _is_tame(route: str) -> bool:
    """Return whether any engine matches this route in a time that depends only on the path.

    It does if the route has only Django's own converters, with a slash between any two, and at
    most one of them is <path:…>. A project's converter may be any expression.
    """
    kinds = [type(one) for one in RoutePattern(route).converters.values()]
    between = CONVERTER.split(route)[1:-1]
    return (
        TAME.issuperset(kinds)
        and kinds.count(PathConverter) <= 1
        and all("/" in text for text in between)
    )


def _unlimited(expression: str) -> Matcher:
    match = re.compile(expression).match  # a route is always anchored
    return lambda path, _from_start: match(path) is not None


def _limited(expression: str) -> Matcher:
    re.compile(expression)  # Python's syntax counts, so report Python's errors
    if COMMENTED.search(expression):
        raise Unusable(_("Remove comments and the flag x: URL patterns do not support them."))
    if size(expression) > LARGEST:
        raise Unusable(_("This pattern is too large: reduce its repetitions."))
    import regex  # noqa: PLC0415

    try:
        compiled = regex.compile(for_regex(expression), regex.V0, cache_pattern=False)
    except Exception as error:  # some releases of regex fail on expressions that Python accepts
        raise re.error(str(error)) from error
    look = (compiled.search, compiled.match)

    def matches(path: str, from_start: bool) -> bool:  # noqa: FBT001
        # Releasing the GIL takes longer than most matches.
        return look[from_start](path, timeout=LIMIT, concurrent=False) is not None

    return matches
