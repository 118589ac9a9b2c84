"""Time until every web process follows a change: `python -m tests.benchmarks.change`.

Two processes of gunicorn, two of uvicorn and the embedded worker run on a database of their own, on
the server of DATABASE_URL; without one on SQLite. Each of the four is asked 50 times a second, and
200 times about what is scheduled. An answer is early or late only where it was so for certain: 503
received before the start, 200 sent after it. `first right` is when the last of the four was first
seen to have followed: it holds the wait for the next request, and the way there and back.
"""

import argparse
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from statistics import median

from project.probe import Answer, ask
from project.processes import free_port
from tests.benchmarks.own_fleet import own_fleet
from tests.benchmarks.table import aligned
from tests.benchmarks.visitor import Visitor
from tests.helpers.fleet import START_UP, Fleet

SITE = "s0.example"
SERVERS = ("gunicorn", "gunicorn", "uvicorn", "uvicorn")
OFTEN, OFTENER = 0.02, 0.005  # seconds between two requests to a process
# Longer than a change may take, so that each is over before the next.
PAUSE = 1.5  # seconds
MILLISECOND, SECOND = timedelta(milliseconds=1), timedelta(seconds=1)
BEFORE = 0.4 * SECOND  # by then all have followed the change before
LAST = datetime.max.replace(tzinfo=UTC)
OPEN, CLOSED = HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE
HEAD = ("", "changes", "first right: min", "median", "max", "late: max", "early", "back", "other")
GOALS = (
    "Times in ms. Goals: by hand first right within 1,100; scheduled late by at most 10 and none\n"
    "early. `back`: wrong again after it was right; `other`: neither 200 nor 503."
)


@dataclass(frozen=True, slots=True)
class Change:
    """The time from which the site should respond with another status."""

    at: datetime
    status: int
    title: str


@dataclass(frozen=True, slots=True)
class Followed:
    """How one process followed one change: early, late and first right responses."""

    first_right: timedelta
    late: timedelta
    early: int
    back: int
    other: int

    @classmethod
    def of(cls, change: Change, answers: Sequence[Answer]) -> "Followed":
        """Evaluate the responses of a process from BEFORE the change to the next change."""
        right = [a for a in answers if a.status == change.status]
        wrong = [a for a in answers if a.status in {OPEN, CLOSED} and a.status != change.status]
        after = [a.received for a in right if a.received >= change.at]
        first = min(after, default=LAST)
        return cls(
            first_right=first - change.at,
            late=max([timedelta(0), *(a.sent - change.at for a in wrong)]),
            early=sum(a.received < change.at for a in right),
            back=sum(a.sent > first for a in wrong),
            other=len(answers) - len(right) - len(wrong),
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="each change once")
    rounds = 1 if parser.parse_args().smoke else 20
    sys.setswitchinterval(0.0005)  # the threads that ask are not to wait for each other
    with own_fleet(sites=1) as fleet:
        ports = start(fleet)
        lines = measure(ports, OFTEN, by_hand, rounds) + measure(ports, OFTENER, scheduled, rounds)
    print(aligned(HEAD, [line.cells() for line in lines]))
    print(GOALS)
    return int(any(line.broken for line in lines))


def start(fleet: Fleet) -> list[int]:
    """Start and warm up the web processes; return their ports."""
    ports = [free_port() for _ in SERVERS]
    for number, (server, port) in enumerate(zip(SERVERS, ports, strict=True)):
        options = {
            "gunicorn": ("--workers=1", f"--bind=127.0.0.1:{port}", "project.wsgi"),
            "uvicorn": (f"--port={port}", "--no-access-log", "project.asgi:application"),
        }
        fleet.start(f"web{number}", server, *options[server])
    fleet.start_embedded()
    deadline = time.monotonic() + START_UP
    while any(ask(port, SITE, path).status != OPEN for port in ports for path in ("/readyz", "/")):
        if time.monotonic() > deadline:
            raise TimeoutError("\n".join(fleet.log(name) for name in fleet.running))
        time.sleep(0.1)
    return ports


@contextmanager
def watched(ports: Sequence[int], every: float) -> Iterator[list[list[Answer]]]:
    """Watch all processes; yield the responses of each in order."""
    seen: list[list[Answer]] = [[] for _ in ports]
    visitors = [
        Visitor(port, [SITE], every, lambda _, answer, mine=mine: mine.append(answer))
        for port, mine in zip(ports, seen, strict=True)
    ]
    for visitor in visitors:
        visitor.start()
    try:
        yield seen
    finally:
        for visitor in visitors:
            visitor.leave()


def by_hand(rounds: int) -> list[Change]:
    """Take sites down and up at random moments of the refresh interval."""
    from django.contrib.sites.models import Site
    from django.db import transaction

    from maintenance_windows.planning.sites import bring_up, take_down

    site, changes = Site.objects.get(domain=SITE), []
    for _ in range(rounds):
        for status, verb, title in (
            (CLOSED, take_down, "switched on by hand"),
            (OPEN, bring_up, "switched off by hand"),
        ):
            time.sleep(PAUSE + random.random())
            with transaction.atomic():
                committed = partial(note, changes, status, title)
                transaction.on_commit(committed)  # before what the verb has done then
                verb([site], actor="alice")
    time.sleep(PAUSE)
    return changes


def note(changes: list[Change], status: int, title: str) -> None:
    changes.append(Change(datetime.now(UTC), status, title))


def scheduled(rounds: int) -> list[Change]:
    """Schedule windows of a second that start at different moments of the second."""
    from django.contrib.sites.models import Site

    from maintenance_windows.planning import windows

    site, changes = Site.objects.get(domain=SITE), []
    first = datetime.now(UTC) + 4 * SECOND
    for number in range(rounds):
        begin = first + number * 2.07 * SECOND
        windows.schedule([site], starts_at=begin, ends_at=begin + SECOND, actor="alice")
        changes += [
            Change(begin, CLOSED, "window starts"),
            Change(begin + SECOND, OPEN, "window ends"),
        ]
    time.sleep((changes[-1].at + SECOND - datetime.now(UTC)).total_seconds())
    return changes


@dataclass(frozen=True, slots=True)
class Line:
    """All changes of one kind, with how the processes followed them."""

    title: str
    changes: list[list[Followed]]

    @property
    def broken(self) -> bool:
        return any(one.early or one.back or one.other for change in self.changes for one in change)

    def cells(self) -> list[object]:
        last = [max(one.first_right for one in change) for change in self.changes]
        each = [one for change in self.changes for one in change]
        times = (min(last), median(last), max(last), max(one.late for one in each))
        return [
            self.title,
            len(self.changes),
            *(f"{time / MILLISECOND:,.1f}" for time in times),
            sum(one.early for one in each),
            sum(one.back for one in each),
            sum(one.other for one in each),
        ]


def measure(
    ports: Sequence[int], every: float, changing: Callable[[int], list[Change]], rounds: int
) -> list[Line]:
    """Watch all processes while `changing` makes changes; return a line per kind."""
    with watched(ports, every) as seen:
        changes = changing(rounds)
    lines = defaultdict(list)
    for change, end in zip(changes, [*(one.at for one in changes[1:]), LAST], strict=True):
        begin = change.at - BEFORE
        lines[change.title].append(
            [
                Followed.of(change, [a for a in mine if begin <= a.sent and a.received < end])
                for mine in seen
            ]
        )
    return [Line(title, found) for title, found in lines.items()]


if __name__ == "__main__":
    raise SystemExit(main())
