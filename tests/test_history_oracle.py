"""Random histories of windows, recurring windows, freezes, ticks and clock steps, and an oracle.

One example is a night of two sites that share ticks and snapshots, each with a history of
about ten steps, each with its own clock. HISTORIES sets the number of examples.
"""

import math
import os
from datetime import datetime

import pytest
from django.contrib.sites.models import Site
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from maintenance_windows.core.decision import Verdict, Visit, as_met, decide
from maintenance_windows.core.retry import retry_after
from maintenance_windows.core.state import Level, Maintenance, SiteState
from maintenance_windows.models import MaintenanceWindow, SiteMaintenance, Transition
from maintenance_windows.snapshot.loader import load
from tests.helpers.oracle import (
    FULL,
    READ_ONLY,
    Levels,
    next_full,
    next_stricter,
    served_again,
)
from tests.helpers.oracle_night import MOMENT, PASSES, SKEW, STEPS, Night, at, minutes
from tests.helpers.times import HOUR, MINUTE, SECOND

pytestmark = pytest.mark.slow

HISTORIES = os.environ.get("HISTORIES")
HISTORY = st.lists(st.tuples(PASSES, SKEW, st.one_of(STEPS)), min_size=8, max_size=10)


def check_flags(night: Night) -> None:
    columns = ("pk", "in_maintenance", "until", "level")
    for pk, on, until, level in SiteMaintenance.objects.values_list(*columns):
        if pk in night.plans:
            assert (on, minutes(until), level) == night.plans[pk].flag


def check_visitors(night: Night) -> None:
    """Use one snapshot for the hour; look at each change and at the last moment before it."""
    snapshot = load(at(night.clock))
    for pk, plan in night.plans.items():
        state = snapshot.by_id.get(pk, SiteState(site_id=pk, domain=""))
        ahead = plan.ahead(night.clock)
        for n, level in enumerate(ahead[: HOUR // MINUTE + 1]):
            if n == 0 or ahead[n - 1] != level:
                check_moment(state, at(night.clock + n), ahead, n, night.clock)
            if ahead[n + 1 : n + 2] != [level]:
                check_moment(state, at(night.clock + n + 1) - MOMENT, ahead, n, night.clock)


def check_moment(state: SiteState, moment: datetime, ahead: Levels, n: int, clock: int) -> None:
    """Compare what a reader and a writer get in minute `n`, and what is announced to readers."""
    level, maintenance = ahead[n], state.at(moment)
    assert (maintenance and maintenance.level) == level
    for method, refused in (("GET", {FULL}), ("POST", {FULL, READ_ONLY})):
        if maintenance is None:
            break
        visit = Visit(state=state, maintenance=maintenance, now=moment, methods=(method,), path="/")
        assert (decide(visit) is Verdict.DOWN) is (level in refused)
        met = as_met(visit)
        # Who reads while the site is read-only is told when everything is served again.
        until = served_again(ahead, n, refused if level in refused else {FULL, READ_ONLY})
        assert minutes(met.until) == (None if until is None else clock + until)
        seconds = math.ceil((met.until - moment) / SECOND) if met.until else None
        assert retry_after(met, moment, None) == seconds
    check_announcement(maintenance and maintenance.stricter, next_full(ahead, n), ahead, clock)
    check_announcement(state.upcoming(moment), next_stricter(ahead, n), ahead, clock)


def check_announcement(
    announced: Maintenance | None, start: int | None, ahead: Levels, clock: int
) -> None:
    """Compare with the minute of the start. A snapshot need not know what starts after an hour."""
    if announced is None or start is None or start > HOUR // MINUTE:
        assert start is None or start > HOUR // MINUTE
        assert announced is None or announced.since > at(clock) + HOUR
        return
    assert minutes(announced.since) == clock + start
    assert announced.level == ahead[start]
    refused = {FULL} if ahead[start] == FULL else {FULL, READ_ONLY}
    until = served_again(ahead, start, refused)
    assert minutes(announced.until) == (None if until is None else clock + until)


def check_transitions(night: Night) -> None:
    columns = ("site", "in_maintenance", "due_at", "done_at", "actor", "window")
    told = list(Transition.objects.order_by("pk").values_list(*columns))
    for pk, plan in night.plans.items():
        windows = {window.number: window for window in plan.windows}
        of_site = [columns for site, *columns in told if site == pk]
        for row, (on, due_at, done_at, actor, number) in zip(plan.rows, of_site, strict=True):
            assert (on, minutes(due_at), minutes(done_at) // 1, actor) == row
            if not actor:
                window = windows[number]
                assert window.start <= row.done if on else window.end == row.due


def check_windows(night: Night) -> None:
    """Include windows whose start or end no tick saw."""
    windows = {window.number: window for plan in night.plans.values() for window in plan.windows}
    columns = ("pk", "started_at", "ended_at", "cancelled_at")
    for number, *times in MaintenanceWindow.objects.values_list(*columns):
        window = windows.pop(number)
        started, ended, cancelled = map(minutes, times)
        assert started == (window.start if window.begun else None)
        assert ended == (window.end if window.begun and window.over else None)
        assert (cancelled is not None) == (window.over and not window.begun)
    assert not windows


@pytest.mark.django_db
def test_any_history_matches_oracle():
    sites = [Site.objects.create(domain=f"{name}.example") for name in ("acme", "globex")]
    wanted, completed = int(HISTORIES or 200), 0

    @settings(
        max_examples=wanted,
        deadline=None,
        # CI repeats the same few examples; longer runs use a random seed.
        derandomize=settings().derandomize and not HISTORIES,
        phases=set(Phase) - {Phase.explain},  # it traces every line while shrinking
        suppress_health_check=list(HealthCheck),
    )
    @given(HISTORY)
    def check(history):
        nonlocal completed
        with transaction.atomic():
            night = Night(sites)
            night.schedule(sites=(0, 1), ahead=2, length=5, level=Level.FULL)
            night.repeat(sites=(0, 1), ahead=8, length=8, level=Level.READ_ONLY)
            for n, (passes, skew, (name, arguments)) in enumerate(history):
                night.pass_time(passes, skew)
                getattr(night, name)(**arguments)
                check_flags(night)
                if n % 4 == 3:
                    check_visitors(night)
            check_visitors(night)
            night.tick(at(night.latest + 1))
            check_flags(night)
            check_transitions(night)
            check_windows(night)
            transaction.set_rollback(True)
        completed += 1

    check()
    assert completed >= wanted
