"""The door through which texts of people pass on their way to a terminal or a log."""

import logging
import unicodedata
from contextlib import suppress
from typing import Any

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"  # emoji and many scripts need them
LINE_ENDS = {"Zl", "Zp"}
# Escape codes start with a control character, and C1 controls are single-byte codes. Format
# characters can reverse the direction of the text that follows.
UNSAFE = {"Cc", "Cf", "Cs"}


def printable(text: str) -> str:
    """Return the text on one line, without characters that control a terminal."""
    return "".join(map(_printable, text))


def _printable(character: str) -> str:
    category = unicodedata.category(character)
    if category in LINE_ENDS or (category == "Cc" and character.isspace()):
        return " "
    return REPLACEMENT if category in UNSAFE and character not in JOINERS else character


class SafeLog(logging.Filter):
    """A filter that lets no text in a record control a terminal, or look like another record."""

    def filter(self, record: logging.LogRecord) -> bool:
        with suppress(Exception):  # of a str() of the project, which the handler meets as well
            record.msg = _safe(record.msg)
            if isinstance(record.args, tuple):
                record.args = tuple(map(_safe, record.args))
            elif record.args:
                record.args = {name: _safe(value) for name, value in record.args.items()}
            if record.exc_info and not record.exc_text:
                text = logging.Formatter().formatException(record.exc_info)
                safe = "\n".join(map(printable, text.split("\n")))
                record.exc_text = None if safe == text else safe
        return True


class _Printable:
    """An object whose texts are printable."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __str__(self) -> str:
        return printable(str(self.value))

    def __repr__(self) -> str:
        return printable(repr(self.value))


def _safe(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    shown = _Printable(value)
    is_safe = (str(shown), repr(shown)) == (str(value), repr(value))
    return value if is_safe else shown
