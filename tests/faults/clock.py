"""The clock of the scheduler's host is wrong or steps back. Needs libfaketime."""

import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Self

from project.probe import RIGHT
from tests.faults.bench import Bench
from tests.faults.flags import Flags
from tests.faults.scheduler import sleep_until
from tests.faults.services import until
from tests.faults.supervised import Supervised
from tests.faults.table import Line, fault
from tests.faults.visitors import Visitors
from tests.faults.windows import SECOND, Window, at, milliseconds, window

SITES = [f"s{n}.example" for n in range(3)]
TICKED = "SELECT count(*) FROM maintenance_windows_scheduler WHERE last_tick IS NOT NULL"


class Clock:
    """The wall clock of some programs, adjustable while they run; monotonic clocks stay right."""

    def __init__(self, fleet: Supervised, library: Path, offset: float) -> None:
        self.fleet = fleet
        self.file = fleet.folder / "clock"
        self.library = library
        self.move(offset)

    def move(self, offset: float) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(f"{offset:+.0f}\n")
        new.replace(self.file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what libfaketime leaves behind after kills."""
        for program in self.fleet.running.values():
            for name in (f"faketime_shm_{program.pid}", f"sem.faketime_sem_{program.pid}"):
                (Path("/dev/shm") / name).unlink(missing_ok=True)

    @property
    def env(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(self.library),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }


def faketime() -> Path | None:
    """The path of libfaketime; without it CI fails and others skip the line."""
    pattern = "*/faketime/libfaketimeMT.so.1"
    found = next(Path("/usr/lib").glob(pattern), None)
    if found is None and os.environ.get("CI") and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=False, capture_output=True)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "faketime"], check=True, capture_output=True
        )
        found = next(Path("/usr/lib").glob(pattern), None)
    return found


def library(line: Line) -> Path | None:
    found = faketime()
    if found is None:
        line.promise(not os.environ.get("CI"), "libfaketime is missing")
        line.skipped = "libfaketime is missing: apt-get install faketime"
    return found


def not_before(line: Line, flags: Flags, planned: Window, skew: float, timeout: float) -> None:
    """Check that the flag was cleared, early at most by the error of the clock."""
    off = flags.waited(
        planned.site, on=False, since=planned.start - timedelta(seconds=skew), timeout=timeout
    )
    if off is None:
        line.promise(kept=False, sentence=f"{planned.site} was never cleared")
        return
    early = planned.end - (planned.start - timedelta(seconds=skew) + off)
    line.flag.append(
        f"cleared {milliseconds(abs(early))} {'early' if early > RIGHT else 'late'},"
        f" the skew is {skew:.0f} s"
    )
    line.promise(
        early <= timedelta(seconds=skew) + SECOND / 2, f"cleared {milliseconds(early)} early"
    )


def noticed(fleet: Supervised, line: Line) -> None:
    said = [text for text in fleet.warnings("worker0") if "clock" in text.lower()]
    line.operator.append(f"the worker speaks {len(said)} times of its clock")
    line.promise(said, "the worker's log says nothing of its clock")
    line.promise(len(said) <= 10, f"the worker speaks {len(said)} times of its clock: {said[-1:]}")


@fault("the worker's clock 10 s ahead, then put right", seconds=90)
def worker_clock_ahead(bench: Bench, line: Line) -> None:
    if (found := library(line)) is None:
        return
    with bench.fleet() as fleet, Clock(fleet, found, 10) as clock:
        start_with(fleet, clock, beat=False)
        origin = fleet.soon()
        runs, later = window(0, 10, 4, origin), window(1, 11, 3, origin)
        fleet.plan(runs)
        with Visitors(fleet.port, SITES) as visitors, Flags(fleet) as flags:
            not_before(line, flags, runs, 10, 20)
            noticed(fleet, line)
            clock.move(0)
            fleet.plan(later)
            line.within(
                flags.waited(later.site, on=True, since=later.start, timeout=20),
                2,
                "set with a right clock",
            )
            sleep_until(at(1, runs.end))
        seen = visitors.seen([runs, later])
        line.visitors.append(f"{seen.worst.total_seconds():.1f} s off at most")
        line.promise(not seen.strange, f"{seen}")


@fault("the clock of worker and beat stepped back by 30 s to the right time", seconds=150)
def clock_stepped_back(bench: Bench, line: Line) -> None:
    if (found := library(line)) is None:
        return
    with bench.fleet() as fleet, Clock(fleet, found, 30) as clock:
        start_with(fleet, clock, beat=True)
        origin = fleet.soon()
        runs = window(0, 31, 3, origin)
        fleet.plan(runs)
        with Flags(fleet) as flags:
            line.promise(
                flags.waited(runs.site, on=True, since=at(-5, origin), timeout=20) is not None,
                "with the clock 30 s ahead no flag was set",
            )
            clock.move(0)
            later = window(1, 0, 50, fleet.soon())
            fleet.plan(later)
            late = flags.waited(later.site, on=True, since=later.start, timeout=60)
            line.within(late, 33, "a window right after the step set")
            not_before(line, flags, runs, 30, 60)
        noticed(fleet, line)


def start_with(fleet: Supervised, clock: Clock, *, beat: bool) -> None:
    """Web and database have the right time; the worker, and optionally beat, use the clock."""
    fleet.start_web()
    fleet.start(
        "worker0",
        "celery",
        "-A",
        "worker",
        "worker",
        "--without-gossip",
        "--without-mingle",
        **clock.env,
    )
    fleet.start(
        "beat0", "celery", "-A", "worker", "beat", "--pidfile=", **(clock.env if beat else {})
    )
    until(lambda: fleet.query(TICKED)[0][0], "the first tick")
