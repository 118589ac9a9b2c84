"""PostgreSQL stops or freezes under a site, is locked, or is down at its start."""

import time
from datetime import UTC, datetime

from project.probe import ask
from tests.faults.bench import Bench
from tests.faults.browser import Browser
from tests.faults.flags import Flags, recorded
from tests.faults.scheduler import sleep_until
from tests.faults.supervised import Supervised
from tests.faults.table import Line, fault
from tests.faults.visitors import Latency, Visitors
from tests.faults.windows import at, window

SITES = [f"s{n}.example" for n in range(3)]
WORKERS = 2  # of gunicorn: each process has its own snapshot and log lines
RIGHT_AGAIN = 5.0  # seconds
ADDED, WITH_SESSION, NOBODY_LONGER = 10.0, 50.0, 1000.0  # milliseconds


@fault("PostgreSQL stopped during a window, back after its end", seconds=60)
def postgresql_stopped(bench: Bench, line: Line) -> None:
    """Known windows still end and start."""
    with bench.fleet() as fleet:
        fleet.start_all()
        origin = fleet.soon()
        runs, meanwhile = window(0, 0, 6, origin), window(1, 4, 3, origin)
        fleet.plan(runs, meanwhile)
        with Visitors(fleet.port, SITES) as visitors, Flags(fleet) as flags:
            sleep_until(at(2, origin))
            mark = fleet.mark()
            bench.postgresql.stop()
            sleep_until(at(20 if bench.full else 10, origin))
            said_once(fleet, line, mark)
            page = ask(fleet.port, "s0.example", "/readyz")
            line.operator.append(f"/readyz {page.status}")
            line.promise(page.status == 503, f"/readyz answers {page.status}")
            bench.postgresql.start()
            back = datetime.now(UTC)
            late = flags.waited("s0.example", on=False, since=back, timeout=30)
            line.within(late, RIGHT_AGAIN, "cleared after its return")
            time.sleep(1)
        line.on_time(visitors.seen([runs, meanwhile]))
        rows = recorded(fleet, [runs, meanwhile])
        line.promise(all(row.with_its_own_times for row in rows), f"recorded wrongly: {rows}")
        line.operator.append(f"{fleet.restarts} restarts")
        line.promise(fleet.restarts == 0, f"without a database, {fleet.restarts} processes died")


def said_once(fleet: Supervised, line: Line, since: int, name: str = "web") -> None:
    """Check that each process logs one line, without a traceback."""
    said, traces = fleet.warnings(name, since), fleet.tracebacks(name, since)
    line.operator.append(f"{len(said)} warnings of {WORKERS} processes")
    line.promise(1 <= len(said) <= WORKERS and not traces,
                 f"{len(said)} warnings, {traces} tracebacks: {said[:4]}")  # fmt: skip


@fault("PostgreSQL frozen, ordinary visitors", seconds=60, alone=True)
def postgresql_frozen(bench: Bench, line: Line) -> None:
    """Neither a site that is up nor one in maintenance gets any slower."""
    with bench.fleet() as fleet:
        fleet.start_all()
        fleet.manage("maintenance", "on", "s0.example")
        with Visitors(fleet.port, SITES[:2]) as visitors:
            time.sleep(1.5)
            before = at(0)
            time.sleep(3)
            with bench.postgresql.frozen():
                since = at(0)
                time.sleep(30 if bench.full else 6)
                stop = at(0)
        usual = Latency(visitors.between(before, since))
        during = Latency(visitors.between(since, stop))
        line.visitors.append(f"p50/p99/most {usual} ms before, {during} ms frozen")
        line.promise(
            during.p99 - usual.p99 < ADDED, f"p99 {usual} before, {during} frozen", noisy=True
        )
        line.promise(
            during.most < NOBODY_LONGER, f"somebody waited {during.most:.0f} ms", noisy=True
        )
        statuses(line, visitors, before)


def statuses(line: Line, visitors: Visitors, since: datetime, *, staff: bool = False) -> None:
    """The site is down, for staff too while the database cannot identify them."""
    right = {"s0.example": {503, 200} if staff else {503}, "s1.example": {200}}
    for site, answers in visitors.answers.items():
        judged = [answer for answer in answers if answer.sent >= since]
        wrong = [str(answer) for answer in judged if answer.status not in right[site]]
        line.promise(not wrong, f"{site}: {len(wrong)} of {len(answers)} answers: {wrong[:3]}")


@fault("PostgreSQL frozen, visitors and staff with sessions", seconds=60, alone=True)
def postgresql_frozen_for_staff(bench: Bench, line: Line) -> None:
    """The database identifies staff; while it hangs, requests do not wait for it."""
    with bench.fleet() as fleet:
        fleet.start_all()
        browser = Browser(fleet.port)
        browser.log_in()
        fleet.manage("maintenance", "on", "s0.example")
        staff = Visitors(fleet.port, SITES[:2], cookie=browser.cookie)
        with Visitors(fleet.port, SITES[:2]) as visitors, staff:
            time.sleep(1.5)
            before = at(0)
            time.sleep(3)
            with bench.postgresql.frozen():
                since = at(0)
                sleep_until(at(3, since))
                settled = at(0)
                time.sleep(30 if bench.full else 5)
                stop = at(0)
            time.sleep(3)
            last = staff.answers["s0.example"][-1]
        for name, who in (("visitors", visitors), ("staff", staff)):
            usual, during, later = (
                Latency(who.between(*span))
                for span in ((before, since), (since, stop), (settled, stop))
            )
            line.visitors.append(
                f"{name}, p50/p99/most: {usual} ms before, {during} ms frozen, {later} ms after 3 s"
            )
            line.promise(
                during.most < NOBODY_LONGER,
                f"{name}: somebody waited {during.most:.0f} ms",
                noisy=during.most < 2 * NOBODY_LONGER,
            )
            line.promise(
                later.p99 < WITH_SESSION,
                f"{name}: {later} ms after 3 s",
                noisy=later.p50 < WITH_SESSION,
            )
        statuses(line, visitors, before)
        statuses(line, staff, before, staff=True)
        line.promise(last.status == 200, f"after it staff still get {last}")
