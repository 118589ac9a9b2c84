"""The clock of one host is a day ahead or behind, or steps. The database has the right time."""

import time
from datetime import timedelta

from tests.faults.bench import Bench
from tests.faults.faketime import DAY, Clock, missing
from tests.faults.flags import Flags, recorded
from tests.faults.scheduler import sleep_until
from tests.faults.services import until
from tests.faults.supervised import Supervised
from tests.faults.table import Line, fault
from tests.faults.visitors import Visitors
from tests.faults.windows import Window, at, window

SITES = [f"s{n}.example" for n in range(4)]
HELD, DOWN, UP, RUNS = SITES
REPEATED = "s5.example"
OFFSETS = {"a day ahead": DAY, "right": 0, "a day behind": -DAY}
PROCESSES = 2  # of gunicorn and of the worker's pool
TICKED = "SELECT count(*) FROM maintenance_windows_scheduler WHERE last_tick IS NOT NULL"
SERIES = "SELECT count(*) FROM maintenance_windows_maintenancewindow WHERE series_id IS NOT NULL"
LEAST_LATER = 3  # scheduled windows: two, and at least one of a series
USED_AGAIN = timedelta(hours=3)


@fault("the worker's clock a day ahead, then right, then a day behind", seconds=120, is_quiet=True)
def worker_clock(bench: Bench, line: Line) -> None:
    if not missing(line):
        on_time_with(bench, line, "worker0")


@fault("beat's clock a day ahead, then right, then a day behind", seconds=120, is_quiet=True)
def beat_clock(bench: Bench, line: Line) -> None:
    if not missing(line):
        on_time_with(bench, line, "beat0")


@fault("the clock of worker and beat a day ahead, then put right", seconds=120, is_quiet=True)
def scheduler_clock(bench: Bench, line: Line) -> None:
    if not missing(line):
        on_time_with(bench, line, "worker0", "beat0")


@fault("the clock of web a day ahead, then right, then a day behind", seconds=120, is_quiet=True)
def web_clock(bench: Bench, line: Line) -> None:
    if not missing(line):
        on_time_with(bench, line, "web")


def on_time_with(bench: Bench, line: Line, *wrong: str) -> None:
    """Windows are on time by the database's clock while some programs have another one."""
    together = len(wrong) > 1
    offsets = {name: off for name, off in OFFSETS.items() if off >= 0 or not together}
    with bench.fleet() as fleet:
        clock = Clock(fleet, DAY)
        start(fleet, clock, *wrong)
        stays = [*plan_ahead(fleet)]
        planned = list[Window]()
        with Visitors(fleet.port, SITES) as visitors, Flags(fleet) as flags:
            for name, offset in offsets.items():
                mark = fleet.mark(wrong[0]) if planned else 0
                clock.move(offset)
                runs = window(3, 0, 2.5, fleet.soon())
                fleet.plan(runs)
                planned.append(runs)
                late = flags.waited(RUNS, on=True, since=runs.start, timeout=15)
                line.within(late, 2, f"{name}, set")
                sleep_until(runs.end)
                late = flags.waited(RUNS, on=False, since=runs.end, timeout=15)
                line.within(late, 2, f"{name}, cleared")
                if offset and wrong[0] != "beat0":
                    said_once(line, name, fleet.warnings(wrong[0], mark))
            time.sleep(1)
        line.on_time(visitors.seen([*stays, *planned]))
        early = flags.early([*stays, *planned])
        line.promise(not early, f"flags seen to change before their time: {early}")
        not_used_up(fleet, line)


def start(fleet: Supervised, clock: Clock, *wrong: str) -> None:
    """Start web, worker and beat, some of them with this clock."""
    env = {name: clock.env if name in wrong else {} for name in ("web", "worker0", "beat0")}
    fleet.start("web", "gunicorn", "--workers=2", f"--bind=127.0.0.1:{fleet.port}", "project.wsgi",
                **env["web"])  # fmt: skip
    celery = ("celery", "-A", "worker")
    calm = ("--without-gossip", "--without-mingle")
    fleet.start("worker0", *celery, "worker", *calm, **env["worker0"])
    fleet.start("beat0", *celery, "beat", "--pidfile=", **env["beat0"])
    fleet.wait("/healthz")
    until(lambda: fleet.query(TICKED)[0][0], "the first tick")


def plan_ahead(fleet: Supervised) -> list[Window]:
    """Take sites down for hours, and schedule windows for tonight, one of them of a series.

    Returns what must not end meanwhile.
    """
    tonight = at(8 * 3600).replace(second=0, microsecond=0)
    fleet.call(
        "maintenance", "repeat", REPEATED, "--rule=FREQ=DAILY", "--zone=UTC", "--for=1h",
        f"--start={tonight:%Y-%m-%dT%H:%M}",
    )  # fmt: skip
    stays = window(0, 0, 7200, fleet.soon())
    fleet.plan(stays, window(3, 6 * 3600, 3600), window(4, 6 * 3600, 3600))
    return [stays]


def not_used_up(fleet: Supervised, line: Line) -> None:
    """Check that nothing has happened to the windows of tonight and later."""
    later = [row for row in recorded(fleet) if row.window.start > at(USED_AGAIN.total_seconds())]
    used = [row for row in later if row.started_at or row.ended_at or not row.missed]
    line.flag.append(f"{len(used)} of {len(later)} later windows used up")
    ((of_series,),) = fleet.query(SERIES)
    line.promise(
        len(later) >= LEAST_LATER and of_series and not used,
        f"{len(used)} of {len(later)} later windows used up, {of_series} of the series: {used[:2]}",
    )


def said_once(line: Line, name: str, warnings: list[str], processes: int = PROCESSES) -> None:
    """Check that each process speaks of its clock in one line."""
    said = [text for text in warnings if "clock" in text.lower() and "again" not in text]
    line.operator.append(f"{name}: {len(said)} lines of the clock")
    line.promise(1 <= len(said) <= processes, f"{name}: {len(said)} lines of the clock: {said[:3]}")
