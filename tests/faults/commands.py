"""Commands, and cron's tick, by a host whose clock is a day off."""

import time

from tests.faults.bench import Bench
from tests.faults.clock import DOWN, HELD, UP, not_used_up, plan_ahead, said_once
from tests.faults.faketime import DAY, Clock, missing
from tests.faults.flags import Flags, recorded
from tests.faults.scheduler import sleep_until
from tests.faults.supervised import Supervised
from tests.faults.table import Line, fault
from tests.faults.visitors import Visitors
from tests.faults.windows import at

TONIGHT = {"behind": 4 * 3600.0, "ahead": 6 * 3600.0}  # seconds
LONG = "10m", 600.0


@fault("commands by a host whose clock is a day behind, a day ahead", seconds=150)
def command_clock(bench: Bench, line: Line) -> None:
    """`tick`, `on`, `schedule`, `off` and `status`, without any other scheduler."""
    if missing(line):
        return
    with bench.fleet() as fleet:
        clock = Clock(fleet, -DAY)
        fleet.start_web()
        stays = plan_ahead(fleet)
        with Visitors(fleet.port, [HELD, UP]) as visitors, Flags(fleet) as flags:
            sleep_until(at(0.2, stays[0].start))
            for name, offset in (("behind", -DAY), ("ahead", DAY)):
                clock.move(offset)
                commanded(fleet, line, name, clock)
            time.sleep(1)
        line.on_time(visitors.seen(stays))
        line.promise(flags.changed(HELD, on=True, since=stays[0].start), "no tick set the flag")
        early = [text for text in flags.early(stays) if not text.startswith(DOWN)]
        line.promise(not early, f"flags seen to change before their time: {early}")
        not_used_up(fleet, line)


def commanded(fleet: Supervised, line: Line, name: str, clock: Clock) -> None:
    """Check what each command does and says."""
    said = {}

    def run(*arguments: str) -> str:
        done = fleet.command("maintenance", *arguments, **clock.env)
        line.promise(done.returncode == 0, f"{name}: {arguments} refused: {done.stderr[-300:]}")
        said[arguments[0]] = done.stderr.splitlines()
        return done.stdout

    run("tick")
    began = at(0)
    run("on", DOWN, f"--for={LONG[0]}")
    taken = at(0)
    with Visitors(fleet.port, [DOWN]) as visitors:
        time.sleep(0.6)
    made = [row.window for row in recorded(fleet) if row.window.site == DOWN]
    right = [one for one in made if at(-1, began) <= at(-LONG[1], one.end) <= at(1, taken)]
    line.promise(right, f"{name}: `on --for={LONG[0]}` at {taken} made {made}")
    line.on_time(visitors.seen(right), f"{name}, after `on`")
    starts = at(TONIGHT[name]).replace(microsecond=0)
    text = run("schedule", "s6.example", f"--start={starts.isoformat()}", "--for=30m", "--json")
    line.promise(f"{starts:%Y-%m-%dT%H:%M:%SZ}" in text, f"{name}: another window: {text[:200]}")
    run("off", DOWN)
    shown = run("status") + "".join(said.pop("status"))
    line.promise("clock" in shown.lower(), f"{name}: status shows nothing of the clock")
    for verb, lines in said.items():
        said_once(line, f"{name}, {verb}", lines, processes=1)
