"""Missing tables, deleted sites and invalid rows."""

import time
from datetime import UTC, datetime

from tests.faults.bench import Bench
from tests.faults.database import WORKERS, said_once
from tests.faults.flags import Flags
from tests.faults.scheduler import sleep_until
from tests.faults.supervised import Supervised
from tests.faults.table import Line, fault
from tests.faults.visitors import Visitors
from tests.faults.windows import at, window

SITES = [f"s{n}.example" for n in range(3)]
TABLE = "maintenance_windows_maintenancewindow"


@fault("the tables missing, before migrate", seconds=60)
def tables_missing(bench: Bench, line: Line) -> None:
    with bench.fleet(migrated=False) as fleet:
        fleet.start_web()
        with Visitors(fleet.port, SITES[:1]) as visitors:
            time.sleep(4)
            said_once(fleet, line, 0)
            fleet.migrate_in_place(1)
            planned = window(0, 0, 4, fleet.soon())
            fleet.plan(planned)
            sleep_until(at(1, planned.end))
        line.on_time(visitors.seen([planned]))


@fault("a Site deleted while its window runs", seconds=60)
def site_deleted(bench: Bench, line: Line) -> None:
    """A deleted site is up; the others are unaffected."""
    with bench.fleet() as fleet:
        fleet.start_all()
        origin = fleet.soon()
        gone, other, later = (
            window(1, 0, 20, origin),
            window(0, 1, 5, origin),
            window(2, 4, 3, origin),
        )
        fleet.plan(gone, other, later)
        mark = fleet.mark()
        with Visitors(fleet.port, SITES) as visitors, Flags(fleet) as flags:
            sleep_until(at(1.2, origin))
            fleet.shell(
                "from django.contrib.sites.models import Site\n"
                f"Site.objects.get(domain={gone.site!r}).delete()"
            )
            deleted = datetime.now(UTC)
            sleep_until(at(1.5, later.end))
        closed = [
            a
            for a in visitors.answers.pop(gone.site)
            if a.sent > at(1, deleted) and a.status != 200
        ]
        line.visitors.append(
            f"the deleted site: {len(closed)} answers other than 200 a second later"
        )
        line.promise(not closed, f"{gone.site}: {closed[:3]}")
        line.on_time(visitors.seen([other, later]), "the others")
        line.within(flags.waited(later.site, on=True, since=later.start, timeout=2), 2, "set")
        complained(fleet, line, mark, least=0)


@fault("a row that makes no sense: a window of level nonsense", seconds=60)
def bad_row(bench: Bench, line: Line) -> None:
    """The windows of other sites start and end, including later ones."""
    with bench.fleet() as fleet:
        fleet.start_all()
        origin = fleet.soon()
        bad, known = window(2, 2.5, 6, origin), window(0, 3, 4, origin)
        fleet.plan(bad, known)
        with fleet.connection() as connection:
            connection.execute(f"ALTER TABLE {TABLE} DROP CONSTRAINT mw_window_level")
            connection.execute(
                f"UPDATE {TABLE} SET level = 'nonsense' WHERE site_id ="
                f" (SELECT id FROM django_site WHERE domain = '{bad.site}')"
            )
        mark, worker = fleet.mark(), fleet.mark("worker0")
        with Visitors(fleet.port, SITES) as visitors, Flags(fleet) as flags:
            afterwards = window(1, 4, 4, origin)
            fleet.plan(afterwards)
            sleep_until(at(1.2, bad.end))
        its = visitors.answers.pop(bad.site)
        statuses = sorted({answer.status for answer in its if bad.start < answer.sent < bad.end})
        line.visitors.append(f"the site of the row gets {statuses} in that time")
        line.promise(set(statuses) <= {200, 503}, f"{bad.site}: {statuses}")
        line.on_time(visitors.seen([known, afterwards]), "the others")
        for planned in (known, afterwards):
            late = flags.waited(planned.site, on=True, since=planned.start, timeout=2)
            line.within(late, 2, f"{planned.site} set")
        complained(fleet, line, mark, least=1)
        said = fleet.warnings("worker0", worker)
        line.operator.append(f"the worker: {len(said)} warnings")
        line.promise(len(said) <= WORKERS, f"the worker says it {len(said)} times: {said[:2]}")


def complained(fleet: Supervised, line: Line, since: int, *, least: int) -> None:
    said = fleet.warnings("web", since)
    line.operator.append(f"{len(said)} warnings of {WORKERS} processes")
    line.promise(least <= len(said) <= WORKERS, f"{len(said)} warnings: {said[:4]}")
