"""Convert expressions written for re.match() to expressions for re.search().

django-maintenancemode-2 calls re.match() with the path without its leading slash. This app
searches for patterns, as urls.py does.
"""

import re

from django.core.exceptions import ValidationError

from maintenance_windows.core.state import PatternKind
from maintenance_windows.models import IgnoredURL
from maintenance_windows.patterns.engine import UNREADABLE
from maintenance_windows.patterns.expressions import TOKEN
from maintenance_windows.patterns.faults import fault

FLAGS = re.compile(r"(?:\(\?[a-zA-Z]+\))*")  # global flags


def rewritten(pattern: str) -> str:
    """Return an expression for re.search() that finds what re.match() found.

    An invalid expression is returned unchanged: refusal() reports it.
    """
    try:
        re.compile(pattern)
    except UNREADABLE:
        return pattern  # inside a group, even the invalid "a)|(b" would compile
    return _anchored(pattern)


def refusal(row: IgnoredURL) -> str | None:
    """Return why a row cannot be saved, or None. A slow pattern is no reason."""
    try:
        row.clean_fields(exclude=["maintenance"])
    except ValidationError as error:
        return " ".join(error.messages)
    return fault(PatternKind.REGEX, row.pattern)


def _anchored(pattern: str) -> str:
    flags, rest = pattern[: (end := FLAGS.match(pattern).end())], pattern[end:]  # type: ignore[union-attr]
    start = r"\A" if "m" in flags else "^"
    if _is_choice(rest):
        return f"{flags}{start}(?:{rest})"
    return pattern if rest.startswith(start) else f"{flags}{start}{rest}"


def _is_choice(expression: str) -> bool:
    """Return whether the top level has alternatives: in ^a|b, the ^ applies only to the first."""
    depth = 0
    for token in TOKEN.finditer(expression):
        depth += bool(token["opens"]) - bool(token["closes"])
        if token["choice"] and not depth:
            return True
    return False
