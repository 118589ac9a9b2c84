"""Failing code of the project: a missing or broken 503 template, failing receivers."""

import time
from datetime import UTC, datetime

from tests.faults.bench import Bench
from tests.faults.browser import Browser, Page
from tests.faults.database import WORKERS
from tests.faults.flags import Flags, recorded
from tests.faults.scheduler import sleep_until
from tests.faults.supervised import Supervised
from tests.faults.table import Line, fault
from tests.faults.visitors import Visitors
from tests.faults.windows import at, window

# The content of the project's 503 template, and whether it exists.
TEMPLATES = {
    "missing": None,
    "unreadable": "{% nonsense %}",
    "raising": "{% url 'nowhere' %}",
}
ASKED = 20
RECEIVER = "this receiver always does"


def failing(bench: Bench, template: str = "") -> Supervised:
    folder = bench.folder / "templates"
    folder.mkdir(exist_ok=True)
    for name, text in TEMPLATES.items():
        if text is not None:
            (folder / f"{name}.html").write_text(text)
    return bench.fleet(
        DJANGO_SETTINGS_MODULE="tests.faults.settings",
        FAULTS_TEMPLATES=str(folder),
        FAULTS_503_TEMPLATE=f"{template}.html" if template else "",
    )


@fault("the 503 template missing, unreadable or raising", seconds=90)
def template(bench: Bench, line: Line) -> None:
    for name, text in TEMPLATES.items():
        with failing(bench, name) as fleet:
            fleet.manage("maintenance", "on", "s0.example", "--for", "1h")
            fleet.start_web()
            (row,) = recorded(fleet)
            visitor = Browser(fleet.port)
            pages = [visitor.open("/") for _ in range(ASKED)]
            wrong = [page for page in pages if not plain(page, row.window.end)]
            line.visitors.append(f"{name}: {len(pages) - len(wrong)} of {len(pages)} a right 503")
            line.promise(
                not wrong,
                f"{name}: {[(p.status, dict(p.headers), p.body[:200]) for p in wrong[:1]]}",
            )
            said, traces = len(fleet.warnings()), fleet.tracebacks()
            line.operator.append(f"{name}: {said} log lines of {WORKERS} processes")
            least = 1 if text else 0
            line.promise(
                least <= said <= WORKERS and traces >= said,
                f"{name}: {said} log lines of {WORKERS} processes, with {traces} tracebacks",
            )


def plain(page: Page, end: datetime) -> bool:
    """Check for a 503 with the usual headers and no trace of the error."""
    wait = page.headers.get("Retry-After", "")
    left = (end - datetime.now(UTC)).total_seconds()
    return (
        page.status == 503
        and wait.isdecimal()
        and abs(int(wait) - left) < 3
        and page.headers.get("Cache-Control") == "no-store"
        and bool(page.body.strip())
        and "Error" not in page.body
    )


@fault("receivers of maintenance_started and maintenance_ended raising", seconds=60)
def receivers(bench: Bench, line: Line) -> None:
    with failing(bench) as fleet:
        fleet.start_all()
        origin = fleet.soon()
        planned = [window(0, 0, 3, origin), window(1, 0.5, 3, origin)]
        fleet.plan(*planned)
        with Visitors(fleet.port, ["s0.example", "s1.example"]) as visitors, Flags(fleet) as flags:
            sleep_until(at(1.5, planned[-1].end))
            for one in planned:
                line.within(flags.waited(one.site, on=True, since=one.start, timeout=2), 2, "set")
                line.within(
                    flags.waited(one.site, on=False, since=one.end, timeout=2), 2, "cleared"
                )
        time.sleep(0.2)
        line.on_time(visitors.seen(planned))
        # A message that beat has sent before the worker was there may be dropped, with a line.
        said = [text for text in fleet.warnings("worker0") if "Dropped" not in text]
        traces = fleet.tracebacks("worker0")
        line.operator.append(f"{len(said)} lines, {traces} tracebacks for 4 calls")
        line.promise(
            len(said) == traces == 4, f"{len(said)} lines, {traces} tracebacks: {said[:2]}"
        )
