"""Windows, and how far a response deviates from them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from project.probe import RIGHT, Answer

SECOND = timedelta(seconds=1)
CLOSED, OPEN = HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.OK


@dataclass(frozen=True, slots=True)
class Window:
    """A window of one site. Windows of a site do not touch."""

    site: str
    start: datetime
    end: datetime


def at(seconds: float, origin: datetime | None = None) -> datetime:
    return (origin or datetime.now(UTC)) + timedelta(seconds=seconds)


def window(site: int, start: float, length: float, origin: datetime | None = None) -> Window:
    begins = at(start, origin)
    return Window(f"s{site}.example", begins, begins + timedelta(seconds=length))


def off_by(answer: Answer, windows: list[Window]) -> timedelta:
    """How far a response was on the wrong side of a boundary, or its Retry-After off."""
    if answer.status == CLOSED:
        offs = [
            max(answer.off_by(w.start, w.end), answer.retry_off_by(w.end) - SECOND) for w in windows
        ]
        return min(offs, default=timedelta.max)
    if answer.status == OPEN:
        return max((answer.off_by(w.start, w.end) for w in windows), default=RIGHT)
    return timedelta.max


@dataclass
class Seen:
    """The responses of visitors in total."""

    answers: int = 0
    closed: int = 0
    wrong: int = 0
    worst: timedelta = RIGHT
    slowest: timedelta = RIGHT
    strange: Counter[int] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add(self, site: str, answers: Iterable[Answer], windows: list[Window]) -> None:
        for answer in answers:
            self.answers += 1
            self.closed += answer.status == CLOSED
            self.slowest = max(self.slowest, answer.received - answer.sent)
            off = off_by(answer, windows)
            if off == timedelta.max and answer.status not in {OPEN, CLOSED}:
                self.strange[answer.status] += 1
            else:
                self.worst = max(self.worst, off)
            if off > SECOND:
                self.wrong += 1
                if len(self.examples) < 3:
                    self.examples.append(f"{site} {answer.sent:%H:%M:%S.%f} {answer}")

    def __str__(self) -> str:
        worst = "never right" if self.worst == timedelta.max else f"{milliseconds(self.worst)} off"
        odd = "".join(f", {n} times {status or 'no answer'}" for status, n in self.strange.items())
        return (
            f"{self.answers:,} answers, {self.closed:,} of them 503{odd};"
            f" {self.wrong} wrong, at most {worst}"
        )


def milliseconds(value: timedelta) -> str:
    total = value / timedelta(milliseconds=1)
    return f"{total:.0f} ms" if total < 1000 else f"{total / 1000:.1f} s"
