"""Columns for people: each cell keeps its place, whatever text is in it.

Widths are those of a terminal: Unicode Standard Annex 11 gives wide and fullwidth characters two
columns, combining ones take none.
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

GAP = "  "
CUT = "…"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"  # emoji and many scripts need them
NO_WIDTH = {"Cf", "Me", "Mn"}
LINE_ENDS = {"Zl", "Zp"}
# Escape codes start with a control character, C1 has some of one byte; format characters turn the
# direction of all that follows.
UNSAFE = {"Cc", "Cf", "Cs"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A text and its colour; the words say all that the colour says."""

    text: str
    style: Callable[[str], str] = str


Table = Sequence[Sequence[Cell]]


def lines(rows: Table, columns: int | None = None) -> list[str]:
    """One line a row, cut where a terminal of so many columns ends."""
    safe = [[Cell(printable(cell.text), cell.style) for cell in row] for row in rows]
    widths = [max(width(cell.text) for cell in column) for column in zip(*safe, strict=True)]
    return [_line(row, widths, columns) for row in safe]


def _line(row: Sequence[Cell], widths: Sequence[int], columns: int | None) -> str:
    line, at = "", 0
    for cell, wide in zip(row, widths, strict=True):
        room = wide if columns is None else columns - at
        if room <= 0:
            break
        text = cut(cell.text, room)
        line += (cell.style(text) if text else "") + " " * (wide - width(text)) + GAP
        at += wide + len(GAP)
    return line.rstrip(" ")


def printable(text: str) -> str:
    """The text on one line, without anything that a terminal would act upon."""
    return "".join(map(_printable, text))


def _printable(character: str) -> str:
    category = unicodedata.category(character)
    if category in LINE_ENDS or (category == "Cc" and character.isspace()):
        return " "
    return REPLACEMENT if category in UNSAFE and character not in JOINERS else character


def width(text: str) -> int:
    """How many columns a terminal gives to a printable text."""
    return sum(map(_width, text))


def _width(character: str) -> int:
    if unicodedata.category(character) in NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"F", "W"} else 1


def cut(text: str, columns: int) -> str:
    """As much of the text as fits, with a mark where some of it does not."""
    if width(text) <= columns:
        return text
    room = columns - width(CUT)
    fits = sum(wide <= room for wide in accumulate(map(_width, text)))
    return text[:fits] + CUT
