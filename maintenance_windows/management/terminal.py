"""Aligned columns on a terminal, and a screen that is redrawn repeatedly."""

import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from django.core.management.base import OutputWrapper
from wcwidth import clip, width

from maintenance_windows.wording.lines import printable

GAP = "  "
CUT = "…"
# ECMA-48: CUP, EL and ED. None of them sets a mode, so there is nothing to reset on exit.
HOME, CLEAR_LINE, CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"
RESIZED = 0.2  # seconds between two looks at the terminal's size


class Cell(NamedTuple):
    """A text and its colour. The colour adds no information to the text."""

    text: str
    style: Callable[[str], str] = str


Table = Sequence[Sequence[Cell]]


def lines(rows: Table, columns: int | None = None) -> list[str]:
    """Format one line for each row, cut to `columns` if given."""
    safe = [[Cell(printable(text), style) for text, style in row] for row in rows]
    widths = [max(width(text) for text, _ in column) for column in zip(*safe, strict=True)]
    return [_line(row, widths, columns) for row in safe]


def _line(row: Sequence[Cell], widths: Sequence[int], columns: int | None) -> str:
    line, at = "", 0
    for cell, wide in zip(row, widths, strict=True):
        room = wide if columns is None else columns - at
        if room <= 0:
            break
        text = cell.text
        if width(text) > room:
            text = clip(text, 0, room - width(CUT), fillchar="") + CUT
        line += (cell.style(text) if text else "") + " " * (wide - width(text)) + GAP
        at += wide + len(GAP)
    return line.rstrip(" ")


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
