"""Growth over time under load: `python -m tests.benchmarks.soak --minutes 60 --rate 2000`.

gunicorn with two workers and the embedded worker run on a database of their own, on the server of
DATABASE_URL, without one on SQLite. Six sites open and close in turn, every five seconds one of
them, one is always up and one always closed. All are asked at a constant rate; each answer is
checked against the windows, and is wrong only where it was so for certain. Ctrl-C ends it early,
with the table of what was seen until then: means, and by how much a figure rises in an hour, all
the time and in the last half of it. The first tenth, in which processes warm up, is left out.
A process goes on growing for some 100,000 requests, Django's alone does, and for some 5,000 ticks.
"""

import argparse
import signal
import sys
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta

from tests.benchmarks.gauges import RSS, Gauges
from tests.benchmarks.own_fleet import own_fleet
from tests.benchmarks.rota import HELD, HOSTS, SECOND, Rota, Tally
from tests.benchmarks.table import aligned
from tests.benchmarks.trend import HEAD, Trend
from tests.benchmarks.visitor import Visitor
from tests.helpers.fleet import Fleet

LANES = 8  # concurrent visitors, so that a slow response does not lower the rate
SAMPLES = 120
SHORTEST, LONGEST = 2.0, 30.0  # seconds between two of them; windows are planned then, too
WARM_UP = 0.1  # of the time
LEAST = 4  # samples that make a table
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=2000.0, help="requests a second")
    parser.add_argument("--smoke", action="store_true", help="20 seconds at 100 requests a second")
    given = parser.parse_args()
    minutes, rate = (1 / 3, 100.0) if given.smoke else (given.minutes, given.rate)
    for ending in ENDINGS:
        signal.signal(ending, signal.default_int_handler)
    sys.setswitchinterval(0.0005)  # so that visitors do not wait for each other
    with own_fleet(len(HOSTS)) as fleet:
        fleet.manage("maintenance", "on", HELD)
        fleet.start_web()
        fleet.start_embedded()
        fleet.wait()
        soak = Soak(fleet, datetime.now(UTC) + 10 * SECOND)
        try:
            with suppress(KeyboardInterrupt):
                soak.run(minutes * 60, rate)
        finally:
            soak.show()
    return int(soak.sum.wrong > 0)


class Soak:
    """A fleet under load, with its periodic readings."""

    def __init__(self, fleet: Fleet, begin: datetime) -> None:
        self.port, self.rota, self.gauges = fleet.port, Rota(begin), Gauges(fleet)
        self.tallies = [Tally(self.rota) for _ in range(LANES)]
        self.samples: list[tuple[float, dict[str, float]]] = []

    @property
    def sum(self) -> Tally:
        return sum(self.tallies, Tally(self.rota))

    def run(self, seconds: float, rate: float) -> None:
        every = min(max(seconds / SAMPLES, SHORTEST), LONGEST)
        self.rota.plan(datetime.now(UTC))
        with ExitStack() as stack:
            for number, tally in enumerate(self.tallies):
                hosts = [*HOSTS[number:], *HOSTS[:number]]
                visitor = Visitor(self.port, hosts, LANES / rate, tally.see)
                visitor.start()
                stack.callback(visitor.leave)
                time.sleep(1 / rate)
            begun = before = time.monotonic()
            asked = self.sum.requests
            while before - begun < seconds:
                time.sleep(every)
                self.rota.plan(datetime.now(UTC))
                found, total, now = self.gauges.read(), self.sum, time.monotonic()
                found["requests a second"] = (total.requests - asked) / (now - before)
                self.samples.append((now - begun, found))
                print(
                    f"{timedelta(seconds=round(now - begun))}  {line(found)}  {total}", flush=True
                )
                asked, before = total.requests, now

    def show(self) -> None:
        print(f"\n{self.sum}; by status: {dict(self.sum.answers)}")
        if len(self.samples) < LEAST:
            print("Too short for a table.")
            return
        start = self.samples[-1][0] * WARM_UP
        samples = [(at, found) for at, found in self.samples if at >= start]
        rows = []
        for name in dict.fromkeys(name for _, found in samples for name in found):
            points = [(at, found[name]) for at, found in samples if name in found]
            if len(points) > 1:
                rows.append((name, *Trend.of(points).cells()))
        print(aligned(HEAD, rows))


def line(found: dict[str, float]) -> str:
    """A line of progress."""
    sizes = [
        f"{name.removesuffix(RSS)} {kib * 1.024 / 1000:.1f}"
        for name, kib in found.items()
        if name.endswith(RSS)
    ]
    return f"{found['requests a second']:,.0f}/s  MB: {', '.join(sizes)}"


if __name__ == "__main__":
    raise SystemExit(main())
