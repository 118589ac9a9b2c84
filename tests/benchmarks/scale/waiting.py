"""Latency of requests while the same process loads the snapshot.

Another process sends requests over a socket to the bare middleware in a thread, so that little
else can hide a wait.
"""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from time import sleep

from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from maintenance_windows.middleware import MaintenanceModeMiddleware
from maintenance_windows.snapshot import refresher, runtime
from tests.benchmarks.scale.sizes import Size

HEAD = ("requests, ms", "number", "p50", "p99", "p99.9", "most")
ROUNDS = 3
ASK = """
import json, socket, sys, time
connection = socket.socket(fileno=int(sys.argv[1]))
taken, end = [], time.perf_counter() + float(sys.argv[2])
while (begun := time.perf_counter()) < end:
    connection.send(b"?")
    connection.recv(1)
    taken.append(1000 * (time.perf_counter() - begun))
    time.sleep(0.001)
print(json.dumps(taken))
"""


def requests(size: Size) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Measure with and without loading in turn; the best round of each counts."""
    titles = {3600.0: "nothing is read", 0.0: "the snapshot is read all the time"}
    rounds: dict[str, list[tuple[float, ...]]] = {title: [] for title in titles.values()}
    for _ in range(ROUNDS):
        for interval, title in titles.items():
            with reading_every(interval):
                rounds[title].append(percentiles(measure_waits(size.seconds)))
    return HEAD, [
        (title, f"{int(best[0]):,}", *(f"{one:.2f}" for one in best[1:]))
        for title, best in (
            (title, min(some, key=lambda one: one[2])) for title, some in rounds.items()
        )
    ]


@contextmanager
def reading_every(interval: float) -> Iterator[None]:
    before, refresher.INTERVAL = refresher.INTERVAL, interval
    runtime.forget()
    runtime.current()
    sleep(1)
    try:
        yield
    finally:
        runtime.forget()
        refresher.INTERVAL = before


def percentiles(taken: list[float]) -> tuple[float, ...]:
    taken.sort()
    count = len(taken)
    return (count, *(taken[int(count * part)] for part in (0.5, 0.99, 0.999)), taken[-1])


def measure_waits(seconds: float) -> list[float]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        threading.Thread(target=answer, args=[ours], daemon=True).start()
        command = [sys.executable, "-c", ASK, str(theirs.fileno()), str(seconds)]
        done = subprocess.run(
            command, pass_fds=[theirs.fileno()], capture_output=True, text=True, check=True
        )
    return json.loads(done.stdout)


def answer(connection: socket.socket) -> None:
    """Respond for a site that is down, one that is soon down, and one that is up."""
    handle = MaintenanceModeMiddleware(view)
    states = list(runtime.current().by_id.values())
    hosts = cycle([states[0].domain, states[-1].domain, "example.example"])
    factory = RequestFactory()
    while connection.recv(1):
        handle(factory.get("/", headers={"host": next(hosts)}))
        connection.send(b"!")


def view(_: HttpRequest) -> HttpResponse:
    return HttpResponse("up")
