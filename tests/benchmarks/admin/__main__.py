"""Cost of each admin page in a large fleet: `python -m tests.benchmarks.admin [--smoke]`.

A hundred thousand sites, a million windows that are over, a hundred thousand that are to come, and
what else years leave behind, in a database of its own on the server of DATABASE_URL; without one on
SQLite. Each page is asked for once, cold, and three times more, of which the best counts. Pages
that lists link to (filters, orders, dates, pages) are followed, whatever they are.
"""

import argparse
import logging
import os
import secrets
import tempfile
from pathlib import Path
from time import perf_counter

import django

from tests.helpers.fleet import new_database

QUERIES, MILLISECONDS = 20, 300  # what a page may cost
FULL = {"sites": 100_000, "past": 1_000_000, "coming": 100_000}
SMOKE = {"sites": 300, "past": 3000, "coming": 300}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.admin", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--smoke", action="store_true", help="a few hundred sites, asked once")
    smoke = parser.parse_args().smoke
    with (
        tempfile.TemporaryDirectory() as folder,
        new_database(Path(folder), os.environ.get("DATABASE_URL", "")) as url,
    ):
        os.environ |= {
            "ALLOWED_HOSTS": ".example",
            "DATABASE_URL": url,
            "DEBUG": "0",
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "SECRET_KEY": secrets.token_hex(32),
        }
        django.setup()
        logging.disable(logging.INFO)
        fill(SMOKE if smoke else FULL)
        report(times=1 if smoke else 3)


def fill(sizes: dict[str, int]) -> None:
    from django.core.management import call_command
    from django.db import connection

    from tests.benchmarks import population
    from tests.benchmarks.admin import history

    begun = perf_counter()
    call_command("migrate", verbosity=0)
    population.populate(**sizes, transitions=True)
    history.add()
    population.analyze()
    print(f"{connection.vendor}, filled in {perf_counter() - begun:.0f} s: {history.sizes()}\n")


def report(times: int) -> None:
    """Print a line per page, with `!` where it exceeds its limit."""
    from tests.benchmarks.admin.pages import answers

    # Line by line, not as tests.benchmarks.table would: it takes minutes.
    print("queries      ms cold ms    page")
    number = over = 0
    for page, queries, cold, best in answers(times):
        dear = queries > QUERIES or best > MILLISECONDS
        print(f"{queries:7} {best:7.0f} {cold:7.0f} {'!' if dear else ' '}  {page}", flush=True)
        number, over = number + 1, over + dear
    print(f"\n{number} pages, {over} over {QUERIES} queries or {MILLISECONDS} ms")


if __name__ == "__main__":
    main()
