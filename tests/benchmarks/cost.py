"""Cost of a request without us, with us and with peers: `python -m tests.benchmarks.cost`.

CPU microseconds and database queries, by WSGI and by ASGI, while the site is up and in maintenance.
Each variant is a process of its own; they handle blocks of requests in turn, and of each variant
the cheapest block counts. pip installs the peers on the first run, see peers.py.

Fails on wrong responses, never because of times.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from tests.benchmarks.driving import Broken, Site
from tests.benchmarks.handling import Block, Taken
from tests.benchmarks.peers import Environment, NotInstalled
from tests.benchmarks.sampling import tree
from tests.benchmarks.site.variants import CLOSED, EMPTY, NONE, OURS, UP, VARIANTS
from tests.benchmarks.table import aligned

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
PROGRAM = "application/json"
# Requests in a block: some milliseconds, so that most blocks are spared by what else runs.
BLOCKS = {"WSGI": 60, "ASGI": 8, "ASGI, alone": 15}
ROUNDS = 100
RESTED = 4  # seconds
SAMPLED = 150  # blocks' worth of requests
HEAD = ("variant", "state", "status", "us", "to none", "to empty", "ratio", "queries")
ABOUT = """\
Each variant's middleware stands behind sessions, common and auth (alone: behind none of them, which
change threads under ASGI and drown the rest); the view is of one line, sync for WSGI and async for
ASGI; a browser's GET without cookies; SQLite. CPU time on one processor, of the thread that handles
(WSGI), of the whole process (ASGI): the least of all blocks."""


@dataclass
class Line:
    """The cost of one kind of request to one site."""

    site: Site
    protocol: str
    state: str
    accept: str
    blocks: list[Taken] = field(default_factory=list)

    def measure(self, requests: int) -> None:
        block = Block(protocol=self.protocol, accept=self.accept, requests=requests)
        self.site.ask(block)
        self.blocks.append(self.site.result())

    @property
    def microseconds(self) -> float:
        """CPU microseconds per request; under ASGI of all threads, because peers switch threads."""
        clock = "thread" if self.protocol == "WSGI" else "process"
        return 1e6 * min(getattr(block, clock) for block in self.blocks)

    @property
    def queries(self) -> float:
        return min(block.queries for block in self.blocks)

    @property
    def statuses(self) -> set[int]:
        return {status for block in self.blocks for status in block.statuses}

    @property
    def is_right(self) -> bool:
        closed = self.site.state == CLOSED
        return self.statuses == {HTTPStatus.SERVICE_UNAVAILABLE if closed else HTTPStatus.OK}

    def cells(self, none: float, empty: float) -> tuple[str, ...]:
        return (
            self.site.variant,
            self.state,
            "/".join(map(str, sorted(self.statuses))) + ("" if self.is_right else " (wrong)"),
            f"{self.microseconds:.1f}",
            f"{self.microseconds - none:+.1f}",
            f"{self.microseconds - empty:+.1f}",
            f"{self.microseconds / none:.3f}",
            f"{self.queries:g}",
        )


def lines_of(sites: Iterable[Site], protocol: str) -> Iterator[Line]:
    for site in sites:
        yield Line(site, protocol, site.state, BROWSER)
        if (site.variant, site.state) == (OURS, CLOSED):
            yield Line(site, protocol, f"{site.state}, JSON", PROGRAM)


def profile(line: Line, requests: int) -> str:
    """Print a profile of a line."""
    block = Block(protocol=line.protocol, accept=line.accept, requests=requests, sampled=True)
    line.site.ask(block)
    stacks = {tuple(stack): count for stack, count in line.site.result().stacks}
    rows = tree(stacks, line.microseconds)
    return aligned((f"{line.protocol}, {line.state}", f"{line.microseconds:.1f}"), rows)


def table(lines: list[Line], broken: Mapping[Site, str]) -> str:
    up = {line.site.variant: line.microseconds for line in lines if line.site.state == UP}
    rows = [line.cells(up[NONE], up[EMPTY]) for line in lines]
    rows += [(site.variant, site.state, said, *5 * "-") for site, said in broken.items()]
    return aligned(HEAD, rows)


def start(stack: ExitStack, peers: Environment | None) -> list[Site]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="maintenance-cost-")))
    kept = VARIANTS if peers else (NONE, EMPTY, OURS)
    pairs = [(name, state) for name in kept for state in VARIANTS[name].states]
    return [
        stack.enter_context(Site(name, state, folder / str(number), peers))
        for number, (name, state) in enumerate(pairs)
    ]


def made(sites: list[Site]) -> tuple[list[Site], dict[Site, str]]:
    """The sites that could start, and the reasons for the others."""
    broken = {}
    for site in sites:
        try:
            site.wait()
        except Broken as error:
            broken[site] = f"does not run: {error}"
    return [site for site in sites if site not in broken], broken


def rested(sites: Iterable[Site], seconds: int) -> str:
    """The CPU time of the threads beside the requests."""
    chosen = [site for site in sites if site.variant in {NONE, OURS}]
    for site in chosen:
        site.ask(Block(protocol="rest", accept="", requests=seconds, warm=0))
    took = [(site, site.result().process) for site in chosen]
    said = (f"{site.variant}, {site.state}: {1000 * taken:.2f} ms" for site, taken in took)
    return f"CPU a second while nothing is asked: {'; '.join(said)}."


def environment(*, without_peers: bool) -> Environment | None:
    if without_peers:
        return None
    peers = Environment()
    try:
        peers.install()
    except NotInstalled as error:
        print(f"The peers are left out, as pip cannot install them: {error}")
        return None
    return peers


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.cost", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="few requests: does all of it run?")
    parser.add_argument("--without-peers", action="store_true")
    parser.add_argument("--profile", action="store_true", help="say where our microseconds go")
    given = parser.parse_args()
    rounds, rest = (2, 1) if given.smoke else (ROUNDS, RESTED)
    with ExitStack() as stack:
        sites = start(stack, environment(without_peers=given.without_peers))
        sites, broken = made(sites)
        wrong = any(site.variant in {NONE, EMPTY, OURS} for site in broken)
        for protocol, requests in BLOCKS.items():
            lines = list(lines_of(sites, protocol))
            for _ in range(rounds):
                for line in lines:
                    line.measure(requests)
            print(f"\n{protocol}\n{table(lines, broken)}")
            wrong |= not all(line.is_right for line in lines)
            if given.profile:
                ours = (line for line in lines if line.site.variant == OURS)
                print(*(f"\n{profile(line, SAMPLED * requests)}" for line in ours), sep="\n")
        print(f"\n{rested(sites, rest)}\n\n{ABOUT}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
