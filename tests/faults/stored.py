"""What is stored of earlier runs lies in the future, or is missing."""

import time

from tests.faults.bench import Bench
from tests.faults.flags import Flags
from tests.faults.scheduler import sleep_until
from tests.faults.supervised import Supervised
from tests.faults.table import Line, fault
from tests.faults.visitors import Visitors
from tests.faults.windows import Window, at, window

SITES = ["s0.example", "s1.example"]
TICKS = (  # what beat stores while its clock is a day ahead
    "UPDATE django_celery_beat_periodictask SET last_run_at = now() + interval '1 day',"
    " date_changed = now() + interval '1 day'"
)
CHANGED = "UPDATE django_celery_beat_periodictasks SET last_update = now()"
LAST_TICK = "UPDATE maintenance_windows_scheduler SET last_tick = now() + interval '1 day'"
ROW = "maintenance_windows_scheduler"
START_UP = 5.0  # seconds that worker and beat may take, on a busy machine


@fault(
    "the last run of beat's entry and the last tick stored a day ahead", seconds=150, is_quiet=True
)
def stored_ahead(bench: Bench, line: Line) -> None:
    """Beat and worker start with them, start again, and meet them while they run."""
    with bench.fleet() as fleet:
        fleet.start_all()
        commands = fleet.drop("worker0", "beat0")
        store(fleet, TICKS, LAST_TICK)
        doubted = fleet.command("maintenance", "status", "--check").returncode
        line.promise(
            doubted == 1, f"status --check believes a last tick that is to come: {doubted}"
        )
        with Visitors(fleet.port, SITES) as visitors, Flags(fleet) as flags:
            fleet.start_again(commands)
            planned = [on_time(fleet, line, flags, "started")]
            fleet.start_again(fleet.drop("worker0", "beat0"))
            planned.append(on_time(fleet, line, flags, "started again"))
            store(fleet, TICKS, CHANGED, LAST_TICK)
            planned.append(on_time(fleet, line, flags, "while they run"))
            time.sleep(1)
        line.on_time(visitors.seen(planned))
        checked = fleet.command("maintenance", "status", "--check")
        line.promise(checked.returncode == 0, f"status --check: {checked.stderr}")


@fault("the scheduler's row deleted", seconds=120, is_quiet=True)
def row_deleted(bench: Bench, line: Line) -> None:
    """Ticks go on and make it again; so does cron's tick, and status knows the last one."""
    with bench.fleet() as fleet:
        fleet.start_all()
        store(fleet, f"DELETE FROM {ROW}")
        with Visitors(fleet.port, SITES) as visitors, Flags(fleet) as flags:
            planned = [on_time(fleet, line, flags, "the worker")]
            time.sleep(1)
        line.on_time(visitors.seen(planned))
        line.operator.append(f"/readyz 200 {fleet.ready(5):.1f} s later")
        fleet.drop("worker0", "beat0")
        store(fleet, f"DELETE FROM {ROW}")
        fleet.manage("maintenance", "tick")
        rows = fleet.query(f"SELECT last_tick FROM {ROW} WHERE last_tick <= now()")
        line.promise(
            len(rows) == 1, f"after cron's tick there are {len(rows)} rows of the scheduler"
        )


def store(fleet: Supervised, *statements: str) -> None:
    with fleet.connection() as connection:
        for statement in statements:
            connection.execute(statement)


def on_time(fleet: Supervised, line: Line, flags: Flags, what: str) -> Window:
    """Check the flag of a window that starts when worker and beat may have started."""
    planned = window(0, 0, 3, max(fleet.soon(), at(START_UP)))
    fleet.plan(planned)
    late = flags.waited(planned.site, on=True, since=planned.start, timeout=10)
    line.within(late, 2, f"{what}, set")
    sleep_until(planned.end)
    late = flags.waited(planned.site, on=False, since=planned.end, timeout=10)
    line.within(late, 2, f"{what}, cleared")
    return planned
