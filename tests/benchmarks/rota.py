"""Sites with a rota of windows, and the status that each should respond with."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from project.probe import RIGHT, Answer

SECOND = timedelta(seconds=1)
# Six sites: every five seconds one of them goes down or comes up.
PERIOD, LENGTH, STAGGER = 60 * SECOND, 25 * SECOND, 10 * SECOND
UP, HELD = "s0.example", "s1.example"
IN_TURN = [f"s{number}.example" for number in range(2, 8)]
HOSTS = [UP, HELD, *IN_TURN]
# Far enough ahead that each process knows the window; at most two per site.
AHEAD = PERIOD + 30 * SECOND
LONG = timedelta(days=1)


class Rota:
    """From `begin` each site but two is down for LENGTH once per PERIOD."""

    def __init__(self, begin: datetime) -> None:
        self.first = {host: begin + number * STAGGER for number, host in enumerate(IN_TURN)}
        self._planned = dict.fromkeys(IN_TURN, 0)

    def plan(self, now: datetime) -> None:
        """Schedule the windows that start up to AHEAD from `now`."""
        from django.contrib.sites.models import Site

        from maintenance_windows.planning import windows

        for host, number in self._planned.items():
            start = self.first[host] + number * PERIOD
            if start <= now + AHEAD:
                sites = Site.objects.filter(domain=host)
                end = start + LENGTH
                windows.schedule(sites, starts_at=start, ends_at=end, actor="alice")
                self._planned[host] = number + 1

    def off_by(self, host: str, answer: Answer) -> timedelta:
        """How far a response certainly was on the wrong side of the nearest boundary."""
        if host == UP:
            return answer.off_by(answer.sent + LONG, answer.sent + 2 * LONG)
        if host == HELD:
            return answer.off_by(answer.sent - LONG, answer.sent + LONG)
        first = self.first[host]
        number = (answer.sent - first + (PERIOD - LENGTH) / 2) // PERIOD
        start = first + max(number, 0) * PERIOD
        return answer.off_by(start, start + LENGTH)


@dataclass
class Tally:
    """Responses by status, and wrong ones."""

    rota: Rota
    answers: Counter[int] = field(default_factory=Counter)
    wrong: int = 0
    worst: timedelta = RIGHT

    def see(self, host: str, answer: Answer) -> None:
        self.answers[answer.status] += 1
        if (off := self.rota.off_by(host, answer)) > RIGHT:
            self.wrong += 1
            self.worst = max(self.worst, off)

    @property
    def requests(self) -> int:
        return self.answers.total()

    def __add__(self, other: Self) -> Self:
        answers, wrong = self.answers + other.answers, self.wrong + other.wrong
        return type(self)(self.rota, answers, wrong, max(self.worst, other.worst))

    def __str__(self) -> str:
        worst = f", by at most {self.worst / SECOND * 1000:,.0f} ms" if self.wrong else ""
        return f"{self.requests:,} answers, {self.wrong:,} wrong{worst}"
