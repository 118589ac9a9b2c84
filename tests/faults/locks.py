"""A slow or locked database during ticks, and the connections of requests."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path

import psycopg

from project.probe import Answer, ask
from tests.faults.bench import Bench
from tests.faults.browser import Browser
from tests.faults.flags import Flags
from tests.faults.scheduler import sleep_until
from tests.faults.supervised import Supervised
from tests.faults.table import Line, fault
from tests.faults.visitors import Visitors
from tests.faults.windows import at, window

SITES = [f"s{n}.example" for n in range(3)]
TICKS_LOCK = "SELECT pg_advisory_xact_lock(x'6D77696E'::int)"
FLAG_ROWS = "SELECT * FROM maintenance_windows_sitemaintenance FOR UPDATE"
WHOLE_TABLE = "LOCK TABLE maintenance_windows_sitemaintenance"
WAITING = (
    "SELECT count(*), coalesce(extract(epoch FROM max(now() - query_start)), 0)"
    " FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = '{}'"
)
# Two ticks at once are all that a worker runs, see worker/settings.py; each gives up soon.
# Two web processes and who watches the flags wait for the table, too.
MOST_WAITING, LONGEST_WAIT = 5, 10.0
THREADS = 8


class Waiting:
    """The most connections that waited for a lock at once, and the longest wait."""

    def __init__(self, bench: Bench, database: str) -> None:
        self.most, self.longest = 0, 0.0
        self._bench, self._database = bench, database
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Waiting":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join(5)

    def _watch(self) -> None:
        with psycopg.connect(self._bench.postgresql.url(), autocommit=True) as connection:
            while not self._left.wait(0.1):
                ((count, seconds),) = connection.execute(WAITING.format(self._database)).fetchall()
                self.most, self.longest = max(self.most, count), max(self.longest, float(seconds))


@contextmanager
def held(fleet: Supervised, sql: str) -> Iterator[None]:
    with fleet.connection() as connection, connection.transaction():
        connection.execute(sql)
        yield


@fault(
    "the database locked during the tick: its lock, the flags' rows, their table",
    seconds=90,
    full=240,
)
def locked(bench: Bench, line: Line) -> None:
    """Visitors see the window; the next tick after the lock sets the flag."""
    with bench.fleet() as fleet:
        fleet.start_all()
        length = 3.5
        origin = fleet.soon()
        locks = dict(zip(SITES, (TICKS_LOCK, FLAG_ROWS, WHOLE_TABLE), strict=True))
        planned = [window(n, 1.5 + n * (length + 2), length + 2, origin) for n in range(3)]
        fleet.plan(*planned)
        database = fleet.database_url.rpartition("/")[2]
        with (
            Visitors(fleet.port, SITES) as visitors,
            Flags(fleet) as flags,
            Waiting(bench, database) as waiting,
        ):
            for one in planned:
                sleep_until(at(-1.5, one.start))
                with held(fleet, locks[one.site]):
                    time.sleep(length)
                free = datetime.now(UTC)
                late = flags.waited(one.site, on=True, since=free, timeout=10)
                line.within(late, 2, "set after the lock")
            if bench.full:
                with held(fleet, TICKS_LOCK):
                    time.sleep(40)
                free = datetime.now(UTC)
                line.within(
                    flags.waited(SITES[2], on=False, since=free, timeout=10),
                    2,
                    "cleared after 40 s of it",
                )
            sleep_until(at(1.5, planned[-1].end))
        line.on_time(visitors.seen(planned))
        line.operator.append(f"at most {waiting.most} waiting, {waiting.longest:.1f} s")
        line.promise(waiting.most <= MOST_WAITING, f"{waiting.most} connections were waiting")
        line.promise(waiting.longest <= LONGEST_WAIT, f"one waited {waiting.longest:.0f} s")


@fault("10,000 requests: connections and threads", seconds=120, full=240, alone=True)
def connections(bench: Bench, line: Line) -> None:
    """Count connections after requests of visitors and staff to both sites."""
    with bench.fleet() as fleet:
        fleet.start_all()
        fleet.manage("maintenance", "on", SITES[0])
        browser = Browser(fleet.port)
        browser.log_in()
        time.sleep(1.5)
        hammer(fleet, browser.cookie, 1000)
        before = footprint(bench, fleet)
        began = time.monotonic()
        answers = hammer(fleet, browser.cookie, 40_000 if bench.full else 10_000)
        took = time.monotonic() - began
        after = footprint(bench, fleet)
        wrong = [str(answer) for answer, right in answers if answer.status != right]
        line.visitors.append(
            f"{len(answers):,} answers, {len(answers) / took:.0f} a second, {len(wrong)} wrong"
        )
        line.promise(not wrong, f"{len(wrong)} answers: {wrong[:3]}")
        line.operator.append(
            f"connections {before[0]} before, {after[0]} after; threads {before[1]}, {after[1]}"
        )
        line.promise(
            after[0] <= before[0], f"connections have grown from {before[0]} to {after[0]}"
        )
        line.promise(
            sum(after[1]) <= sum(before[1]), f"threads have grown from {before[1]} to {after[1]}"
        )


def hammer(fleet: Supervised, cookie: str, count: int) -> list[tuple[Answer, int]]:
    """Send many requests, eight at once; check each status."""
    kinds = [
        (SITES[0], "", 503),
        (SITES[1], "", 200),
        (SITES[0], cookie, 200),
        (SITES[1], cookie, 200),
    ]
    answers: list[tuple[Answer, int]] = []

    def ask_on() -> None:
        for site, session, right in islice(cycle(kinds), count // THREADS):
            found = ask(fleet.port, site, cookie=session)
            answers.append((found, right))

    threads = [threading.Thread(target=ask_on, daemon=True) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def footprint(bench: Bench, fleet: Supervised) -> tuple[int, list[int]]:
    """Connections of the web processes to the database, and the threads of each of them.

    Worker and beat connect anew for each tick, so their number varies.
    """
    time.sleep(1)
    database = fleet.database_url.rpartition("/")[2]
    counts, threads = [], []
    for _ in range(10):
        sql = (
            "SELECT count(*) FROM pg_stat_activity"
            f" WHERE datname = '{database}' AND application_name = 'web'"
        )
        counts.append(bench.postgresql.execute(sql)[0][0])
        pids = [fleet.running["web"].pid, *fleet.children("web")]
        threads.append([len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in pids])
        time.sleep(0.1)
    return max(counts), max(threads, key=sum)
