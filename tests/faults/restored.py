"""Windows around a restore, and what visitors and the record have of them."""

import json
import time
from collections.abc import Callable
from datetime import datetime

from tests.faults.flags import Recorded
from tests.faults.scheduler import sleep_until
from tests.faults.supervised import Supervised
from tests.faults.table import Line
from tests.faults.visitors import Visitors
from tests.faults.windows import CLOSED, Window, at, milliseconds, window

SITES = [f"s{n}.example" for n in range(5)]
HELD = SITES[4]
READY = 3.0  # seconds after the last window, so some more after the restore
# The tables that say which sites are down.
OURS = "(maintenance_windows_|django_site|django_migrations)"
RECORD = """
import json
from maintenance_windows.models import MaintenanceWindow, Transition
rows = MaintenanceWindow.objects.order_by("starts_at").values_list(
    "pk", "site__domain", "starts_at", "ends_at", "started_at", "ended_at")
changes = list(Transition.objects.values_list("window", "in_maintenance", "due_at", "done_at"))
print(json.dumps([[row, [c for c in changes if c[0] == row[0]]] for row in rows], default=str))
"""


def during(
    fleet: Supervised,
    line: Line,
    name: str,
    save: Callable[[], None],
    restore: Callable[[], None],
    length: float = 11,
) -> None:
    """Restore while one window runs, another ends and a third starts, and one site is held.

    The windows end on time also after it, and nothing is recorded twice or with other times.
    """
    fleet.call("maintenance", "on", HELD)
    origin = fleet.soon()
    planned = [window(0, 0, length, origin), window(2, 0, 4, origin), window(3, 5, 6, origin)]
    fleet.plan(*planned)
    sleep_until(at(-1, origin))
    with Visitors(fleet.port, SITES) as visitors:
        sleep_until(at(1.5, origin))
        save()
        sleep_until(at(2.5, origin))
        try:
            restore()
        except RuntimeError as error:
            line.promise(kept=False, sentence=f"{name}: {error}")
        took = at(0) - at(2.5, origin)
        sleep_until(at(1.5, planned[0].end))
    stays_closed(line, name, visitors)
    line.on_time(visitors.seen(planned), name)
    line.operator.append(f"{name}: took {milliseconds(took)}")
    try:
        fleet.ready(READY)
    except TimeoutError as error:
        line.promise(kept=False, sentence=f"{name}: after it {error}")
    right_record(fleet, line, name, planned)


def stays_closed(line: Line, name: str, visitors: Visitors) -> None:
    """Check the site that is held: a second after the first answer it is down, and stays so."""
    answers = visitors.answers.pop(HELD)
    wrong = [answer for answer in answers if answer.status != CLOSED]
    line.visitors.append(f"{name}, a held site: {len(answers)} answers, {len(wrong)} wrong")
    line.promise(
        answers and not wrong,
        f"{name}: {len(wrong)} of {len(answers)} of a held site: {[str(a) for a in wrong[:3]]}",
    )


def right_record(fleet: Supervised, line: Line, name: str, planned: list[Window]) -> None:
    """Check that each window has its own times, and set and cleared its flag at most once.

    A tick may record a status change in a table that the tool replaces right after it, and a window
    may pass before the database is whole: that is counted only.
    """
    time.sleep(0.5)
    rows = {row.window: row for row in record(fleet)}
    found = [rows.get(one) for one in planned]
    right = [
        row
        for row in found
        if row and row.with_its_own_times and max(len(row.set_at), len(row.cleared_at)) < 2
    ]
    whole = [row for row in right if row.set_at and row.cleared_at]
    line.flag.append(
        f"{name}: {len(right)} of {len(planned)} windows recorded as planned,"
        f" {len(whole)} with both status changes"
    )
    wrong = [row for row in found if row not in right]
    line.promise(not wrong, f"{name}: {len(wrong)} recorded otherwise: {wrong[:2]}")


def record(fleet: Supervised) -> list[Recorded]:
    """All windows as the models have them, on any database."""

    def time_of(text: str | None) -> datetime | None:
        return datetime.fromisoformat(text) if text else None

    found = []
    for (_, site, starts_at, ends_at, *actual), changes in json.loads(fleet.shell(RECORD)):
        one = Window(site, datetime.fromisoformat(starts_at), datetime.fromisoformat(ends_at))
        due = {True: one.start, False: one.end}
        found.append(
            Recorded(
                one,
                *map(time_of, actual),
                tuple(datetime.fromisoformat(done) for _, on, _, done in changes if on),
                tuple(datetime.fromisoformat(done) for _, on, _, done in changes if not on),
                all(time_of(when) == due[on] for _, on, when, _ in changes),
            )
        )
    return found
