"""Random kills and freezes of the scheduler's processes and services, for minutes."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from statistics import median

from project.probe import RIGHT
from tests.faults.bench import Bench
from tests.faults.flags import Flags, Recorded, recorded
from tests.faults.scheduler import sleep_until
from tests.faults.services import send
from tests.faults.supervised import Supervised
from tests.faults.table import Line, fault
from tests.faults.visitors import Visitors
from tests.faults.windows import SECOND, Window, at, milliseconds, window

SITES = [f"s{n}.example" for n in range(6)]
LATEST = 5 * SECOND
Hurt = Callable[[Bench, Supervised, random.Random], None]


def kill_worker(bench: Bench, fleet: Supervised, dice: random.Random) -> None:
    fleet.kill("worker0")


def kill_child(bench: Bench, fleet: Supervised, dice: random.Random) -> None:
    if pool := fleet.children("worker0"):
        send([dice.choice(pool)], signal.SIGKILL)


def kill_beat(bench: Bench, fleet: Supervised, dice: random.Random) -> None:
    fleet.kill("beat0")


def kill_redis(bench: Bench, fleet: Supervised, dice: random.Random) -> None:
    bench.redis.kill()
    time.sleep(dice.uniform(0.5, 2))
    bench.redis.start()


def freeze_redis(bench: Bench, fleet: Supervised, dice: random.Random) -> None:
    with bench.redis.frozen():
        time.sleep(dice.uniform(0.5, 2))


def kill_embedded(bench: Bench, fleet: Supervised, dice: random.Random) -> None:
    fleet.kill("worker")


APART: Mapping[str, Hurt] = {
    "worker": kill_worker,
    "pool child": kill_child,
    "beat": kill_beat,
    "Redis killed": kill_redis,
    "Redis frozen": freeze_redis,
}


@fault(
    "kill -9 of worker, pool child and beat at random, Redis killed and frozen",
    seconds=150,
    full=420,
)
def chaos(bench: Bench, line: Line) -> None:
    with bench.fleet() as fleet:
        fleet.start_all()
        hurt(bench, line, fleet, APART, lasts=300 if bench.full else 54)


@fault("kill -9 of `python -m worker`, again and again", seconds=90, full=180, is_quiet=True)
def chaos_embedded(bench: Bench, line: Line) -> None:
    with bench.fleet() as fleet:
        fleet.start_web()
        fleet.start_embedded()
        fleet.wait()
        hurt(bench, line, fleet, {"worker": kill_embedded}, lasts=90 if bench.full else 18)


def hurt(
    bench: Bench, line: Line, fleet: Supervised, ways: Mapping[str, Hurt], *, lasts: int
) -> None:
    dice = random.Random(bench.seed)
    line.notes.append(f"seed {bench.seed}")
    origin = at(1, fleet.soon())
    long, short = timetable(lasts, origin)
    fleet.plan(*long, *short)
    stop = max(planned.end for planned in long + short)
    done: Counter[str] = Counter()
    deck, name = list[str](), ""
    with Visitors(fleet.port, SITES, every=0.08) as visitors, Flags(fleet) as flags:
        sleep_until(origin)
        while datetime.now(UTC) < stop - 4 * SECOND:
            # Each comes up, in any order, and none twice running: it is still starting.
            while not deck or deck[-1] == name != deck[0]:
                deck = dice.sample([*ways], len(ways))
            name = deck.pop()
            ways[name](bench, fleet, dice)
            done[name] += 1
            time.sleep(dice.uniform(4, 7))
        sleep_until(stop + LATEST)
    line.on_time(visitors.seen([*long, *short]))
    faults = ", ".join(f"{count} {name}" for name, count in done.items())
    more = fleet.restarts - done["worker"] - done["beat"]
    line.operator.append(f"{done.total()} faults: {faults}; {more} programs died of something else")
    account(line, recorded(fleet, long), recorded(fleet, short))
    early = flags.early([*long, *short])
    line.promise(not early, f"flags seen to change before their time: {early}")


def timetable(lasts: int, origin: datetime) -> tuple[list[Window], list[Window]]:
    """Long windows, which must set the flag, and short ones that one fault may hide."""
    long = [window(n, n * 2.2 + k * 9, 6.5, origin) for n in range(4) for k in range(lasts // 9)]
    short = [
        window(n, (n - 4) * 2.4 + k * 5, 2.5, origin) for n in (4, 5) for k in range(lasts // 5)
    ]
    return long, short


def account(line: Line, long: list[Recorded], short: list[Recorded]) -> None:
    """Check that each status change occurs once, not early and at most five seconds late."""
    missed = [row for row in short if row.missed]
    seen = long + [row for row in short if not row.missed]
    late = sorted(moment for row in seen for moment in row.lateness())
    lost = [row for row in seen if not row.set_at or not row.cleared_at]
    twice = [row for row in seen if len(row.set_at) > 1 or len(row.cleared_at) > 1]
    strange = [row for row in long + short if not row.with_its_own_times]
    line.promise(not lost, f"not applied: {lost[:3]}")
    line.promise(not twice, f"applied twice: {twice[:3]}")
    line.promise(not strange, f"not recorded with their own times: {strange[:3]}")
    if not late:
        line.flag.append("no transition at all")
        return
    line.flag.append(
        f"{len(late)} transitions of {len(long) + len(short)} windows,"
        f" {len(missed)} windows passed unseen; late: median {milliseconds(median(late))},"
        f" most {milliseconds(late[-1])}"
    )
    line.promise(late[0] >= RIGHT, f"{milliseconds(-late[0])} early")
    line.promise(late[-1] <= LATEST, f"{milliseconds(late[-1])} late", noisy=late[-1] < 2 * LATEST)
