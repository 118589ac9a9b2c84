"""Patterns made ready to be matched, none of them for longer than LIMIT.

Python's own engine knows no limit, so regular expressions are matched by `regex`, which does. It
is imported with the first pattern that needs it: other processes never pay for it.
"""

import re
from collections.abc import Callable

from django.core.exceptions import ImproperlyConfigured
from django.urls.converters import DEFAULT_CONVERTERS, PathConverter
from django.urls.resolvers import RoutePattern
from django.utils.translation import gettext as _

from maintenance_windows.core.state import PatternKind
from maintenance_windows.patterns.expressions import COMMENTED, for_regex, size

# Seconds of the processor for one match, which mostly takes some millionths.
LIMIT = 0.005
# Nodes of an expression: with so many it takes up to 5 MB, and up to 0.1 s to be made.
LARGEST = 5000

# Searches a path, or matches it from its start; raises TimeoutError.
Matcher = Callable[[str, bool], bool]

TAME = {type(converter) for converter in DEFAULT_CONVERTERS.values()}
CONVERTER = re.compile("<[^>]+>")


class Unusable(ValueError):
    """A pattern that cannot be used; its text is a sentence for people."""


UNREADABLE = (ImproperlyConfigured, re.error, OverflowError, RecursionError)


def expression_of(kind: PatternKind, pattern: str) -> str:
    """A pattern as a regular expression. Raises ImproperlyConfigured or re.error."""
    if kind is PatternKind.REGEX:
        return pattern
    return RoutePattern(pattern, is_endpoint=True).regex.pattern


def compile_pattern(kind: PatternKind, pattern: str) -> Matcher:
    """A test for paths without their leading slash, as urls.py sees them.

    Raises Unusable, or one of UNREADABLE.
    """
    expression = expression_of(kind, pattern)
    if kind is PatternKind.ROUTE and _is_tame(pattern):
        return _unlimited(expression)
    return _limited(expression)


def _is_tame(route: str) -> bool:
    """Whether any engine matches a route in a time that grows with the path alone.

    So it is where each of Django's own converters ends at the next slash, one <path:…> aside.
    The converters of a project may be any expression.
    """
    kinds = [type(one) for one in RoutePattern(route).converters.values()]
    between = CONVERTER.split(route)[1:-1]
    return (
        TAME.issuperset(kinds)
        and kinds.count(PathConverter) <= 1
        and all("/" in text for text in between)
    )


def _unlimited(expression: str) -> Matcher:
    match = re.compile(expression).match  # that of a route is anchored anyway
    return lambda path, _from_start: match(path) is not None


def _limited(expression: str) -> Matcher:
    re.compile(expression)  # the language is Python's, and so are the complaints
    if COMMENTED.search(expression):
        raise Unusable(_("Leave out comments and the flag x: they have no use in a URL pattern."))
    if size(expression) > LARGEST:
        raise Unusable(_("This pattern is too large: repeat less, or less often."))
    import regex  # noqa: PLC0415

    try:
        compiled = regex.compile(for_regex(expression), regex.V0, cache_pattern=False)
    except Exception as error:  # some of its releases stumble over what Python reads
        raise re.error(str(error)) from error
    look = (compiled.search, compiled.match)

    def matches(path: str, from_start: bool) -> bool:  # noqa: FBT001
        # To let other threads run meanwhile takes longer than most matches do.
        return look[from_start](path, timeout=LIMIT, concurrent=False) is not None

    return matches
