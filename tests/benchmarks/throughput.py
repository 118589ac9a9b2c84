"""Requests per second of a site without us and with us.

`python -m tests.benchmarks.throughput` needs wrk. gunicorn with two workers and uvicorn serve the
site without us, with us while it is up, and with us in maintenance, all at the same time; wrk asks
them in turn. Of each the median of the rounds counts, and of the ratios that of those in one round.

Fails on wrong responses, never because of times.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

from project.processes import Processes, free_port
from tests.benchmarks.cost import BROWSER
from tests.benchmarks.handling import HOST
from tests.benchmarks.site.variants import CLOSED, EMPTY, NONE, OURS, UP
from tests.benchmarks.table import aligned

SITE = "tests.benchmarks.site"
# What serves, where it listens, and below which path it finds views that suit it.
SERVERS = {
    "gunicorn": (["--workers=2", f"{SITE}.wsgi"], "--bind=127.0.0.1:{}", "sync"),
    "uvicorn": (
        ["--no-access-log", "--log-level=warning", f"{SITE}.asgi:application"],
        "--port={}",
        "async",
    ),
}
# An empty middleware shows how far two servers differ by chance.
VARIANTS = ((NONE, UP), (EMPTY, UP), (OURS, UP), (OURS, CLOSED))
VIEWS = ("line", "page")
# One thread of wrk, which leaves the servers most of two processors.
WRK = ("wrk", "--threads=1", "--connections=8", "-H", f"Host: {HOST}", "-H", f"Accept: {BROWSER}")
ROUNDS, SECONDS = 15, 1
START_UP = 30.0  # seconds
HEAD = ("server", "view", "variant", "state", "status", "requests/s", "to none", "to up", "CPU us")
ABOUT = """\
The views are a line of text, and a page with a query and a template. Medians of {rounds} rounds of
{seconds} s; ratios of one round, view and server, to no middleware and to ours up. CPU: what the
server and its workers took for a request. wrk runs on the same processors."""


@dataclass
class Served:
    """A view of a site on a server; `rates` are requests per second, one per round."""

    server: str
    view: str
    variant: str
    state: str
    port: int
    process: subprocess.Popen[bytes]
    is_right: bool = True
    rates: list[float] = field(default_factory=list)
    requests: int = 0
    cpu: float = 0.0  # seconds

    @property
    def path(self) -> str:
        return f"/{SERVERS[self.server][-1]}/{self.view}/"

    def status(self) -> int:
        """The status of the view; 0 while nobody answers."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", self.path, headers={"Host": HOST, "Accept": BROWSER})
            return connection.getresponse().status
        except (ConnectionError, TimeoutError):
            return 0
        finally:
            connection.close()

    def wait(self) -> None:
        deadline = time.monotonic() + START_UP
        while not self.status():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.server} does not start.")
            time.sleep(0.1)

    def measure(self, seconds: int) -> None:
        command = (*WRK, f"--duration={seconds}s", f"http://127.0.0.1:{self.port}{self.path}")
        before = cpu_of(self.process.pid)
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        asked, closed = (
            int(found[1]) if (found := re.search(pattern, said)) else 0
            for pattern in (r"(\d+) requests in", r"Non-2xx or 3xx responses: (\d+)")
        )
        self.is_right &= closed == (asked if self.state == CLOSED else 0)
        self.cpu += cpu_of(self.process.pid) - before
        self.requests += asked
        self.rates.append(float(re.search(r"Requests/sec:\s*([\d.]+)", said)[1]))

    def to(self, other: "Served") -> str:
        """The ratio to another view, measured right before or after."""
        return f"{median(a / b for a, b in zip(self.rates, other.rates, strict=True)):.3f}"


def serve(stack: ExitStack) -> Iterator[Served]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="maintenance-served-")))
    for number, (variant, state) in enumerate(VARIANTS):
        own = folder / str(number)
        own.mkdir()
        env = {
            "BENCHMARK_FOLDER": str(own),
            "BENCHMARK_VARIANT": variant,
            "DJANGO_SETTINGS_MODULE": f"{SITE}.settings",
        }
        processes = stack.enter_context(Processes(own, env))
        if processes.start("making", f"{SITE}.making", state).wait():
            raise RuntimeError(processes.log("making"))
        for server, (arguments, bind, _) in SERVERS.items():
            port = free_port()
            process = processes.start(server, server, bind.format(port), *arguments)
            for view in VIEWS:
                yield Served(server, view, variant, state, port, process)


def cpu_of(session: int) -> float:
    """CPU seconds of the processes of a session so far; 0 without /proc."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def row(one: Served, none: Served, up: Served) -> tuple[str, ...]:
    return (
        one.server,
        one.view,
        one.variant,
        one.state,
        f"{one.status()}{'' if one.is_right else ' (wrong)'}",
        f"{median(one.rates):.0f}",
        one.to(none),
        one.to(up),
        f"{1e6 * one.cpu / max(1, one.requests):.0f}",
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.throughput")
    parser.add_argument("--smoke", action="store_true", help="some seconds: does all of it run?")
    rounds, seconds = (1, 1) if parser.parse_args().smoke else (ROUNDS, SECONDS)
    if not shutil.which("wrk"):
        print("wrk is not installed: Debian has a package of that name.", file=sys.stderr)
        return 1
    with ExitStack() as stack:
        # Views to compare are measured right after one another.
        served = sorted(serve(stack), key=lambda one: (one.server, one.view))
        for one in served:
            one.wait()
        for number in range(rounds):
            for one in reversed(served) if number % 2 else served:
                one.measure(seconds)
        table = []
        for first in range(0, len(served), len(VARIANTS)):
            alike = served[first : first + len(VARIANTS)]
            none, _, up, _ = alike
            table += [row(one, none, up) for one in alike]
        print(aligned(HEAD, table))
    print(f"\n{ABOUT.format(rounds=rounds, seconds=seconds)}")
    return not all(one.is_right for one in served)


if __name__ == "__main__":
    sys.exit(main())
