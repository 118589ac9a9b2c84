"""Runs lines in parallel lanes, each with its own services; mostly they wait."""

import multiprocessing
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ctypes import CDLL
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from types import FrameType
from typing import Any

from project.processes import PR_SET_PDEATHSIG
from tests.faults.bench import Bench
from tests.faults.faults import BY_NAME
from tests.faults.supervised import Busy
from tests.faults.table import Fault, Line

FORK = multiprocessing.get_context("fork")
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class TooLong(Exception):
    """A line did not come to its end in time."""


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the whole run."""

    full: bool
    seed: int


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """A watchdog for a line: interrupts the main thread after a time."""

    def bark(number: int, frame: FrameType | None) -> None:
        raise TooLong(f"stopped after {seconds:.0f} s")

    signal.signal(signal.SIGALRM, bark)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def run(bench: Bench, fault: Fault) -> Line:
    began = time.monotonic()
    line = Line(fault.title)
    try:
        with at_most(fault.full if bench.full else fault.brief):
            fault.run(bench, line)
    except Exception as error:  # noqa: BLE001 (a line that breaks is a line that failed)
        busy = isinstance(error, Busy)
        said = (getattr(error, "stderr", None) or "")[-500:]  # of a command that failed
        line.promise(kept=False, sentence=f"{type(error).__name__}: {error} {said}", noisy=busy)
        if not busy:
            traceback.print_exc()
    bench.repair()
    line.seconds = time.monotonic() - began
    return line


def leave(number: int, frame: FrameType | None) -> None:
    """Leave every `with` block, once."""
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)
    raise SystemExit(128 + number)


def lane(folder: Path, options: Options, names: Any, done: Any) -> None:
    """Run one line after the other until the queue is empty."""
    CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    for ending in ENDINGS:
        signal.signal(ending, leave)
    folder.mkdir()
    with Bench(folder, full=options.full, seed=options.seed) as bench:
        while name := names.get():
            done.put((name, run(bench, BY_NAME[name])))


def run_all(
    folder: Path,
    options: Options,
    names: Sequence[str],
    lanes: int,
    show: Callable[[str, Line], None],
) -> dict[str, Line]:
    """Run these lines, the longest first, in so many lanes."""
    waiting, done = FORK.Queue(), FORK.Queue()
    for name in sorted(names, key=lambda name: -BY_NAME[name].brief):
        waiting.put(name)
    lanes = min(lanes, len(names))
    for _ in range(lanes):
        waiting.put("")
    made = len(list(folder.iterdir()))
    processes = [
        FORK.Process(target=lane, args=(folder / f"lane{made + n}", options, waiting, done))
        for n in range(lanes)
    ]
    lines: dict[str, Line] = {}
    try:
        for process in processes:
            process.start()
        while len(lines) < len(names):
            alive = any(process.is_alive() for process in processes)
            try:
                name, lines_of = done.get(timeout=1)
            except Empty:
                if alive:
                    continue
                break
            lines[name] = lines_of
            show(name, lines_of)
    finally:
        for process in processes:
            if len(lines) < len(names):
                process.terminate()
            process.join()
    for name in set(names) - set(lines):
        lines[name] = Line(BY_NAME[name].title, failures=["its lane died"], by_noise=False)
        show(name, lines[name])
    return lines
