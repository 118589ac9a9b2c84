"""Random steps on two sites: each is applied to the app and to the oracle."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sites.models import Site
from hypothesis import strategies as st

from maintenance_windows.core.state import Level
from maintenance_windows.exceptions import Refused
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.planning import windows
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.reconcile.tick import tick
from tests.helpers.oracle import ACTOR, FULL, Plan, Window
from tests.helpers.times import HOUR, MINUTE, SECOND, TWO

MOMENT = SECOND / 1_000_000

# The minutes that pass before a step (or that the clock steps back), and the skew of its
# clock.
PASSES = st.sampled_from((0, 1, 0, 2, 1, 0, 3, 1, 0, 5, -1, 2, 0, 1, 9, -4, 1, 40))
SKEW = st.sampled_from((0, 0, 0, 0, -3, 2))
# Around now, and around the hour that a snapshot looks ahead.
AHEAD = st.sampled_from((0, 1, 2, 3, 4, 5, 8, -2, 60, 64, 68))
LENGTH = st.sampled_from((1, 2, 3, 5, 8, 13, 66, 0))
LEVEL = st.sampled_from(Level)
SITES = st.sampled_from(((0,), (1,), (0, 1)))
NUMBER = st.integers(0, 23)

# Stands for no window; the verbs refuse it like a completed one.
NO_WINDOW = Window(site=0, number=0, planned=0, end=0, level=FULL, over=True)

STEPS: list[st.SearchStrategy[tuple[str, dict[str, Any]]]] = []


def at(minute: int) -> datetime:
    return TWO + minute * MINUTE


def minutes(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - TWO) / MINUTE


def step(weight: int = 1, **arguments: st.SearchStrategy[Any]) -> Callable[[Any], Any]:
    """Register a method as a step of histories, with a relative weight."""

    def register(method: Any) -> Any:
        for _ in range(weight):
            name = st.just(method.__name__)
            STEPS.append(st.tuples(name, st.fixed_dictionaries(arguments)))
        return method

    return register


class Night:
    """`now` is the true time, and `clock` the time of the current step's host."""

    def __init__(self, sites: list[Site]) -> None:
        self.sites = sites
        self.plans = {site.pk: Plan() for site in sites}
        self.now = self.clock = self.latest = 0

    def pass_time(self, passes: int, skew: int = 0) -> None:
        self.now += passes
        self.clock = self.now + skew
        self.latest = max(self.latest, self.clock)

    @step()
    def wait(self) -> None:
        """Let time pass."""

    @step(4, sites=SITES, ahead=AHEAD, length=LENGTH, level=LEVEL)
    def schedule(self, sites, ahead, length, level):
        start, end = self.clock + ahead, self.clock + ahead + length
        made = self.ask(
            windows.schedule,
            [self.sites[n] for n in sites],
            starts_at=at(start),
            ends_at=at(end),
            level=level,
            start_now=True,
            allowed=end > max(start, self.clock),
        )
        self.add_windows(made or (), self.planned(start), end, level)

    @step(sites=SITES, length=LENGTH, level=LEVEL)
    def hold_until(self, sites, length, level):
        newest = max((w.number for plan in self.plans.values() for w in plan.windows), default=0)
        end = self.clock + length
        chosen = [self.sites[n] for n in sites]
        self.ask(take_down, chosen, until=at(end), level=level, allowed=length > 0)
        made = MaintenanceWindow.objects.filter(pk__gt=newest).order_by("pk")
        self.add_windows(made, self.clock, end, level)
        for site in chosen if length > 0 else ():
            with self.plans[site.pk].verb(self.clock):
                self.plans[site.pk].hold = None

    @step(sites=SITES, level=LEVEL)
    def hold(self, sites, level):
        chosen = [self.sites[n] for n in sites]
        self.ask(take_down, chosen, level=level, allowed=True)
        for site in chosen:
            with self.plans[site.pk].verb(self.clock):
                self.plans[site.pk].hold = level.value

    @step(sites=SITES)
    def switch_off(self, sites):
        chosen = [self.sites[n] for n in sites]
        ended = self.ask(bring_up, chosen, allowed=True)
        for site in chosen:
            plan = self.plans[site.pk]
            with plan.verb(self.clock):
                running = [window for window in plan.windows if window.covers(self.clock)]
                numbers = [window.pk for window in ended if window.site_id == site.pk]
                assert sorted(numbers) == sorted(window.number for window in running)
                plan.hold = None
                for window in running:
                    window.stop(self.clock)

    @step(2, number=NUMBER, ahead=st.none() | AHEAD, length=LENGTH)
    def move(self, number, ahead, length):
        """Move both ends, or the end alone to some minutes from now."""
        meant = Window.covers if ahead is None else Window.is_waiting
        window = self.choose(number, meant)
        start = window.planned if ahead is None else self.clock + ahead
        end = (self.clock if ahead is None else start) + length
        movable = window.is_waiting(self.clock) or (
            window.covers(self.clock) and start == window.planned
        )
        allowed = movable and end > max(start, self.clock)
        in_progress = window.covers(self.clock)
        times = {"starts_at": at(start), "ends_at": at(end)}
        if self.ask(windows.move, window.number, **times, start_now=True, allowed=allowed):
            start = start if in_progress else self.planned(start)
            with self.plans[window.site].verb(self.clock):
                window.start = window.start if window.begun else start
                window.planned, window.end = start, end

    @step(number=NUMBER, length=LENGTH)
    def extend(self, number, length):
        window = self.choose(number, Window.covers)
        allowed = not window.is_over(self.clock) and length > 0
        if self.ask(windows.extend, window.number, by=length * MINUTE, allowed=allowed):
            with self.plans[window.site].verb(self.clock):
                window.end += length

    @step(number=NUMBER, ahead=AHEAD)
    def extend_until(self, number, ahead):
        window = self.choose(number, Window.covers)
        end = self.clock + ahead
        allowed = not window.is_over(self.clock) and end > window.end
        if self.ask(windows.extend, window.number, until=at(end), allowed=allowed):
            with self.plans[window.site].verb(self.clock):
                window.end = end

    @step(number=NUMBER)
    def start(self, number):
        window = self.choose(number, Window.is_waiting)
        allowed = window.is_waiting(self.clock)
        if self.ask(windows.start, window.number, allowed=allowed):
            with self.plans[window.site].verb(self.clock):
                window.start = self.clock

    @step(number=NUMBER)
    def end(self, number):
        window = self.choose(number, Window.covers)
        if self.ask(windows.end, window.number, allowed=window.covers(self.clock)):
            with self.plans[window.site].verb(self.clock):
                window.stop(self.clock)

    @step(number=NUMBER)
    def cancel(self, number):
        window = self.choose(number, Window.is_waiting)
        allowed = window.is_waiting(self.clock)
        if self.ask(windows.cancel, window.number, allowed=allowed):
            with self.plans[window.site].verb(self.clock):
                window.over = True

    @step(3, late=st.sampled_from((0 * SECOND, SECOND / 2, MINUTE - MOMENT)), times=NUMBER)
    def ticks(self, late, times):
        """Tick at any time, sometimes twice."""
        for _ in range(1 if times % 4 else 2):
            self.tick(at(self.clock) + late, HOUR)

    @step(length=st.integers(1, 12))
    def punctual_ticks(self, length):
        """Tick like a worker, at each boundary that the last tick returned.

        Each outage then has one status change at its start and one at its end, on time.
        """
        stop = self.clock + length
        told = self.tick(at(self.clock), length * MINUTE)
        plans = self.plans.values()
        coming = [(plan, len(plan.rows), plan.changes(self.clock, stop)) for plan in plans]
        while told:
            told = self.tick(told, at(stop) - told)
        for plan, before, changes in coming:
            assert [(row.on, row.done) for row in plan.rows[before:]] == changes
        self.pass_time(length, stop - length - self.now)

    def tick(self, moment: datetime, horizon: timedelta = 0 * SECOND) -> datetime | None:
        """Tick once: the result is `moment` when something was due, else the next boundary."""
        minute = (moment - TWO) // MINUTE
        due = [plan.look(minute) for plan in self.plans.values()]
        boundaries = [plan.boundary(minute) for plan in self.plans.values()]
        times = [at(boundary) for boundary in boundaries if boundary is not None]
        soon = min((time for time in times if time <= moment + horizon), default=None)
        told = tick(lambda: moment, horizon)
        assert told == (moment if any(due) else soon)
        return told

    def ask(self, verb: Callable[..., Any], *args: Any, allowed: bool, **kwargs: Any) -> Any:
        """Call a verb and return its result; it must raise Refused exactly when not allowed."""
        try:
            answer = verb(*args, actor=ACTOR, clock=lambda: at(self.clock), **kwargs)
        except Refused:
            assert not allowed
            return None
        assert allowed
        return answer

    def planned(self, start: int) -> int:
        """Return the start of a window that was asked for: one long past is now."""
        return self.clock if self.clock - start > 1 else start

    def add_windows(
        self, windows: Iterable[MaintenanceWindow], start: int, end: int, level: Level
    ) -> None:
        for row in windows:
            plan = self.plans[row.site_id]
            with plan.verb(self.clock):
                plan.windows.append(Window(row.site_id, row.pk, start, end, level.value))

    def choose(self, number: int, meant: Callable[[Window, int], bool]) -> Window:
        """Choose a window, mostly one that suits the verb."""
        windows = [window for plan in self.plans.values() for window in plan.windows]
        fitting = [window for window in windows if meant(window, self.clock)]
        choice = (number % 8 < 7 and fitting) or windows or [NO_WINDOW]
        return choice[number % len(choice)]
