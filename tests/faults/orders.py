"""The tables are emptied and filled again one by one, in several orders."""

import time
from collections.abc import Sequence
from itertools import permutations

import psycopg

from tests.faults.bench import Bench
from tests.faults.restored import HELD, OURS, SITES, right_record, stays_closed
from tests.faults.scheduler import sleep_until
from tests.faults.supervised import Supervised
from tests.faults.table import Line, fault
from tests.faults.visitors import Visitors
from tests.faults.windows import at, window

PAUSE = 1.2  # seconds: web processes read once a second, and ticks
FLAGS, WINDOWS, SCHEDULER, SITE = (
    "maintenance_windows_sitemaintenance",
    "maintenance_windows_maintenancewindow",
    "maintenance_windows_scheduler",
    "django_site",
)
REST = "the other tables"
# As pg_dump has them, by name: sites before windows before flags.
ORDERS = {
    "flags first, sites last": (FLAGS, WINDOWS, SCHEDULER, REST, SITE),
    "windows first": (WINDOWS, FLAGS, SITE, REST, SCHEDULER),
    "by name": (SITE, REST, WINDOWS, SCHEDULER, FLAGS),
    "windows last": (SCHEDULER, SITE, FLAGS, REST, WINDOWS),
}
TABLES = f"SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ '^{OURS}'"
WITHOUT_TRIGGERS = "SET session_replication_role = replica"  # pg_restore --disable-triggers


class Tables:
    """Copies of the rows of all tables that say which sites are down."""

    def __init__(self, fleet: Supervised) -> None:
        self.names = [name for (name,) in fleet.query(TABLES)]
        self.rows: dict[str, bytes] = {}
        self.connection = psycopg.connect(fleet.database_url, autocommit=True)
        self.connection.execute(WITHOUT_TRIGGERS)

    def save(self) -> None:
        with self.connection.transaction():
            self.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            for name in self.names:
                with self.connection.cursor().copy(f"COPY {name} TO STDOUT") as copy:
                    self.rows[name] = b"".join(map(bytes, copy))

    def empty(self) -> None:
        """Empty all at once; a tick may have locked the same tables in another order."""
        for _ in range(5):
            try:
                self.connection.execute(f"TRUNCATE {', '.join(self.names)}")
            except psycopg.errors.DeadlockDetected:
                continue
            return

    def fill(self, group: str) -> None:
        named = {FLAGS, WINDOWS, SCHEDULER, SITE}
        names = [group] if group in named else [name for name in self.names if name not in named]
        for name in names:
            with self.connection.cursor().copy(f"COPY {name} FROM STDIN") as copy:
                copy.write(self.rows[name])


@fault("tables emptied and filled in several orders during windows", seconds=180, full=480)
def table_orders(bench: Bench, line: Line) -> None:
    core = permutations((FLAGS, WINDOWS, SCHEDULER, SITE))
    orders: dict[str, Sequence[str]] = dict(ORDERS)
    if bench.full:
        orders |= {f"order {n}": (*order, REST) for n, order in enumerate(core)}
    lasts = PAUSE * 6 + 1
    with bench.fleet() as fleet:
        fleet.start_all()
        tables = Tables(fleet)
        fleet.call("maintenance", "on", HELD)
        origin = fleet.soon()
        stays = window(0, 0, lasts * len(orders) + 2, origin)
        ends = [window(2, lasts * n, 1 + PAUSE * 3.5, origin) for n in range(len(orders))]
        fleet.plan(stays, *ends)
        sleep_until(at(-0.5, origin))
        with Visitors(fleet.port, SITES) as visitors:
            for n, order in enumerate(orders.values()):
                sleep_until(at(lasts * n + 1, origin))
                try:
                    restore(tables, order)
                except psycopg.Error as error:
                    line.promise(kept=False, sentence=f"{order}: {error}")
            sleep_until(at(1.5, stays.end))
        stays_closed(line, f"{len(orders)} orders", visitors)
        line.on_time(visitors.seen([stays, *ends]), f"{len(orders)} orders")
        right_record(fleet, line, f"{len(orders)} orders", [stays, *ends])


def restore(tables: Tables, order: Sequence[str]) -> None:
    tables.save()
    tables.empty()
    for group in order:
        time.sleep(PAUSE)
        tables.fill(group)
