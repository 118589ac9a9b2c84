"""The database is restored from a dump during a window, by PostgreSQL's tools."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import psycopg

from project.probe import ask
from project.processes import free_port
from tests.faults.bench import Bench
from tests.faults.restored import HELD, OURS, SITES, during
from tests.faults.services import until
from tests.faults.supervised import Supervised
from tests.faults.table import Line, fault
from tests.faults.visitors import Visitors
from tests.faults.windows import CLOSED, OPEN, at

# As on a slow disk: each step takes so long that web processes and ticks see what is there.
STEP, PAUSE = 0.3, 1.2  # seconds
STEPS = re.compile(rf"^(?=(COPY|DROP TABLE IF EXISTS) public\.{OURS})", re.MULTILINE)
UP = SITES[1]
FRESH: dict[str, dict[str, str]] = {
    "with cache": {},
    "without": {"REDIS_URL": "", "MAINTENANCE_WHEN_UNKNOWN": "closed"},
}


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
    return ask(port, HELD, "/healthz").status == 200


@contextmanager
def started_meanwhile(fleet: Supervised, line: Line) -> Iterator[None]:
    """Start web processes before the block, and ask them until it has ended.

    One takes the sites' state from the cache, the other from MAINTENANCE_WHEN_UNKNOWN.
    """
    ports = {name: free_port() for name in FRESH}
    for (name, env), port in zip(FRESH.items(), ports.values(), strict=True):
        fleet.start(name, "gunicorn", f"--bind=127.0.0.1:{port}", "project.wsgi", **env)
    for name, port in ports.items():
        until(partial(answers, port), f"{name} answers")
    with ExitStack() as visits:
        asked = {
            name: visits.enter_context(Visitors(port, [HELD, UP])) for name, port in ports.items()
        }
        time.sleep(PAUSE)
        yield
        whole = at(0)
        time.sleep(PAUSE)
    for name, visitors in asked.items():
        fleet.drop(name)
        held = visitors.answers[HELD]
        wrong = [str(answer) for answer in held if answer.status != CLOSED]
        line.visitors.append(f"started meanwhile, {name}: {len(held)} answers, {len(wrong)} wrong")
        line.promise(
            not wrong and held[0].sent < at(-PAUSE, whole),
            f"{name}: {len(wrong)} of {len(held)} of a held site: {wrong[:3]}",
        )
    up = asked["with cache"].answers[UP]
    wrong = [str(answer) for answer in up if answer.status != OPEN]
    line.promise(not wrong, f"with cache, a site that is up: {len(wrong)} wrong: {wrong[:3]}")


@fault("a restore on PostgreSQL during windows", seconds=240, is_quiet=True)
def restored_postgresql(bench: Bench, line: Line) -> None:
    """The schema dropped and pg_restore; pg_restore --clean; pg_restore --section."""
    with bench.fleet() as fleet:
        fleet.start_all()
        dump = Dump(bench, fleet, line)
        during(fleet, line, "after DROP SCHEMA", dump.save, dump.whole)
        during(fleet, line, "--clean", dump.save, dump.clean)
        during(fleet, line, "--section", dump.save, dump.sections, length=17)
