"""Each verb on a window sends one signal, after the commit."""

from collections.abc import Iterator

import pytest
from django.db import transaction

from maintenance_windows import signals
from maintenance_windows.core.state import Level
from maintenance_windows.exceptions import Refused
from maintenance_windows.planning import windows
from maintenance_windows.planning.sites import bring_up
from maintenance_windows.reconcile.tick import tick
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO

pytestmark = pytest.mark.usefixtures("beside_replica")

SIGNALS = {
    "scheduled": signals.window_scheduled,
    "changed": signals.window_changed,
    "cancelled": signals.window_cancelled,
}


@pytest.fixture
def heard() -> Iterator[list[tuple]]:
    """The signals sent: name, window, actor and changes."""
    said: list[tuple] = []
    receivers = []
    for name, signal in SIGNALS.items():

        def receiver(window, actor, name=name, changes=None, **_):
            said.append((name, window.pk, actor, changes))

        signal.connect(receiver, weak=False)
        receivers.append((signal, receiver))
    yield said
    for signal, receiver in receivers:
        signal.disconnect(receiver)


def test_each_verb_sends_signal(acme, plan, heard):
    clock = {"actor": "alice", "clock": lambda: TWO - MINUTE}
    pk = plan(acme, actor="bob").pk
    windows.extend(pk, by=HOUR, **clock)
    windows.revise(pk, title="new", level=Level.READ_ONLY, **clock)
    windows.start(pk, **clock)
    windows.end(pk, actor="alice", clock=lambda: TWO)
    other = plan(acme, FOUR, FOUR + HOUR, actor="bob").pk
    windows.cancel(other, **clock)
    assert heard == [
        ("scheduled", pk, "bob", None),
        ("changed", pk, "alice", {"ends_at": (FOUR, FOUR + HOUR)}),
        ("changed", pk, "alice", {"title": ("", "new"), "level": ("full", "read_only")}),
        ("changed", pk, "alice", {"started_at": (None, TWO - MINUTE)}),
        ("changed", pk, "alice", {"ended_at": (None, TWO)}),
        ("scheduled", other, "bob", None),
        ("cancelled", other, "alice", None),
    ]


def test_bring_up_sends_window_changed(acme, plan, heard):
    pk = plan(acme).pk
    tick(lambda: TWO)
    bring_up([acme], actor="alice", clock=lambda: TWO + MINUTE)
    assert heard[1:] == [("changed", pk, "alice", {"ended_at": (None, TWO + MINUTE)})]


def test_receiver_sees_new_state(acme, plan, client, at):
    window = plan(acme)
    at(TWO)
    seen = []

    def look(**_):
        seen.append(client.get("/", headers={"host": "acme.example"}).status_code)

    look()
    signals.window_changed.connect(look)
    windows.end(window.pk)
    signals.window_changed.disconnect(look)
    assert seen == [503, 200]


def test_ticks_send_no_window_signal(acme, plan, heard):
    plan(acme)
    tick(lambda: TWO)
    tick(lambda: FOUR)
    assert [name for name, *_ in heard] == ["scheduled"]


def test_refused_or_empty_changes_send_no_signal(acme, plan, heard):
    pk = plan(acme).pk
    heard.clear()
    with pytest.raises(Refused):
        windows.end(pk, clock=lambda: TWO - MINUTE)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        windows.extend(pk, by=HOUR, clock=lambda: TWO - MINUTE)
        raise ZeroDivisionError
    windows.revise(pk, title="", clock=lambda: TWO - MINUTE)
    assert heard == []


def test_each_verb_logs_one_line(acme, plan, caplog):
    caplog.set_level("INFO", "maintenance_windows")
    window = plan(acme, actor="bob")
    windows.extend(window.pk, by=HOUR, clock=lambda: TWO - MINUTE, actor="alice")
    windows.cancel(window.pk, clock=lambda: TWO - MINUTE)
    span = "acme.example: 2029-11-04 02:00 to 2029-11-04"
    assert [record.getMessage() for record in caplog.records] == [
        f"window {window.pk} scheduled by bob: {span} 04:00 UTC",
        f"window {window.pk} updated (ends_at) by alice: {span} 05:00 UTC",
        f"window {window.pk} cancelled by code: {span} 05:00 UTC",
    ]
