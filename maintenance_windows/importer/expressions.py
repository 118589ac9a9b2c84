"""Expressions that were matched at the start of a path, for those who search in it.

django-maintenancemode-2 asked re.match for the path without its leading slash; here patterns are
searched, as in urls.py.
"""

import re

from django.core.exceptions import ValidationError

from maintenance_windows.core.state import PatternKind
from maintenance_windows.models import IgnoredURL
from maintenance_windows.patterns.engine import UNREADABLE
from maintenance_windows.patterns.expressions import TOKEN
from maintenance_windows.patterns.faults import fault

FLAGS = re.compile(r"(?:\(\?[a-zA-Z]+\))*")  # of the whole expression


def rewritten(pattern: str) -> str:
    """The expression that, searched, finds what re.match matched with this one.

    One that cannot be taken stays as it was: refusal() says why.
    """
    try:
        re.compile(pattern)
    except UNREADABLE:
        return pattern  # in brackets even "a)|(b" could be read
    return _anchored(pattern)


def refusal(row: IgnoredURL) -> str | None:
    """Why a row cannot be kept; None where it can, even if its pattern is slow on some paths."""
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
    """Whether the whole of it is one, as ^a|b is, where only the first part has the sign."""
    depth = 0
    for token in TOKEN.finditer(expression):
        depth += bool(token["opens"]) - bool(token["closes"])
        if token["choice"] and not depth:
            return True
    return False
