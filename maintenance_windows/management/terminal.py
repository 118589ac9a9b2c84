"""Aligned columns on a terminal, and a screen that is redrawn repeatedly."""

import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from django.core.management.base import OutputWrapper
from wcwidth import clip, width

from maintenance_windows.core.lines import printable

GAP = "  "
CUT = "…"
LEAST_NAME = 16  # columns
# ECMA-48: CUP, EL and ED. None of them sets a mode, so there is nothing to reset on exit.
HOME, CLEAR_LINE, CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"
RESIZED = 0.2  # seconds between two looks at the terminal's size


class Cell(NamedTuple):
    """A text and its colour. The colour adds no information to the text."""

    text: str
    style: Callable[[str], str] = str


@dataclass(frozen=True)
class Table:
    """Rows of cells, the first of which may be a heading.

    On a narrow terminal the column `name` gives way first, and keeps both ends of its texts. Then
    the columns from `rest` on do, the last one first. All others stay as wide as their cells.
    """

    rows: Sequence[Sequence[Cell]]
    name: int | None = None
    rest: int = 0


def lines(table: Table, columns: int | None = None) -> list[str]:
    """Format one line for each row, at most `columns` wide if given."""
    safe = [[Cell(printable(text), style) for text, style in row] for row in table.rows]
    widths = [max(width(text) for text, _ in column) for column in zip(*safe, strict=True)]
    if columns is not None:
        widths = _fit(widths, safe, table, columns)
    return [_line(row, widths, table.name) for row in safe]


def _fit(
    widths: Sequence[int], rows: Sequence[Sequence[Cell]], table: Table, columns: int
) -> list[int]:
    """Return the widths of columns that fit, as far as that can be."""
    narrow = list(widths)

    def shrink(column: int, least: int) -> None:
        used = [wide for wide in narrow if wide]
        excess = sum(used) + len(GAP) * (len(used) - 1) - columns
        narrow[column] = max(min(least, narrow[column]), narrow[column] - max(0, excess))

    if table.name is not None:
        shrink(table.name, LEAST_NAME)
    for column in reversed(range(table.rest, len(narrow))):
        shrink(column, 0)
    for column in range(table.rest):
        if column != table.name and len(rows) > 1:
            # The heading gives way last: it may name a time zone.
            shrink(column, max(width(row[column].text) for row in rows[1:]))
    return narrow


def _line(row: Sequence[Cell], widths: Sequence[int], name: int | None) -> str:
    line = ""
    for number, (cell, wide) in enumerate(zip(row, widths, strict=True)):
        if wide <= 0:
            continue
        text = _cut(cell.text, wide, both_ends=number == name)
        padding = " " * (wide - width(text))
        line += (GAP if line else "") + (cell.style(text) if text else "") + padding
    return line.rstrip(" ")


def _cut(text: str, wide: int, *, both_ends: bool) -> str:
    if width(text) <= wide:
        return text
    room = wide - width(CUT)
    after = room // 2 if both_ends else 0
    start = clip(text, 0, room - after, fillchar="")
    end = clip(text, width(text) - after, width(text), fillchar="") if after else ""
    return f"{start}{CUT}{end}"


def is_terminal(out: OutputWrapper) -> bool:
    """Return whether the output is a terminal that can be redrawn."""
    return out.isatty() and os.environ.get("TERM") != "dumb"


def repeat(out: OutputWrapper, frame: Callable[[int], list[str]], every: float) -> None:
    """Draw the lines of `frame` every `every` seconds and when the terminal is resized.

    `frame` takes the number of columns, and returns lines that fit into them.

    Earlier output scrolls up and remains. The last frame remains too.
    """
    with suppress(KeyboardInterrupt):
        try:
            out.write("\n" * (shutil.get_terminal_size().lines - 1))
            while True:
                size = shutil.get_terminal_size()
                # The cursor rests below the frame, and the next frame clears what is typed there.
                shown = _fitting(frame(size.columns), size.lines - 1)
                painted = "".join(f"{CLEAR_LINE}{line}\n" for line in shown)
                out.write(f"{HOME}{painted}{CLEAR_BELOW}", ending="")
                out.flush()
                _wait(every, size)
        finally:
            out.write("\n")  # below the ^C that the terminal shows


def _fitting(shown: list[str], rows: int) -> list[str]:
    """Return at most `rows` lines, always with the last one."""
    if len(shown) <= rows:
        return shown
    first = max(0, rows - 2)
    return [*shown[:first], f"{CUT} {len(shown) - first - 1} more", shown[-1]][:rows]


def _wait(seconds: float, size: os.terminal_size) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and shutil.get_terminal_size() == size:
        time.sleep(min(left, RESIZED))
