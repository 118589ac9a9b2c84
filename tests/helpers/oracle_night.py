"""Random steps on two sites: each is applied to the app and to the oracle."""

from collections.abc import Callable, Iterable
from copy import copy
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sites.models import Site
from hypothesis import strategies as st

from maintenance_windows.core.state import Level
from maintenance_windows.exceptions import Refused
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.planning import freezes, windows
from maintenance_windows.planning import series as series_verbs
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.reconcile.tick import tick
from tests.helpers.oracle import ACTOR, FULL, Freeze, Plan, Series, Window
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
NO_SERIES = Series(site=0, number=0, planned=0, end=0, level=FULL)
NO_FREEZE = Freeze(number=0, sites=(), start=0, end=0, ended=0)
RULE = {"rule": "FREQ=DAILY;INTERVAL=100", "zone": "UTC"}  # only one of them is tonight

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
        self.series: list[Series] = []
        self.freezes: list[Freeze] = []
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
            allowed=end > max(start, self.clock)
            and not any(self.frozen(self.sites[n].pk, start, end) for n in sites),
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
        allowed = allowed and (in_progress or not self.frozen_anew(window, start, end))
        times = {"starts_at": at(start), "ends_at": at(end)}
        if self.ask(windows.move, window.number, **times, start_now=True, allowed=allowed):
            start = start if in_progress else self.planned(start)
            with self.plans[window.site].verb(self.clock):
                window.start = window.start if window.begun else start
                window.moved |= (start, end) != (window.planned, window.end)
                window.planned, window.end = start, end

    @step(number=NUMBER, length=LENGTH)
    def extend(self, number, length):
        window = self.choose(number, Window.covers)
        allowed = not window.is_over(self.clock) and length > 0
        allowed = allowed and not self.frozen_more(window, window.end + length)
        if self.ask(windows.extend, window.number, by=length * MINUTE, allowed=allowed):
            with self.plans[window.site].verb(self.clock):
                window.end += length
                window.moved = True

    @step(number=NUMBER, ahead=AHEAD)
    def extend_until(self, number, ahead):
        window = self.choose(number, Window.covers)
        end = self.clock + ahead
        allowed = not window.is_over(self.clock) and end > window.end
        allowed = allowed and not self.frozen_more(window, end)
        if self.ask(windows.extend, window.number, until=at(end), allowed=allowed):
            with self.plans[window.site].verb(self.clock):
                window.end = end
                window.moved = True

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
                window.cancel(by_hand=True)

    @step(2, number=NUMBER)
    def restore(self, number):
        window = self.choose(number, lambda window, _: window.cancelled)
        series = window.series
        if window.cancelled and series and series.skipped:
            self.return_to(series, series_verbs.restore, window.number)
            return
        allowed = window.cancelled and window.end > self.clock
        allowed = allowed and not self.frozen(window.site, window.planned, window.end)
        if self.ask(series_verbs.restore, window.number, allowed=allowed):
            with self.plans[window.site].verb(self.clock):
                self.restored(window)
                if series:
                    self.follow(series)

    @step(3, sites=SITES, ahead=st.sampled_from((1, 2, 3, 5, 8, 60)), length=LENGTH, level=LEVEL)
    def repeat(self, sites, ahead, length, level):
        start, end = at(self.clock + ahead), self.clock + ahead + length
        template = WindowSeries(
            starts_on=start.date(),
            start_time=start.time(),
            length=length * MINUTE,
            level=level,
            **RULE,
        )
        chosen = [self.sites[n] for n in sites]
        made = self.ask(series_verbs.repeat, chosen, template, allowed=length > 0)
        for outcome in made or ():
            row = outcome.series
            new = Series(row.site_id, row.pk, self.clock + ahead, end, level.value)
            self.series.append(new)
            with self.plans[row.site_id].verb(self.clock):
                self.follow(new)

    @step(2, number=NUMBER)
    def skip(self, number):
        series = self.choose_series(number, skipped=False)
        window = series.window
        waits = window.is_waiting(self.clock) if window else series.end > self.clock
        day = at(series.planned).date()
        allowed = series is not NO_SERIES and not series.skipped and waits
        if self.ask(series_verbs.skip, series.number, day, allowed=allowed):
            with self.plans[series.site].verb(self.clock):
                if window and window.moved:
                    window.cancel(by_hand=True)
                series.skipped = True
                self.follow(series)

    @step(2, number=NUMBER)
    def unskip(self, number):
        series = self.choose_series(number, skipped=True)
        self.return_to(series, series_verbs.unskip, series.number, at(series.planned).date())

    def return_to(self, series: Series, verb: Callable[..., Any], *arguments: Any) -> None:
        """Unskip: what would happen is tried on copies, because it may be refused."""
        tried = copy(series)
        tried.window = copy(series.window)
        if self.ask(verb, *arguments, allowed=series is not NO_SERIES and self.back(tried)):
            with self.plans[series.site].verb(self.clock):
                self.back(series)

    def back(self, series: Series) -> bool:
        """Have the occurrence of a series take place again; return whether that is allowed."""
        window, was_skipped = series.window, series.skipped
        span = series.site, series.planned, series.end
        unmade = window is None and series.end > self.clock and self.met(*span)
        cancelled = window is not None and window.cancelled
        if not (was_skipped or cancelled or unmade):
            return False
        if window and cancelled and (not was_skipped or window.by_hand):
            if window.end <= self.clock or self.frozen(window.site, window.planned, window.end):
                return False
            self.restored(window)
        series.skipped = False
        self.follow(series, late=self.clock)
        if unmade:
            if self.frozen(*span):
                return False
            self.found(series)
        elif window and window.cancelled and window.end > self.clock:
            if self.frozen(window.site, window.planned, window.end):
                return False
            self.restored(window)
        return True

    def restored(self, window: Window) -> None:
        window.moved |= window.series is not None and not window.by_hand
        window.restore()

    @step(2, sites=SITES, ahead=AHEAD, length=LENGTH)
    def freeze(self, sites, ahead, length):
        start, end = self.clock + ahead, self.clock + ahead + length
        chosen = [self.sites[n] for n in sites]
        times = {"starts_at": at(start), "ends_at": at(end), "reason": "Sale"}
        allowed = length > 0 and end > self.clock
        if made := self.ask(freezes.freeze, chosen, **times, allowed=allowed):
            ids = tuple(site.pk for site in chosen)
            self.freezes.append(Freeze(made.freeze.pk, ids, start, end))
            self.materialise(ids)

    @step(2, number=NUMBER)
    def unfreeze(self, number):
        live = [freeze for freeze in self.freezes if freeze.end > self.clock]
        choice = (number % 8 < 7 and live) or self.freezes or [NO_FREEZE]
        freeze = choice[number % len(choice)]
        allowed = freeze.ended is None and freeze.end > self.clock
        if self.ask(freezes.unfreeze, freeze.number, allowed=allowed):
            freeze.ended = self.clock
            self.materialise(freeze.sites)

    def materialise(self, sites: Iterable[int]) -> None:
        """Let the series of these sites follow; a site whose windows stay is not looked at."""
        for site in sites:
            due = [one for one in self.series if one.site == site and self.would_change(one)]
            if due:
                with self.plans[site].verb(self.clock, ""):
                    for one in due:
                        self.follow(one)

    def would_change(self, series: Series) -> bool:
        tried = copy(series)
        tried.window = copy(series.window)
        frozen = self.met(series.site, series.planned, series.end)
        if tried.follow(self.clock, frozen, series.planned):
            return True
        return bool(series.window and tried.window.cancelled != series.window.cancelled)

    def follow(self, series: Series, late: int | None = None) -> None:
        frozen = self.met(series.site, series.planned, series.end)
        late = series.planned if late is None else late
        if series.follow(self.clock, frozen, late):
            self.found(series, late)

    def found(self, series: Series, late: int | None = None) -> None:
        """Take over the new window of a series, which the app has made by now."""
        row = MaintenanceWindow.objects.filter(series=series.number).first()
        number = row.pk if row else 0
        window = Window(series.site, number, series.planned, series.end, series.level)
        if late is not None and self.clock - series.planned > 1:
            window.planned = window.start = late
        series.window, window.series = window, series
        plan = self.plans[series.site]
        if row and all(one.number != number for one in plan.windows):
            plan.windows.append(window)

    def met(self, site: int, start: int, end: int) -> bool:
        return any(freeze.meets(site, start, end) for freeze in self.freezes)

    def frozen(self, site: int, start: int, end: int) -> bool:
        """Whether what is left of a time meets a freeze."""
        return self.met(site, max(start, self.clock), end)

    def frozen_anew(self, window: Window, start: int, end: int) -> bool:
        """Whether times that the window has not had so far meet a freeze."""
        minutes = range(max(start, self.clock), end)
        new = (minute for minute in minutes if not window.start <= minute < window.end)
        return any(self.met(window.site, minute, minute + 1) for minute in new)

    def frozen_more(self, window: Window, end: int) -> bool:
        return window.is_waiting(self.clock) and self.frozen(window.site, window.end, end)

    def choose_series(self, number: int, *, skipped: bool) -> Series:
        """Choose a series, mostly one that is skipped or not."""
        fitting = [one for one in self.series if one.skipped is skipped]
        choice = (number % 8 < 7 and fitting) or self.series or [NO_SERIES]
        return choice[number % len(choice)]

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
