"""A terminal that shows the same thing again and again, as it is by then, until Ctrl-C."""

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress

from django.core.management.base import OutputWrapper

from maintenance_windows.management.table import CUT

# ECMA-48: CUP, EL and ED. None of them is a mode, so there is nothing to undo, whatever ends us.
HOME, CLEAR_LINE, CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"
RESIZED = 0.2  # seconds after which a change of the terminal's size is seen, at the most

Frame = Callable[[int], list[str]]


def is_terminal(out: OutputWrapper) -> bool:
    """Whether it is one that can be painted on."""
    return out.isatty() and os.environ.get("TERM") != "dumb"


def repeat(out: OutputWrapper, frame: Frame, every: float) -> None:
    """Paint what `frame` returns, each so many seconds and when the terminal's size has changed.

    It is given the terminal's columns, and returns lines that fit into them.

    What was on the screen before scrolls up and stays; so does the last frame.
    """
    with suppress(KeyboardInterrupt):
        try:
            out.write("\n" * (shutil.get_terminal_size().lines - 1))
            while True:
                size = shutil.get_terminal_size()
                # The cursor rests below: what is typed there is cleared with the next frame.
                lines = _fitting(frame(size.columns), size.lines - 1)
                painted = "".join(f"{CLEAR_LINE}{line}\n" for line in lines)
                out.write(f"{HOME}{painted}{CLEAR_BELOW}", ending="")
                out.flush()
                _wait(every, size)
        finally:
            out.write("\n")  # below the ^C that the terminal shows


def _fitting(lines: list[str], rows: int) -> list[str]:
    """So many of the lines, the last one among them."""
    if len(lines) <= rows:
        return lines
    shown = max(0, rows - 2)
    return [*lines[:shown], f"{CUT} {len(lines) - shown - 1} more", lines[-1]][:rows]


def _wait(seconds: float, size: os.terminal_size) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and shutil.get_terminal_size() == size:
        time.sleep(min(left, RESIZED))
