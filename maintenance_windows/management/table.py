"""Columns for people: each cell keeps its place, whatever text is in it."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wcwidth import clip, width

GAP = "  "
CUT = "…"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"  # emoji and many scripts need them
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


def cut(text: str, columns: int) -> str:
    """As much of the text as fits, with a mark where some of it does not."""
    if width(text) <= columns:
        return text
    return clip(text, 0, columns - width(CUT), fillchar="") + CUT
