"""We as guests in projects that are not ours: `python -m tests.guests [NAME...]`.

It builds the wheel, makes each project by its own tool in an environment of its own, follows the
README's quick start there, takes the site down and up, and prints a line for each promise. The
project as cookiecutter makes them needs the PostgreSQL server of DATABASE_URL and the Redis of
REDIS_URL, and all of them need nginx.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

import argparse
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.guests.cookiecutter import Cookiecutter
from tests.guests.host import Host
from tests.guests.oscar import Oscar
from tests.guests.promises import try_all
from tests.guests.report import Report
from tests.guests.wagtail import Wagtail
from tests.helpers.stranger import build

HOSTS: dict[str, type[Host]] = {
    "wagtail": Wagtail,
    "oscar": Oscar,
    "cookiecutter": Cookiecutter,
}
AT_ONCE = 2


def run(name: str, wheel: Path) -> int:
    """How many promises this project sees broken."""
    report = Report(name)
    if lacks := missing(name):
        print(f"{'FAILED' if os.environ.get('CI') else 'skipped':8}{name}: no {lacks}", flush=True)
        return bool(os.environ.get("CI"))
    with (
        tempfile.TemporaryDirectory(prefix=f"guests-{name}-") as folder,
        report.promise("every step can be tried"),
    ):
        try_all(HOSTS[name](Path(folder), wheel), report)
    return report.failed


def missing(name: str) -> str:
    """What this machine lacks for a project."""
    if not shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"):
        return "nginx"
    if name == "cookiecutter":
        if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
            return "DATABASE_URL of a PostgreSQL server"
        if not os.environ.get("REDIS_URL"):
            return "REDIS_URL"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.guests", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(HOSTS)}")
    names = parser.parse_args().names or [*HOSTS]
    if unknown := set(names).difference(HOSTS):
        parser.error(f"no such project: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="guests-wheel-") as folder:
        wheel = build(Path(folder))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return bool(sum(pool.map(lambda name: run(name, wheel), names)))


if __name__ == "__main__":
    sys.exit(main())
