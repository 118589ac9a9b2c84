"""A site's state at a moment, compared with counting minute by minute."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maintenance_windows.core.decision import Verdict, Visit, decide
from maintenance_windows.core.intervals import Span
from maintenance_windows.core.retry import retry_after
from maintenance_windows.core.state import Closure, Level, Maintenance, SiteState, Snapshot
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO

pytestmark = pytest.mark.any_database

DAY = 24  # minutes that a generated case lasts; small, so that spans meet often


def state(*closures: Closure) -> SiteState:
    return SiteState(site_id=1, domain="acme.example", closures=closures)


def moment(minute: int) -> datetime:
    return TWO + minute * MINUTE


@st.composite
def closures(draw) -> Closure:
    start = draw(st.integers(0, DAY - 1))
    end = draw(st.none() | st.integers(start + 1, DAY))
    return Closure(
        span=Span(moment(start), None if end is None else moment(end)),
        level=draw(st.sampled_from(Level)),
        window=None if end is None else draw(st.integers(1, 9)),
    )


def oracle(reasons: list[Closure], minute: int) -> tuple | None:
    """The start, the end and the level at a minute, by walking left and right."""

    def covering(at: int) -> list[Closure]:
        return [reason for reason in reasons if reason.span.covers(moment(at))]

    if not covering(minute):
        return None
    first = last = minute
    while covering(first - 1):
        first -= 1
    while last < DAY and covering(last):
        last += 1
    open_ended = bool(covering(DAY)) and last == DAY
    level = Level.FULL if any(r.level is Level.FULL for r in covering(minute)) else Level.READ_ONLY
    return moment(first), None if open_ended else moment(last), level


@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(st.lists(closures(), max_size=6), st.integers(0, DAY - 1))
def test_state_is_union_of_windows_and_holds(reasons, minute):
    maintenance = state(*reasons).at(moment(minute))
    seen = maintenance and (maintenance.since, maintenance.until, maintenance.level)
    assert seen == oracle(reasons, minute)


def test_message_comes_from_strictest_then_earliest_closure():
    span = Span(TWO, FOUR)
    soft = Closure(span=Span(TWO - HOUR, FOUR), level=Level.READ_ONLY, message="soft", window=1)
    silent = Closure(span=span, window=2)
    loud = Closure(span=span, message="loud", window=3)
    maintenance = state(soft, silent, loud).at(TWO)
    assert (maintenance.message, maintenance.window, maintenance.held) == ("loud", 1, False)
    assert state(soft, silent).at(TWO).message == "soft"


def test_held_distinguishes_holds_from_windows():
    hold = Closure(span=Span(TWO, None), message="held")
    window = Closure(span=Span(TWO, FOUR), window=7)
    assert state(hold).at(TWO) == Maintenance(
        since=TWO, until=None, level=Level.FULL, message="held", window=None, held=True
    )
    assert state(hold, window).at(TWO).window == 7


@pytest.mark.parametrize(
    ("until", "open_ended", "seconds"), [(FOUR, 300, 7200), (None, 300, 300), (None, None, None)]
)
def test_retry_after(until, open_ended, seconds):
    maintenance = state(Closure(span=Span(TWO, until))).at(TWO)
    assert retry_after(maintenance, TWO, open_ended) == seconds


def test_exemptions_apply_in_order_while_site_is_down():
    asked = []

    def exemption(name, answer):
        return lambda *_: asked.append(name) or answer

    exemptions = [exemption("first", False), exemption("second", True), exemption("third", True)]
    down = state(Closure(span=Span(TWO, FOUR)))
    visit = Visit(state=down, maintenance=down.at(TWO), now=TWO, methods=("POST",), path="/")
    assert decide(visit, urls=exemptions) is Verdict.EXEMPT
    assert asked == ["first", "second"]
    assert decide(visit) is Verdict.DOWN


def test_find_ignores_case():
    snapshot = Snapshot([SiteState(site_id=7, domain="Acme.Example")])
    assert snapshot.find("acme.example:8000", "acme.example") is snapshot.by_id[7]
    assert snapshot.find("globex.example", "globex.example") is None
