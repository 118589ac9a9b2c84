"""Sites whose windows come round all the time, and what each of them is to answer when."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from project.probe import RIGHT, Answer

SECOND = timedelta(seconds=1)
# Six sites: every five seconds one of them opens or closes.
PERIOD, LENGTH, STAGGER = 60 * SECOND, 25 * SECOND, 10 * SECOND
UP, HELD = "s0.example", "s1.example"
IN_TURN = [f"s{number}.example" for number in range(2, 8)]
HOSTS = [UP, HELD, *IN_TURN]
# Planned so long ahead, a window is known everywhere, and never more than two of a site.
AHEAD = PERIOD + 30 * SECOND
LONG = timedelta(days=1)


class Rota:
    """From `begin` on each site but two is closed for LENGTH, once a PERIOD."""

    def __init__(self, begin: datetime) -> None:
        self.first = {host: begin + number * STAGGER for number, host in enumerate(IN_TURN)}
        self._planned = dict.fromkeys(IN_TURN, 0)

    def plan(self, now: datetime) -> None:
        """Plan what starts up to AHEAD from `now`."""
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
        """How far on the wrong side of the nearest boundary an answer was for certain."""
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
    """What came of the requests: answers by status, and those that were wrong."""

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
