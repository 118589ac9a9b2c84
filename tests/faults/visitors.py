"""Visitors that request each site continuously, and the latency of one with a cookie."""

import threading
import time
from collections.abc import Iterable
from datetime import datetime
from statistics import quantiles
from typing import Self

from project.probe import Answer, ask
from tests.faults.windows import Seen, Window

EVERY = 0.04  # seconds between two requests to a site: 25 a second


class Visitors:
    """One visitor per site, during the block."""

    def __init__(
        self, port: int, sites: Iterable[str], *, every: float = EVERY, cookie: str = ""
    ) -> None:
        self.port, self.every, self.cookie = port, every, cookie
        self.answers: dict[str, list[Answer]] = {site: [] for site in sites}
        self._left = threading.Event()
        self._threads = [
            threading.Thread(target=self._visit, args=(site,), daemon=True) for site in self.answers
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        for thread in self._threads:
            thread.join(10)

    def _visit(self, site: str) -> None:
        due = time.monotonic()
        while not self._left.is_set():
            answer = ask(self.port, site, cookie=self.cookie)
            self.answers[site].append(answer)
            due = max(due + self.every, time.monotonic())  # delays are not caught up
            self._left.wait(max(0.0, due - time.monotonic()))

    def seen(self, windows: Iterable[Window]) -> Seen:
        windows, seen = list(windows), Seen()
        for site, answers in self.answers.items():
            seen.add(site, list(answers), [one for one in windows if one.site == site])
        return seen

    def between(self, start: datetime, end: datetime) -> list[Answer]:
        """All responses to requests sent in this time."""
        return [
            answer
            for answers in self.answers.values()
            for answer in list(answers)
            if start <= answer.sent < end
        ]


class Latency:
    """Response times in milliseconds."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self.values = sorted((a.received - a.sent).total_seconds() * 1000 for a in answers)

    @property
    def p50(self) -> float:
        return self._part(50)

    @property
    def p99(self) -> float:
        return self._part(99)

    @property
    def most(self) -> float:
        return self.values[-1] if self.values else 0.0

    def _part(self, percent: int) -> float:
        if len(self.values) < 2:
            return self.most
        return quantiles(self.values, n=100, method="inclusive")[percent - 1]

    def __str__(self) -> str:
        return f"{self.p50:.0f}/{self.p99:.0f}/{self.most:.0f}"
