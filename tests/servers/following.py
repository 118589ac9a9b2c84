"""How soon the processes of a server follow a change, and what they answer after a pause."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from project.probe import Answer, ask
from tests.helpers.fleet import Fleet

UP, DOWN = 200, 503
LIMIT = 1.1  # seconds in which every process follows
ASKERS = 3  # at once, each over a new connection every 20 ms
FLAG = "UPDATE maintenance_windows_sitemaintenance SET in_maintenance = {on}, until = NULL"


@dataclass(slots=True)
class Result:
    """Seconds from a change to the last wrong answer, polled and notified; wrong ones later on."""

    follows: list[float] = field(default_factory=list)
    notified: list[float] = field(default_factory=list)
    wrong: int = 0
    errors: int = 0
    first: list[int] = field(default_factory=list)
    wrong_first: int = 0

    @property
    def failed(self) -> bool:
        return bool(max(self.follows, default=0) > LIMIT or self.wrong_first or self.errors)


def change(fleet: Fleet, *, on: bool, notify: bool = False) -> None:
    """Write the flag with SQL, as anybody may; `notify` as the verbs do."""
    with fleet.connection() as connection:
        connection.execute(FLAG.format(on="TRUE" if on else "FALSE"))
        if notify:
            connection.execute("NOTIFY maintenance_windows")


@contextmanager
def asking(fleet: Fleet) -> Iterator[list[Answer]]:
    """Visitors who ask all the time; their answers."""
    answers: list[Answer] = []
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(0.02):
            answers.append(ask(fleet.port, "s0.example", "/", timeout=10))

    askers = [threading.Thread(target=run) for _ in range(ASKERS)]
    for asker in askers:
        asker.start()
    try:
        yield answers
    finally:
        stop.set()
        for asker in askers:
            asker.join()


def follow(fleet: Fleet, result: Result, *, rounds: int = 2) -> None:
    """While visitors ask all the time."""
    for _ in range(rounds):
        for on, notify in ((True, False), (False, False), (True, True), (False, True)):
            with asking(fleet) as answers:
                time.sleep(0.3)
                change(fleet, on=on, notify=notify)
                changed = time.time()
                time.sleep(LIMIT + 0.6)
            wanted = DOWN if on else UP
            later = [one for one in answers if one.sent.timestamp() > changed]
            wrong = [one.sent.timestamp() - changed for one in later if one.status != wanted]
            result.errors += sum(one.status not in {UP, DOWN} for one in later)
            result.wrong += sum(seconds > LIMIT for seconds in wrong)
            (result.notified if notify else result.follows).append(max(wrong, default=0.0))


def pause(fleet: Fleet, result: Result, during: Callable[[], None] | None = None) -> None:
    """A change while nobody asks: the first answers of all processes after it."""
    for on in (True, False):
        ask(fleet.port, "s0.example")
        time.sleep(0.5)
        change(fleet, on=on)
        (during or (lambda: time.sleep(2)))()
        answers = [ask(fleet.port, "s0.example", timeout=10).status for _ in range(8)]
        result.first += answers
        result.wrong_first += sum(status != (DOWN if on else UP) for status in answers)


def freeze(fleet: Fleet, result: Result, seconds: float = 3.0) -> None:
    """All processes stop, a flag changes, a request waits in the socket, and they go on."""
    for on in (True, False):
        ask(fleet.port, "s0.example")
        group = os.getpgid(fleet.running["web"].pid)
        os.killpg(group, signal.SIGSTOP)
        change(fleet, on=on)
        time.sleep(seconds)
        got: list[Answer] = []
        waiting = threading.Thread(
            target=lambda got=got: got.append(ask(fleet.port, "s0.example", timeout=20))
        )
        waiting.start()
        time.sleep(0.2)
        os.killpg(group, signal.SIGCONT)
        waiting.join()
        result.first.append(got[0].status)
        result.wrong_first += got[0].status != (DOWN if on else UP)
        time.sleep(1.5)
