"""Validate the patterns that users enter."""

from time import thread_time

from django.utils.translation import gettext as _

from maintenance_windows.core.state import PatternKind
from maintenance_windows.patterns.engine import (
    UNREADABLE,
    Matcher,
    Unusable,
    compile_pattern,
    expression_of,
)
from maintenance_windows.patterns.expressions import samples

# Each pair shares only its ending, a slash or none: a pattern for both matches nearly all paths.
UNLIKELY = (("kq7/zx-9/~w/", "J.0/"), ("kq7/zx-9/~w", "J.0"))
# CPU seconds for all samples of one pattern.
TRIAL = 0.25


def usable(kind: PatternKind, pattern: str) -> Matcher:
    """Return the matcher for a pattern. Raises Unusable if it must not be used."""
    if not pattern.strip():
        raise Unusable(_("Enter a pattern: an empty one would exempt the whole site."))
    if pattern.startswith(("/", "^/")):
        sentence = _("Omit the leading slash, as in urls.py: healthz/, not /healthz/.")
        raise Unusable(sentence)
    try:
        matches = compile_pattern(kind, pattern)
        is_wide = any(all(matches(path, False) for path in paths) for paths in UNLIKELY)  # noqa: FBT003
    except TimeoutError:
        raise Unusable(_slow()) from None
    except UNREADABLE as error:
        sentence = _("This pattern is invalid: %(error)s")
        raise Unusable(sentence % {"error": error}) from error
    if is_wide:
        sentence = _("This pattern matches everything: it would exempt the whole site.")
        raise Unusable(sentence)
    return matches


def fault(kind: PatternKind, pattern: str) -> str | None:
    """Return a sentence that says why a pattern cannot be used, or None if it can."""
    try:
        usable(kind, pattern)
    except Unusable as error:
        return str(error)
    return None


def slowness(kind: PatternKind, pattern: str) -> str | None:
    """Return a sentence if a valid pattern is slow, else None.

    The pattern is tried on sample paths generated from it. On other paths, a match may still
    reach its time limit.
    """
    matches = compile_pattern(kind, pattern)
    end = thread_time() + TRIAL
    try:
        for path in samples(expression_of(kind, pattern)):
            matches(path, False)  # noqa: FBT003
            if thread_time() > end:
                return _slow()
    except TimeoutError:
        return _slow()
    return None


def _slow() -> str:
    return _(
        "This pattern takes too long on some paths: a repeated part matches the same text in "
        "many ways, as in (a|aa)+."
    )
