"""Redis fails: killed, frozen, flushed, or not there when everything starts."""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta

from tests.faults.bench import Bench
from tests.faults.browser import WINDOWS, Browser, Page
from tests.faults.flags import Flags, recorded
from tests.faults.scheduler import sleep_until
from tests.faults.supervised import Supervised
from tests.faults.table import Line, fault
from tests.faults.visitors import Visitors
from tests.faults.windows import at, window

SITES = [f"s{n}.example" for n in range(2)]
COUNTED = 3.0  # seconds after the return in which ticks are counted
RESUMED = 1.5
LONGEST = 35.0  # Celery's own back-off ends at thirty
USUAL = 2.0  # seconds that a page of the admin may take


@contextmanager
def killed(bench: Bench) -> Iterator[None]:
    bench.redis.kill()
    yield
    bench.redis.start()


@contextmanager
def frozen(bench: Bench) -> Iterator[None]:
    with bench.redis.frozen():
        yield


@fault("Redis killed, and back after some seconds", seconds=60, full=120)
def redis_killed(bench: Bench, line: Line) -> None:
    outage(bench, line, killed, length=about(bench, 30 if bench.full else 5))


@fault("Redis frozen for some seconds", seconds=60, full=120)
def redis_frozen(bench: Bench, line: Line) -> None:
    outage(bench, line, frozen, length=about(bench, 30 if bench.full else 5))


def about(bench: Bench, seconds: float) -> float:
    """Vary the time of the fault, so that periodic reconnects do not hide it."""
    return seconds + random.Random(bench.seed).uniform(-1, 1)


def outage(
    bench: Bench, line: Line, broken: Callable[[Bench], AbstractContextManager[None]], length: float
) -> None:
    with bench.fleet() as fleet:
        fleet.start_all()
        browser = Browser(fleet.port)
        browser.log_in()
        usual = save(fleet, browser, site=7).seconds
        origin = fleet.soon()
        opens, closes = window(0, 2, length + 30, origin), window(1, -1, 3, origin)
        fleet.plan(opens, closes)
        with Visitors(fleet.port, SITES) as visitors, Flags(fleet) as flags:
            sleep_until(origin)
            with broken(bench):
                page = save(fleet, browser, site=6)
                sleep_until(at(length, origin))
            back = datetime.now(UTC)
            before = bench.redis.pushed()
            no_flood(line, bench, back, before)
            resumed(line, flags, back, s0=True, s1=False)
        line.on_time(visitors.seen([opens, closes]))
        saved(fleet, line, page, usual)


def no_flood(line: Line, bench: Bench, back: datetime, before: int) -> None:
    """Beat sends one message a second; a frozen Redis may add those in flight."""
    sleep_until(back + timedelta(seconds=COUNTED))
    ticks = bench.redis.pushed() - before
    line.flag.append(f"{ticks} ticks in the {COUNTED:.0f} s after it")
    line.promise(ticks <= COUNTED + 3, f"{ticks} ticks in the {COUNTED:.0f} s after the return")


def resumed(line: Line, flags: Flags, back: datetime, **turned: bool) -> None:
    """Check that the flags of these sites have changed since."""
    for site, on in turned.items():
        late = flags.waited(f"{site}.example", on=on, since=back, timeout=LONGEST)
        line.within(late, RESUMED, f"{'set' if on else 'cleared'} after its return")


def save(fleet: Supervised, browser: Browser, *, site: int) -> Page:
    """Schedule a window in the admin, an hour from now."""
    start = at(3600)
    domain = f"s{site}.example"
    ((number,),) = fleet.query(f"SELECT id FROM django_site WHERE domain = '{domain}'")
    return browser.submit(
        f"{WINDOWS}add/", sites=str(number),
        starts_at_0=f"{start:%Y-%m-%d}", starts_at_1=f"{start:%H:%M:%S}",
        ends_at_0=f"{start:%Y-%m-%d}", ends_at_1=f"{start + timedelta(seconds=30):%H:%M:%S}",
    )  # fmt: skip


def saved(fleet: Supervised, line: Line, page: Page, usual: float) -> None:
    planned = {one.window.site for one in recorded(fleet)}
    line.operator.append(f"saving a window took {page.seconds:.2f} s, before it {usual:.2f} s")
    line.promise(
        page.status == 302 and "s6.example" in planned,
        f"a window was not saved: {page.status} {page.body[-500:]}",
    )
    line.promise(
        page.seconds <= USUAL, f"saving a window took {page.seconds:.1f} s", noisy=page.seconds < 3
    )


@fault("Redis flushed", seconds=60)
def redis_flushed(bench: Bench, line: Line) -> None:
    with bench.fleet() as fleet:
        fleet.start_all()
        origin = fleet.soon()
        opens, closes = window(0, 0.1, 3, origin), window(1, -1, 1.1, origin)
        fleet.plan(opens, closes)
        with Visitors(fleet.port, SITES) as visitors, Flags(fleet) as flags:
            sleep_until(origin)
            bench.redis.flush()
            back, before = datetime.now(UTC), bench.redis.pushed()
            no_flood(line, bench, back, before)
            resumed(line, flags, back, s0=True, s1=False)
            sleep_until(opens.end + timedelta(seconds=1))
        line.on_time(visitors.seen([opens, closes]))


@fault("Redis absent at start", seconds=90)
def redis_absent(bench: Bench, line: Line) -> None:
    bench.redis.kill()
    with bench.fleet() as fleet:
        fleet.start_web()
        fleet.start_celery()
        started = datetime.now(UTC)
        origin = fleet.soon()
        opens = window(0, 2, 60, origin)
        fleet.plan(opens)
        browser = Browser(fleet.port)
        browser.log_in()
        with Visitors(fleet.port, SITES) as visitors, Flags(fleet) as flags:
            page = save(fleet, browser, site=6)
            # Longer than Celery's first back-offs of 2, 4 and 6 seconds.
            sleep_until(max(at(9, started), at(3, origin)))
            bench.redis.start()
            back = datetime.now(UTC)
            no_flood(line, bench, back, before=0)
            resumed(line, flags, back, s0=True)
        line.on_time(visitors.seen([opens]))
        saved(fleet, line, page, page.seconds)
        line.operator.append(f"{fleet.restarts} restarts")
        line.promise(fleet.restarts == 0, f"without Redis, {fleet.restarts} processes died")
