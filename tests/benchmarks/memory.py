"""Memory of our processes: `python -m tests.benchmarks.memory`.

`python -m worker` and gunicorn with one worker run on a database of their own, on the server of
DATABASE_URL, without one on SQLite: first with the project's settings but without us, then with
us. Measured 20 s after 500 requests to each of two sites, one of them down.
"""

import argparse
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.benchmarks.footprint import Footprint
from tests.benchmarks.table import aligned
from tests.benchmarks.visitor import ask, request
from tests.faults.services import children
from tests.helpers.fleet import Fleet, new_database

UP, CLOSED = "s0.example", "s1.example"
HEAD = ("", "RSS", "PSS", "USS", "threads", "files")
TITLES = {"worker": "python -m worker", "web": "a worker of gunicorn"}
MB = 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="a look after five seconds")
    seconds, times = (5, 10) if parser.parse_args().smoke else (20, 500)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    bare = measure(seconds, times, DJANGO_SETTINGS_MODULE="tests.benchmarks.bare_settings")
    ours = measure(seconds, times)
    rows = [
        (f"{title}, {whose}", *cells(found[name]))
        for name, title in TITLES.items()
        for whose, found in (("without us", bare), ("with us", ours))
    ]
    print(aligned(HEAD, rows))
    print("Sizes in MB (1,000,000 bytes). Goal: `python -m worker`, with us, RSS below 80.")


def measure(seconds: float, times: int, **env: str) -> dict[str, Footprint]:
    """Measure each kind of process after some time and some requests."""
    with (
        tempfile.TemporaryDirectory(prefix="maintenance-") as folder,
        new_database(Path(folder), os.environ.get("DATABASE_URL", "")) as url,
        Fleet(Path(folder), url) as fleet,
    ):
        fleet.env |= env
        fleet.migrate(2)
        if not env:
            fleet.manage("maintenance", "on", CLOSED)
        fleet.start_web()
        fleet.start_embedded()
        fleet.wait()
        asked = [ask(fleet.port, request(site)) for site in (UP, CLOSED) for _ in range(times)]
        wrong = Counter(answer.status for answer in asked if answer.status not in {200, 503})
        if wrong:
            raise SystemExit(f"Got answers that are neither 200 nor 503: {dict(wrong)}")
        time.sleep(seconds)
        alone = fleet.running["worker"].pid
        if children(alone):
            raise SystemExit("`python -m worker` has children that are not counted here.")
        web = [Footprint.of(pid) for pid in children(fleet.running["web"].pid)]
        return {"worker": Footprint.of(alone), "web": max(web, key=lambda one: one.rss)}


def cells(found: Footprint) -> list[object]:
    sizes = (found.rss, found.pss, found.uss)
    return [*(f"{size * 1024 / MB:.1f}" for size in sizes), found.threads, found.files]


if __name__ == "__main__":
    main()
