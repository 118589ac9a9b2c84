"""A sampling profiler: our functions on the stack, many times a second.

It depends on no function name of the package.
"""

import signal
from collections import Counter
from collections.abc import Mapping
from types import FrameType
from typing import Self

PACKAGE = "maintenance_windows."
INTERVAL = 0.0005  # seconds
LEAST = 0.3  # microseconds that are worth a line


class Samples:
    """Counts the stacks of the main thread within the block.

    A stack is the functions of ours, outermost first, that lie below the innermost handler of
    Django's: none of them where Django, the stack around us or the view is at work.
    """

    def __init__(self) -> None:
        self.stacks: Counter[tuple[str, ...]] = Counter()

    def __enter__(self) -> Self:
        signal.signal(signal.SIGALRM, self._take)
        signal.setitimer(signal.ITIMER_REAL, INTERVAL, INTERVAL)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _take(self, number: int, frame: FrameType | None) -> None:
        stack: list[str] = []
        while frame is not None:
            module, name = frame.f_globals.get("__name__", ""), frame.f_code.co_qualname
            if module.startswith("django.core.handlers."):
                break
            if module.startswith(PACKAGE) and not name.endswith(">"):
                stack.insert(0, f"{module.removeprefix(PACKAGE)}.{name}")
            frame = frame.f_back
        self.stacks[tuple(stack)] += 1


def tree(stacks: Mapping[tuple[str, ...], int], microseconds: float) -> list[tuple[str, str]]:
    """The share of each function including its callees, as rows indented by depth."""
    whole = sum(stacks.values())
    inclusive: Counter[tuple[str, ...]] = Counter()
    for stack, count in stacks.items():
        for depth in range(1, len(stack) + 1):
            inclusive[stack[:depth]] += count
    rows = [("Django, the stack and the view", stacks.get((), 0) * microseconds / whole)]

    def add(parent: tuple[str, ...]) -> None:
        children = [(count, stack) for stack, count in inclusive.items() if stack[:-1] == parent]
        for count, stack in sorted(children, reverse=True):
            if (took := count * microseconds / whole) >= LEAST:
                rows.append(("  " * len(parent) + stack[-1], took))
                add(stack)

    add(())
    return [(name, f"{took:.1f}") for name, took in rows]
