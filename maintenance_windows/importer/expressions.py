"""Expressions that were matched at the start of a path, for those who search in it.

django-maintenancemode-2 asked re.match for the path without its leading slash; here patterns are
searched, as in urls.py, and by RE2.
"""

import re

from django.core.exceptions import ValidationError

from maintenance_windows.core.state import PatternKind
from maintenance_windows.models import IgnoredURL
from maintenance_windows.patterns import UNREADABLE, matcher

# Flags of the whole expression; then what stands in one: an escape, a set, or a sign.
FLAGS = re.compile(r"(?:\(\?[a-zA-Z]+\))*")
PART = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[()|]", re.DOTALL)
# The first is text to RE2, the second a set of letters to Python.
READ_OTHERWISE = re.compile(r"\{,\d*\}|\[:\^?\w+:\]")


def rewritten(pattern: str) -> str:
    """The expression that, searched, finds what re.match matched with this one.

    One that cannot be taken stays as it was: fault() says why.
    """
    if READ_OTHERWISE.search(pattern):
        return pattern
    try:
        matcher(PatternKind.REGEX, pattern)
    except UNREADABLE:
        return pattern  # in brackets even "a)|(b" could be read
    return _anchored(pattern)


def fault(row: IgnoredURL) -> str | None:
    """Why a row cannot be kept; None where it can."""
    if found := READ_OTHERWISE.search(row.pattern):
        return f"RE2 does not read {found[0]} as Python does."
    try:
        row.clean_fields(exclude=["maintenance"])
        row.clean()
    except ValidationError as error:
        return " ".join(error.messages)
    return None


def _anchored(pattern: str) -> str:
    flags, rest = pattern[: (end := FLAGS.match(pattern).end())], pattern[end:]  # type: ignore[union-attr]
    start = r"\A" if "m" in flags else "^"
    if _is_choice(rest):
        return f"{flags}{start}(?:{rest})"
    return pattern if rest.startswith(start) else f"{flags}{start}{rest}"


def _is_choice(expression: str) -> bool:
    """Whether the whole of it is one, as ^a|b is, where only the first part has the sign."""
    depth = 0
    for part in PART.findall(expression):
        depth += (part == "(") - (part == ")")
        if part == "|" and not depth:
            return True
    return False
