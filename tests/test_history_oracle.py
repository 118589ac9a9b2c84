"""Any history of windows, verbs, ticks and clock steps, against one that is worked out by hand.

The oracle keeps what was asked for and knows nothing of flags: a site is closed at a moment
when it is held or when a live window covers that moment.
"""

from dataclasses import dataclass
from datetime import datetime

import pytest
from conftest import MINUTE, TWO
from django.contrib.sites.models import Site
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from maintenance_windows import lifecycle, reconcile, store
from maintenance_windows.decision import retry_after
from maintenance_windows.models import MaintenanceWindow, SiteMaintenance, Transition
from maintenance_windows.rules import Refused
from maintenance_windows.snapshot import Level

MINUTES = st.integers(0, 12)
LEVELS = st.sampled_from(Level)


@dataclass
class Known:
    """What the oracle remembers of a window."""

    start: datetime
    end: datetime
    level: Level


class History(RuleBasedStateMachine):
    """One site for an hour or so, in steps of minutes."""

    site: Site

    @initialize()
    def begin(self) -> None:
        self.savepoint = transaction.savepoint()
        self.now = TWO
        self.windows: dict[int, Known] = {}
        self.hold: Level | None = None

    def teardown(self) -> None:
        transaction.savepoint_rollback(self.savepoint)

    def clock(self) -> datetime:
        return self.now

    @rule(minutes=st.integers(1, 6))
    def time_passes(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @rule()
    def tick(self) -> None:
        reconcile.tick(self.clock)

    @rule(ahead=st.integers(-3, 9), length=st.integers(1, 9), level=LEVELS)
    def schedule(self, ahead: int, length: int, level: Level) -> None:
        start = self.now + ahead * MINUTE
        end = start + length * MINUTE
        try:
            (window,) = lifecycle.schedule(
                [self.site], starts_at=start, ends_at=end, level=level, clock=self.clock
            )
        except Refused:
            assert end <= self.now
        else:
            self.windows[window.pk] = Known(start, end, level)

    def choose(self, number: int) -> int | None:
        return sorted(self.windows)[number % len(self.windows)] if self.windows else None

    @rule(number=MINUTES, length=st.integers(1, 9))
    def extend(self, number: int, length: int) -> None:
        if (pk := self.choose(number)) is None:
            return
        known = self.windows[pk]
        try:
            lifecycle.extend(pk, by=length * MINUTE, clock=self.clock)
        except Refused:
            assert known.end <= self.now
        else:
            assert known.end > self.now
            known.end += length * MINUTE

    @rule(number=MINUTES)
    def start(self, number: int) -> None:
        if (pk := self.choose(number)) is None:
            return
        known = self.windows[pk]
        try:
            lifecycle.start(pk, clock=self.clock)
        except Refused:
            assert known.start <= self.now
        else:
            known.start = self.now

    @rule(number=MINUTES)
    def end(self, number: int) -> None:
        if (pk := self.choose(number)) is None:
            return
        known = self.windows[pk]
        try:
            lifecycle.end(pk, clock=self.clock)
        except Refused:
            assert not known.start <= self.now < known.end
        else:
            known.end = self.now

    @rule(number=MINUTES)
    def cancel(self, number: int) -> None:
        if (pk := self.choose(number)) is None:
            return
        known = self.windows[pk]
        try:
            lifecycle.cancel(pk, clock=self.clock)
        except Refused:
            assert known.start <= self.now
        else:
            del self.windows[pk]

    @rule(level=LEVELS)
    def switch_on(self, level: Level) -> None:
        lifecycle.switch_on([self.site], level=level, clock=self.clock)
        self.hold = level

    @rule()
    def switch_off(self) -> None:
        ended = lifecycle.switch_off([self.site], clock=self.clock)
        running = {pk for pk, known in self.windows.items() if known.start <= self.now < known.end}
        assert {window.pk for window in ended} == running
        for pk in running:
            self.windows[pk].end = self.now
        self.hold = None

    def expected(self, moment: datetime) -> tuple[Level, datetime | None] | None:
        """How strictly the site is closed at a moment, and until when: minute by minute."""
        covering = [k.level for k in self.windows.values() if k.start <= moment < k.end]
        covering += [self.hold] if self.hold else []
        if not covering:
            return None
        level = Level.FULL if Level.FULL in covering else Level.READ_ONLY
        if self.hold:
            return level, None
        until = moment
        while any(k.start <= until < k.end for k in self.windows.values()):
            until += MINUTE
        return level, until

    @invariant()
    def visitors_see_what_was_asked_for(self) -> None:
        state = store.load(self.now).by_id.get(self.site.pk)
        for minutes in range(0, 12, 3):
            moment = self.now + minutes * MINUTE
            seen = state.at(moment) if state else None
            assert (seen and (seen.level, seen.until)) == self.expected(moment)
            if seen and seen.until:
                left = (seen.until - moment).total_seconds()
                assert retry_after(seen, moment, 300) == left

    @rule()
    def the_flag_agrees_after_a_tick(self) -> None:
        reconcile.tick(self.clock)
        flag = SiteMaintenance.objects.get(pk=self.site.pk)
        expected = self.expected(self.now)
        assert flag.in_maintenance is (expected is not None)
        assert flag.until == (expected[1] if expected else None)
        if expected and not self.hold:
            assert flag.level == expected[0]
        live = MaintenanceWindow.objects.running().filter(site=self.site)
        assert all(window.starts_at <= self.now or window.started_at for window in live)
        assert not live.filter(ends_at__lte=self.now).exists()

    @invariant()
    def transitions_alternate_and_are_never_early(self) -> None:
        rows = list(Transition.objects.filter(site=self.site).order_by("pk"))
        assert [row.in_maintenance for row in rows] == [n % 2 == 0 for n in range(len(rows))]
        assert all(row.due_at <= row.done_at <= self.now for row in rows)


@pytest.mark.django_db
def test_any_history_ends_as_the_oracle_says():
    History.site = Site.objects.create(domain="acme.example")
    assert connection.in_atomic_block

    class Case(History.TestCase):
        settings = settings(
            max_examples=150,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )

    Case().runTest()
