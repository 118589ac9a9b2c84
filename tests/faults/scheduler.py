"""A dead scheduler, and who reports it."""

import re
import time
from datetime import UTC, datetime

from project.probe import RIGHT
from tests.faults.bench import Bench
from tests.faults.browser import WINDOWS, Browser
from tests.faults.flags import Flags, recorded
from tests.faults.services import until
from tests.faults.supervised import Command, Supervised
from tests.faults.table import Line, fault
from tests.faults.visitors import Visitors
from tests.faults.windows import at, milliseconds, window

LAST = re.compile("scheduler (last ran|.*last tick)", re.IGNORECASE)
SITES = [f"s{n}.example" for n in range(4)]
QUIET = 0.8  # seconds that manage.py takes at the most where nothing else goes on
PAGES = (WINDOWS, f"{WINDOWS}add/", "/admin/maintenance_windows/sitemaintenance/")


def sleep_until(moment: datetime) -> None:
    time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))


@fault(
    "worker and beat dead from before a window until after the next three",
    seconds=90,
    alone=True,
)
def scheduler_dead(bench: Bench, line: Line) -> None:
    """Visitors see windows on time; flags and history catch up afterwards."""
    with bench.fleet() as fleet:
        fleet.start_all()
        browser = Browser(fleet.port)
        browser.log_in()
        origin = fleet.soon()
        back = at(14.0, origin)
        missed = [window(n, 1.5 + n / 3 + 4 * k, 3, origin) for n in range(2) for k in range(3)]
        ends_meanwhile = window(2, -1, 5, origin)
        runs_then = window(3, 12, 12, origin)
        fleet.plan(*missed, ends_meanwhile, runs_then)
        with Visitors(fleet.port, SITES) as visitors, Flags(fleet) as flags:
            sleep_until(origin)
            commands = fleet.drop("worker0", "beat0")
            noticed(fleet, browser, line)
            fleet.shell("")  # for fleet.planning, see caught_up()
            sleep_until(back)
            caught_up(fleet, flags, line, commands)
            line.operator.append(f"/readyz 200 {fleet.ready(10):.1f} s later")
            time.sleep(1)
        line.on_time(visitors.seen([*missed, ends_meanwhile, runs_then]))
        rows = recorded(fleet, missed)
        own = sum(row.with_its_own_times for row in rows)
        line.flag.append(f"{own} of {len(missed)} missed windows recorded with their own times")
        line.promise(
            own == len(missed), f"{own} of {len(missed)} missed windows as planned: {rows}"
        )
        said = fleet.manage("maintenance", "list", "--past", "--json").count('"completed"')
        line.promise(said == len(missed) + 1, f"{said} windows are listed as completed")


def caught_up(fleet: Supervised, flags: Flags, line: Line, commands: dict[str, Command]) -> None:
    """Start worker and beat; the flags must be right two seconds later.

    Starting takes most of that. On a slow machine the time of manage.py is added.
    """
    mark, returned = fleet.mark("worker0"), datetime.now(UTC)
    fleet.start_again(commands)
    until(lambda: " ready." in fleet.log("worker0")[mark:], "the worker is ready", every=0.005)
    started = datetime.now(UTC)
    line.flag.append(f"worker started in {milliseconds(started - returned)}")
    busy = fleet.planning > QUIET
    if busy:
        line.notes.append(f"this machine is busy, manage.py takes {fleet.planning:.1f} s")
    for site, on, what in (("s3", True, "set"), ("s2", False, "cleared")):
        late = flags.waited(f"{site}.example", on=on, since=returned, timeout=15)
        if late is not None and busy:
            late = max(late - (started - returned), RIGHT)
        line.within(late, 2, f"{what} after {'that' if busy else 'the return'}")


def noticed(fleet: Supervised, browser: Browser, line: Line) -> None:
    """Check that each indicator for operators shows it within ten seconds."""
    died = time.monotonic()
    last = fleet.query("SELECT last_tick FROM maintenance_windows_scheduler")[0][0]
    until(lambda: fleet.command("maintenance", "status", "--check").returncode == 1,
          "status --check exits 1", 12, every=0.1)  # fmt: skip
    checked = time.monotonic() - died
    page = browser.open("/readyz")
    line.operator.append(f"status --check exits 1 after {checked:.1f} s, /readyz {page.status}")
    line.promise(
        checked <= 10, f"status --check exits 1 after {checked:.1f} s, allowed 10", noisy=True
    )
    line.promise(page.status == 503, f"/readyz answers {page.status} {page.body}")
    error = fleet.command("maintenance", "status", "--check").stderr
    named = f"{last:%H:%M:%S}"
    line.promise(named in error, f"status --check does not name the last tick {named}: {error!r}")
    silent = [path for path in PAGES if not LAST.search(browser.open(path).body)]
    warned = len(PAGES) - len(silent)
    line.operator.append(f"{warned} of {len(PAGES)} pages of the admin warn")
    line.promise(not silent, f"the admin does not speak of the last tick on {silent}")
