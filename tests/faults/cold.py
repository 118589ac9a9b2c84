"""Web processes that start while the database is down, and MAINTENANCE_FORCE."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from project.probe import Answer, ask
from tests.faults.bench import Bench
from tests.faults.browser import WINDOWS, Browser
from tests.faults.database import said_once
from tests.faults.scheduler import sleep_until
from tests.faults.supervised import Supervised
from tests.faults.table import Line, fault
from tests.faults.visitors import Visitors
from tests.faults.windows import at, window

SITES = [f"s{n}.example" for n in range(3)]
NO_END = "300"  # MAINTENANCE_RETRY_AFTER
FORCED = "MAINTENANCE_FORCE"
Broken = Callable[[Bench], AbstractContextManager[None]]


@contextmanager
def stopped(bench: Bench) -> Iterator[None]:
    bench.postgresql.stop()
    yield


@contextmanager
def frozen(bench: Bench) -> Iterator[None]:
    with bench.postgresql.frozen():
        yield


@fault("web started while PostgreSQL is stopped, the cache is there", seconds=60)
def cold_start(bench: Bench, line: Line) -> None:
    cold(bench, line, stopped)


@fault("web started while PostgreSQL is frozen, the cache is there", seconds=60)
def cold_start_frozen(bench: Bench, line: Line) -> None:
    cold(bench, line, frozen)


def cold(bench: Bench, line: Line, broken: Broken) -> None:
    """The process loads the last cached snapshot, with a current and a scheduled window."""
    with bench.fleet() as fleet:
        fleet.start_all()
        origin = fleet.soon()
        runs, comes = window(0, 0, 9, origin), window(1, 7, 3, origin)
        fleet.plan(runs, comes)
        sleep_until(at(1.5, origin))
        with broken(bench):
            fleet.drop("web")
            mark = fleet.mark()
            fleet.start_web()
            with Visitors(fleet.port, SITES) as visitors:
                sleep_until(at(11, origin))
            said_once(fleet, line, mark)
        line.on_time(visitors.seen([runs, comes]))


@fault("web started with neither database nor cache, MAINTENANCE_WHEN_UNKNOWN=open", seconds=60)
def unknown_open(bench: Bench, line: Line) -> None:
    unknown(bench, line, "", 200)


@fault("the same, MAINTENANCE_WHEN_UNKNOWN=closed", seconds=60)
def unknown_closed(bench: Bench, line: Line) -> None:
    unknown(bench, line, "closed", 503)


def unknown(bench: Bench, line: Line, setting: str, status: int) -> None:
    with bench.fleet(MAINTENANCE_WHEN_UNKNOWN=setting) as fleet:
        bench.redis.kill()
        bench.postgresql.stop()
        fleet.start_web()
        with Visitors(fleet.port, SITES) as visitors:
            time.sleep(10 if bench.full else 4)
        all_are(line, [a for found in visitors.answers.values() for a in found], status)
        said_once(fleet, line, 0)
        alive, ready = (ask(fleet.port, SITES[0], path).status for path in ("/healthz", "/readyz"))
        line.operator.append(f"/healthz {alive}, /readyz {ready}")
        line.promise((alive, ready) == (200, 503), f"/healthz {alive}, /readyz {ready}")
        bench.redis.start()
        bench.postgresql.start()
        fleet.start_celery()
        took = fleet.ready(20)
        time.sleep(1)
        after = ask(fleet.port, SITES[0])
        line.visitors.append(f"{after} after its return")
        line.promise(after.status == 200, f"{took:.1f} s after the return still {after}")


def all_are(line: Line, answers: list[Answer], status: int) -> None:
    wanted = NO_END if status == 503 else None
    wrong = [a for a in answers if (a.status, a.retry_after) != (status, wanted)]
    slowest = max(((a.received - a.sent).total_seconds() for a in answers), default=0)
    said = (
        f"{len(answers)} answers, {len(wrong)} other than {status}, slowest {slowest * 1000:.0f} ms"
    )
    line.visitors.append(said)
    line.promise(answers and not wrong, f"{said}: {[str(answer) for answer in wrong[:3]]}")
    line.promise(slowest < 2, said, noisy=slowest < 4)


@fault("MAINTENANCE_FORCE, everything down and everything up", seconds=90)
def forced(bench: Bench, line: Line) -> None:
    """The setting overrides windows and the lack of a snapshot."""
    nowhere = {
        "DATABASE_URL": "postgres://nobody@127.0.0.1:9/none",
        "REDIS_URL": "redis://127.0.0.1:9/0",
    }
    for force, status in (("on", 503), ("off", 200)):
        unknown = {"MAINTENANCE_WHEN_UNKNOWN": "open" if force == "on" else "closed"}
        with bench.fleet(**nowhere, **unknown, MAINTENANCE_FORCE=force) as fleet:
            ask_all(fleet, line, status)
        with bench.fleet(MAINTENANCE_FORCE=force) as fleet:
            if force == "off":
                fleet.manage("maintenance", "on", "--all")
            ask_all(fleet, line, status)
            check_force_display(fleet, line, force)


def ask_all(fleet: Supervised, line: Line, status: int) -> None:
    fleet.start_web()
    answers = []
    for _ in range(10):
        answers += [ask(fleet.port, site) for site in SITES]
        time.sleep(0.1)
    all_are(line, answers, status)
    alive = ask(fleet.port, SITES[0], "/healthz").status
    line.promise(alive == 200, f"/healthz {alive}")


def check_force_display(fleet: Supervised, line: Line, force: str) -> None:
    """The admin and the command show that the setting is set."""
    browser = Browser(fleet.port)
    browser.log_in()
    status = fleet.command("maintenance", "status")
    check = fleet.command("check", "--deploy")
    said = {
        "status": status.stdout + status.stderr,
        "check --deploy": check.stdout + check.stderr,
        "the admin": browser.open(WINDOWS).body,
    }
    by = [name for name, text in said.items() if FORCED in text]
    line.operator.append(f"{force}: shown by {', '.join(by) or 'nobody'}")
    line.promise(len(by) == len(said), f"{FORCED}={force} is shown by {by} only")
