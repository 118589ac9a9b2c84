"""How soon each server follows a change: `python -m tests.servers`.

It needs the PostgreSQL server of DATABASE_URL. For each line: seconds until all processes follow a
flag that was written with SQL, milliseconds where the change was notified, wrong answers later than
that, and wrong ones among the first after a pause. A second table counts the answers to uploads to
a closed site, and to pages of an open one, behind an nginx.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

import argparse
import subprocess
import sys
import tempfile
from http import HTTPStatus
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from project.probe import ask
from project.processes import Processes, free_port
from tests.helpers.fleet import Fleet, new_database
from tests.servers.following import Result
from tests.servers.lines import BEHIND_NGINX, SERVERS, WORST, Server, arguments_of, missing
from tests.servers.uploads import CLOSED, OPEN, Seen, balanced, load

ROW = "| {} | {} | {} | {} | {} |"


def run(name: str, server: Server, folder: Path, url: str) -> Result:
    result = Result()
    with new_database(folder, url) as database, Fleet(folder, database) as fleet:
        fleet.env["DJANGO_SETTINGS_MODULE"] = "tests.servers.settings"
        fleet.migrate(1)
        if server.replica:
            fleet.env["SERVERS_REPLICA"] = replica_of(database, url)
        fleet.env |= server.env or {}
        start(fleet, server, "web", fleet.port)
        fleet.wait("/healthz")
        for measure in server.measures:
            measure(fleet, result)
        if result.errors:
            print(fleet.log("web")[-4000:], file=sys.stderr)
    return result


def run_behind_nginx(server: Server, folder: Path, url: str, level: str) -> Seen:
    with new_database(folder, url) as database, Fleet(folder, database) as fleet:
        fleet.migrate(2)
        fleet.manage("maintenance", "on", CLOSED, *([level] if level else []))
        ports = [free_port(), free_port()]
        for port in ports:
            start(fleet, server, f"web{port}", port)
        for port in ports:
            fleet.until(lambda port=port: ask(port, OPEN).status == HTTPStatus.OK)
        with balanced(folder, ports) as port:
            fleet.until(lambda: ask(port, OPEN).status == HTTPStatus.OK)
            return load(port)


def start(fleet: Processes, server: Server, name: str, port: int) -> None:
    command = arguments_of(server, port)
    if server.needs:
        start_program(fleet, name, command)
    else:
        fleet.start(name, *command)


def start_program(fleet: Processes, name: str, command: list[str]) -> None:
    with (fleet.folder / f"{name}.log").open("ab") as log:
        fleet.running[name] = subprocess.Popen(
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
    wanted = [
        name
        for name in (*SERVERS, *BEHIND_NGINX)
        if (not given.only or any(text in name for text in given.only))
        and (not given.worst or name in WORST)
    ]
    failed = 0
    if following := [name for name in wanted if name in SERVERS]:
        failed += follow_table(following, url)
    if uploading := [name for name in wanted if name in BEHIND_NGINX]:
        failed += upload_table(uploading, url)
    return bool(failed)


def follow_table(names: list[str], url: str) -> int:
    """Print it, and return how many servers fail."""
    failed = 0
    print_head("server", "follows, s", "notified, ms", "wrong later", "wrong after a pause")
    for name in names:
        if lacks := missing(SERVERS[name]):
            print(ROW.format(name, f"no {lacks}", "", "", ""), flush=True)
            failed += bool(os.environ.get("CI"))
            continue
        with tempfile.TemporaryDirectory() as folder:
            result = run(name, SERVERS[name], Path(folder), url)
        failed += result.failed
        print(row(name, result) + (" **fails**" if result.failed else ""), flush=True)
    return failed


def upload_table(names: list[str], url: str) -> int:
    """Print it, and return how many servers fail."""
    failed = 0
    print_head("server", "level", "uploads by status", "pages by status", "slowest, s")
    for name, level in product(names, ("", "--read-only")):
        if lacks := missing(BEHIND_NGINX[name]):
            print(ROW.format(name, f"no {lacks}", "", "", ""), flush=True)
            failed += bool(os.environ.get("CI"))
            continue
        with tempfile.TemporaryDirectory() as folder:
            seen = run_behind_nginx(BEHIND_NGINX[name], Path(folder), url, level)
        failed += seen.failed
        slowest = f"{seen.slowest:.1f}" + (" **fails**" if seen.failed else "")
        uploads, pages = dict(seen.uploads), dict(seen.pages)
        print(ROW.format(name, level or "full", uploads, pages, slowest), flush=True)
    return failed


def print_head(*titles: str) -> None:
    print(ROW.format(*titles))
    print(ROW.format(*["---"] * len(titles)), flush=True)


if __name__ == "__main__":
    sys.exit(main())
