"""Restores during a window on the other databases: a dump of MariaDB, a file of SQLite."""

import re
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from tests.faults.bench import SITES, Bench
from tests.faults.mariadb import MariaDB
from tests.faults.restored import OURS, during
from tests.faults.restores import PAUSE, STEP
from tests.faults.table import Line, fault

# Before each table is dropped, and between its creation and its rows.
STEPS = re.compile(rf"^(?=(DROP TABLE IF EXISTS|LOCK TABLES) `{OURS})", re.MULTILINE)


@fault("a mysqldump restored on MariaDB during windows", seconds=120)
def restored_mariadb(bench: Bench, line: Line) -> None:
    if MariaDB.missing(line):
        return
    with MariaDB(bench.folder) as server, bench.bare_fleet(server.url("site")) as fleet:
        server.execute("CREATE DATABASE site")
        fleet.migrate_in_place(SITES)
        fleet.start_all()
        dumped = []

        def restore() -> None:
            slow = STEPS.sub(f"SELECT SLEEP({STEP * 0.7});\n", dumped[0])
            server.execute(slow, "site")

        during(fleet, line, "mysqldump", lambda: dumped.append(server.dump("site")), restore)


@fault("another SQLite file put in place during windows", seconds=120)
def restored_sqlite(bench: Bench, line: Line) -> None:
    """A backup is renamed over the file; or put in place some time after the file's removal."""
    with bench.bare_fleet("sqlite:///{folder}/site.sqlite3") as fleet:
        fleet.migrate_in_place(SITES)
        fleet.start_all()
        file = Path(fleet.database_url.removeprefix("sqlite:///"))
        backup = file.with_name("backup.sqlite3")

        def save() -> None:
            with fleet.connection() as live, closing(sqlite3.connect(backup)) as copy:
                live.backup(copy)

        def put() -> None:
            for journal in (f"{file}-wal", f"{file}-shm"):
                Path(journal).unlink(missing_ok=True)
            shutil.copy(backup, f"{file}.new")
            Path(f"{file}.new").replace(file)

        def remove_and_put() -> None:
            for name in (f"{file}-wal", f"{file}-shm", file):
                Path(name).unlink(missing_ok=True)
            time.sleep(2 * PAUSE)
            put()

        during(fleet, line, "renamed over", save, put)
        during(fleet, line, "removed before", save, remove_and_put)
