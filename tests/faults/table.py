"""The table of faults: each line has a promise and measurements."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.faults.windows import SECOND, Seen, milliseconds

if TYPE_CHECKING:
    from tests.faults.bench import Bench

HEAD = ("fault", "visitors", "flag", "operator", "")


@dataclass
class Line:
    """The result of one fault."""

    title: str
    visitors: list[str] = field(default_factory=list)
    flag: list[str] = field(default_factory=list)
    operator: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: str = ""
    by_noise: bool = True  # whether a busy machine may explain all failures
    seconds: float = 0.0

    def promise(self, kept: object, sentence: str, *, noisy: bool = False) -> None:
        if not kept:
            self.failures.append(sentence)
            self.by_noise = self.by_noise and noisy

    def on_time(self, seen: Seen, name: str = "", allowed: timedelta = SECOND) -> None:
        """Check that visitors got no wrong response beyond the allowed lateness."""
        self.visitors.append(f"{name}: {seen}" if name else str(seen))
        strange = sum(seen.strange.values())
        self.promise(
            seen.answers and not strange and seen.worst <= allowed,
            f"{name or 'visitors'}: {seen} ({'; '.join(seen.examples)})",
            noisy=not strange and seen.worst <= 3 * allowed,
        )

    def within(
        self, late: timedelta | None, most: float, what: str, column: list[str] | None = None
    ) -> None:
        """Check that something occurred within that many seconds."""
        said = f"{what}: {'never' if late is None else milliseconds(late)}"
        (self.flag if column is None else column).append(said)
        self.promise(
            late is not None and late <= timedelta(seconds=most),
            f"{said}, allowed {most:g} s",
            noisy=late is not None and late <= timedelta(seconds=2 * most),
        )

    @property
    def verdict(self) -> str:
        if self.skipped:
            return "skipped"
        return "FAILED" if self.failures else "ok"

    def cells(self) -> list[str]:
        texts = ["; ".join(column) for column in (self.visitors, self.flag, self.operator)]
        verdict = ": ".join(filter(None, [self.verdict, self.skipped, *self.notes]))
        return [self.title, *(text or "-" for text in texts), verdict]


@dataclass(frozen=True, slots=True)
class Fault:
    """A line of the table before its run; `brief` and `full` are time limits in seconds."""

    name: str
    title: str
    run: Callable[["Bench", Line], None]
    brief: float
    full: float
    alone: bool  # whether parallel lines would disturb its measurements
    is_quiet: bool  # whether it fails by itself on a busy machine


def fault(
    title: str, *, seconds: float, full: float = 0.0, alone: bool = False, is_quiet: bool = False
) -> Callable[[Callable[["Bench", Line], None]], Fault]:
    """Register a function as a line of the table, by its name."""

    def made(run: Callable[["Bench", Line], None]) -> Fault:
        name = run.__name__.replace("_", "-")
        return Fault(name, title, run, seconds, full or seconds, alone, is_quiet)

    return made


def markdown(lines: Iterable[Line]) -> str:
    rows = [HEAD, ("---",) * len(HEAD), *(line.cells() for line in lines)]
    return "\n".join(f"| {' | '.join(map(escaped, row))} |" for row in rows)


def escaped(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")
