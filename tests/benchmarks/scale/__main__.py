"""Cost of ticks and snapshots in a large fleet: `python -m tests.benchmarks.scale`.

A hundred thousand sites with a million windows that are over and a hundred thousand to come, on
databases of its own, on the server of DATABASE_URL; without one on SQLite. Exits with 1 when what
is asked each second is found by anything but the indexes of live rows.
"""

import argparse
import logging
import os
import secrets
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

import django

from tests.benchmarks.scale.sizes import FULL, SMOKE, Size
from tests.benchmarks.table import aligned
from tests.helpers.fleet import new_database


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--smoke", action="store_true", help="a small fleet: whether it runs")
    size = SMOKE if parser.parse_args().smoke else FULL
    with ExitStack() as stack:
        folders = [stack.enter_context(tempfile.TemporaryDirectory()) for _ in range(2)]
        server = os.environ.get("DATABASE_URL", "")
        urls = [stack.enter_context(new_database(Path(folder), server)) for folder in folders]
        os.environ |= {
            "ALLOWED_HOSTS": ".example",
            "DATABASE_URL": urls[0],
            "DEBUG": "0",
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "SECRET_KEY": secrets.token_hex(32),
        }
        django.setup()
        # What the sites go through is put into words, as in a worker, and kept from the tables.
        nowhere = stack.enter_context(Path(os.devnull).open("w"))
        logging.getLogger().handlers[0].setStream(nowhere)
        sys.exit(report(urls, size))


def report(urls: list[str], size: Size) -> int:
    from django.db import connection

    from tests.benchmarks.scale import snapshots, starts, ticks, waiting
    from tests.benchmarks.scale.databases import filled

    begun = perf_counter()
    small, large = filled(urls, size)
    print(f"{connection.vendor}, filled in {perf_counter() - begun:.0f} s: ", end="")
    print(f"{size.sites:,} sites, {size.past:,} windows that are over, {size.coming:,} to come")
    strays = ticks.strays()
    for lines in (
        ticks.idle(small, large, size),
        starts.together(size, large.now),
        snapshots.readings(size, large.now),
        waiting.requests(size),
    ):
        print(f"\n{aligned(*lines)}", flush=True)
    print("\nRead each second as a whole, and not by an index of live rows:", strays or "nothing")
    connection.close()
    return 1 if strays else 0


if __name__ == "__main__":
    main()
