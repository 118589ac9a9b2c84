"""How soon each server follows a change: `python -m tests.servers`.

It needs the PostgreSQL server of DATABASE_URL. For each line: seconds until all processes follow a
flag that was written with SQL, milliseconds where the change was notified, wrong answers later than
that, and wrong ones among the first after a pause.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from project.processes import Processes
from tests.helpers.fleet import Fleet, new_database
from tests.servers.following import Result
from tests.servers.lines import SERVERS, WORST, Server, arguments_of, missing

ROW = "| {} | {} | {} | {} | {} |"


def run(name: str, server: Server, folder: Path, url: str) -> Result:
    result = Result()
    with new_database(folder, url) as database, Fleet(folder, database) as fleet:
        fleet.env["DJANGO_SETTINGS_MODULE"] = "tests.servers.settings"
        fleet.migrate(1)
        if server.replica:
            fleet.env["SERVERS_REPLICA"] = replica_of(database, url)
        fleet.env |= server.env or {}
        command = arguments_of(server, fleet.port)
        if server.needs:
            start_program(fleet, command)
        else:
            fleet.start("web", *command)
        fleet.wait("/healthz")
        for measure in server.measures:
            measure(fleet, result)
        if result.errors:
            print(fleet.log("web")[-4000:], file=sys.stderr)
    return result


def start_program(fleet: Processes, command: list[str]) -> None:
    with (fleet.folder / "web.log").open("ab") as log:
        fleet.running["web"] = subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=fleet.env, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def replica_of(database: str, server: str) -> str:
    """The name of a copy that was made now and follows nothing."""
    import psycopg

    name = urlsplit(database).path.lstrip("/")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}_replica WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}_replica TEMPLATE {name}")
    return f"{name}_replica"


def row(name: str, result: Result) -> str:
    follows = f"{max(result.follows):.2f}" if result.follows else ""
    notified = sorted(result.notified)
    median = f"{notified[len(notified) // 2] * 1000:.0f}" if notified else ""
    first = f"{result.wrong_first} of {len(result.first)}" if result.first else ""
    return ROW.format(name, follows, median, result.wrong + result.errors, first)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.servers", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="lines whose names have it")
    parser.add_argument("--worst", action="store_true", help="the three that failed worst once")
    given = parser.parse_args()
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        parser.error("DATABASE_URL must name a PostgreSQL server")
    chosen = {
        name: server
        for name, server in SERVERS.items()
        if (not given.only or any(text in name for text in given.only))
        and (not given.worst or name in WORST)
    }
    print(ROW.format("server", "follows, s", "notified, ms", "wrong later", "wrong after a pause"))
    print(ROW.format(*["---"] * 5), flush=True)
    failed = 0
    for name, server in chosen.items():
        if lacks := missing(server):
            print(ROW.format(name, f"no {lacks}", "", "", ""), flush=True)
            failed += bool(os.environ.get("CI"))
            continue
        with tempfile.TemporaryDirectory() as folder:
            result = run(name, server, Path(folder), url)
        failed += result.failed
        print(row(name, result) + (" **fails**" if result.failed else ""), flush=True)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
