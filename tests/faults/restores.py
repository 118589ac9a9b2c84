"""The database is restored from a dump during a window, by PostgreSQL's tools."""

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg

from project.probe import ask
from project.processes import free_port
from tests.faults.bench import Bench
from tests.faults.restored import OURS, SITES, during
from tests.faults.services import until
from tests.faults.supervised import Supervised
from tests.faults.table import Line, fault
from tests.faults.visitors import Visitors
from tests.faults.windows import CLOSED, at

# As on a slow disk: each step takes so long that web processes and ticks see what is there.
STEP, PAUSE = 0.3, 1.2  # seconds
STEPS = re.compile(rf"^(?=(COPY|DROP TABLE IF EXISTS) public\.{OURS})", re.MULTILINE)
FRESH, IGNORANT = "fresh", "ignorant"
DOWN, UP, *_ = SITES


class Dump:
    """A dump of a fleet's database, restored while the fleet runs."""

    def __init__(self, bench: Bench, fleet: Supervised, line: Line) -> None:
        self.fleet, self.line = fleet, line
        self.bin = bench.postgresql.bin
        self.file = fleet.folder / "dump"

    def save(self) -> None:
        self._run("pg_dump", "--format=custom", f"--file={self.file}", self.fleet.database_url)

    def whole(self) -> None:
        self.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        time.sleep(PAUSE)
        self.restore()

    def clean(self) -> None:
        self.restore("--clean", "--if-exists")

    def sections(self) -> None:
        """Two processes start between the first section and the others."""
        self.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        self.restore("--section=pre-data")
        with started_meanwhile(self.fleet, self.line):
            self.restore("--section=data")
            time.sleep(PAUSE)
            self.restore("--section=post-data")

    def restore(self, *options: str) -> None:
        """What pg_restore would send to the database, slowly."""
        script = self._run("pg_restore", *options, "--file=-", str(self.file))
        slow = STEPS.sub(f"SELECT pg_sleep({STEP});\n", script)
        self._run("psql", "--set=ON_ERROR_STOP=1", "--quiet", self.fleet.database_url, sql=slow)

    def execute(self, sql: str, tries: int = 5) -> None:
        """Run this; a tick may have locked the same tables in another order."""
        with psycopg.connect(self.fleet.database_url) as connection:
            try:
                connection.execute(sql)
            except psycopg.errors.DeadlockDetected:
                if tries == 1:
                    raise
            else:
                return
        self.execute(sql, tries - 1)

    def _run(self, program: str, *arguments: str, sql: str = "") -> str:
        done = subprocess.run(
            [Path(self.bin) / program, *arguments], input=sql, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{program} {' '.join(arguments)}: {done.stderr[-500:]}")
        return done.stdout


def answers(port: int) -> bool:
    return ask(port, UP, "/healthz").status == 200


@contextmanager
def started_meanwhile(fleet: Supervised, line: Line) -> Iterator[None]:
    """Start a web process with the cache, and one that knows nothing, and ask them.

    The first takes the site's state from the cache, the second from MAINTENANCE_WHEN_UNKNOWN.
    """
    ports = {FRESH: free_port(), IGNORANT: free_port()}
    env = {FRESH: {}, IGNORANT: {"REDIS_URL": "", "MAINTENANCE_WHEN_UNKNOWN": "closed"}}
    for name, port in ports.items():
        fleet.start(name, "gunicorn", f"--bind=127.0.0.1:{port}", "project.wsgi", **env[name])
    for name, port in ports.items():
        until(partial(answers, port), f"{name} answers")
    with Visitors(ports[FRESH], [DOWN, UP]) as fresh, Visitors(ports[IGNORANT], [DOWN]) as ignorant:
        time.sleep(PAUSE)
        yield
        until_whole = at(0)
        time.sleep(PAUSE)
    for name, visitors in ((FRESH, fresh), (IGNORANT, ignorant)):
        given = visitors.answers[DOWN]
        wrong = [str(answer) for answer in given if answer.status != CLOSED]
        line.visitors.append(f"a {name} process: {len(given)} answers, {len(wrong)} wrong")
        line.promise(given and not wrong, f"{name}: {len(wrong)} not 503: {wrong[:3]}")
        fleet.drop(name)
    wrong = [str(answer) for answer in fresh.answers[UP] if answer.status != 200]
    line.promise(not wrong, f"{FRESH}, a site that is up: {len(wrong)} not 200: {wrong[:3]}")
    line.promise(fresh.answers[UP][0].sent < until_whole, "no process started meanwhile")


@fault("a restore on PostgreSQL during windows", seconds=180)
def restored_postgresql(bench: Bench, line: Line) -> None:
    """The schema dropped and pg_restore; pg_restore --clean; pg_restore --section."""
    with bench.fleet() as fleet:
        fleet.start_all()
        dump = Dump(bench, fleet, line)
        ways: dict[str, Callable[[], None]] = {
            "after DROP SCHEMA": dump.whole,
            "--clean": dump.clean,
            "--section": dump.sections,
        }
        for name, way in ways.items():
            during(fleet, line, name, dump.save, way)
