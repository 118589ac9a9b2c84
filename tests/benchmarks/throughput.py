"""How many requests a second a site answers without us and with us.

`python -m tests.benchmarks.throughput` needs wrk. gunicorn with two workers and uvicorn serve the
site without us, with us while it is up, and with us in maintenance, all at the same time; wrk asks
them in turn. Of each the median of the rounds counts, and of the ratios that of those in one round.

Fails where a site answers otherwise than it should, never because of a time.
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
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

from project.processes import Processes, free_port
from tests.benchmarks.cost import BROWSER
from tests.benchmarks.handling import HOST
from tests.benchmarks.site.variants import CLOSED, NONE, OURS, UP
from tests.benchmarks.table import aligned

SITE = "tests.benchmarks.site"
# What serves, from where, and the path of the view that suits it.
SERVERS = {
    "gunicorn": (["--workers=2", f"{SITE}.wsgi"], "--bind=127.0.0.1:{}", "/sync/"),
    "uvicorn": (
        ["--no-access-log", "--log-level=warning", f"{SITE}.asgi:application"],
        "--port={}",
        "/async/",
    ),
}
VARIANTS = ((NONE, UP), (OURS, UP), (OURS, CLOSED))
# One thread of wrk, which leaves the servers most of two processors.
WRK = ("wrk", "--threads=1", "--connections=8", "-H", f"Host: {HOST}", "-H", f"Accept: {BROWSER}")
ROUNDS, SECONDS = 9, 2
START_UP = 30.0  # seconds
HEAD = ("server", "variant", "state", "status", "requests/s", "to no middleware", "to up")


@dataclass
class Served:
    """One site on one server; `rates` are requests a second, one for each round."""

    server: str
    variant: str
    state: str
    port: int
    is_right: bool = True
    rates: list[float] = field(default_factory=list)

    @property
    def path(self) -> str:
        return SERVERS[self.server][-1]

    def status(self) -> int:
        """0 while nobody listens."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", self.path, headers={"Host": HOST, "Accept": BROWSER})
            return connection.getresponse().status
        except ConnectionError:
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
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        asked, closed = (
            int(found[1]) if (found := re.search(pattern, said)) else 0
            for pattern in (r"(\d+) requests in", r"Non-2xx or 3xx responses: (\d+)")
        )
        self.is_right &= closed == (asked if self.state == CLOSED else 0)
        self.rates.append(float(re.search(r"Requests/sec:\s*([\d.]+)", said)[1]))

    def to(self, other: "Served") -> str:
        """The ratio to another, which was asked right before or after."""
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
            processes.start(server, server, bind.format(port), *arguments)
            yield Served(server, variant, state, port)


def row(one: Served, none: Served, up: Served) -> tuple[str, ...]:
    return (
        one.server,
        one.variant,
        one.state,
        f"{one.status()}{'' if one.is_right else ' (wrong)'}",
        f"{median(one.rates):.0f}",
        one.to(none),
        one.to(up),
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.throughput")
    parser.add_argument("--smoke", action="store_true", help="some seconds: does all of it run?")
    rounds, seconds = (1, 1) if parser.parse_args().smoke else (ROUNDS, SECONDS)
    if not shutil.which("wrk"):
        print("wrk is not installed: Debian has a package of that name.", file=sys.stderr)
        return 1
    with ExitStack() as stack:
        served = list(serve(stack))
        for one in served:
            one.wait()
        for number in range(rounds):
            for one in served if number % 2 else reversed(served):
                one.measure(seconds)
        table = []
        for server in SERVERS:
            none, up, closed = (one for one in served if one.server == server)
            table += [row(one, none, up) for one in (none, up, closed)]
        print(aligned(HEAD, table))
        print(f"\nMedians of {rounds} rounds of {seconds} s, wrk on the same processors.")
    return not all(one.is_right for one in served)


if __name__ == "__main__":
    sys.exit(main())
