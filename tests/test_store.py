"""One snapshot a process: whichever thread, event loop or child asks for it."""

import asyncio
import os
import time
from threading import Thread
from threading import enumerate as threads

import pytest
from conftest import TWO
from django.db import connections

from maintenance_windows import lifecycle, store


def readers() -> int:
    return sum(thread.name == "maintenance-windows" for thread in threads())


def test_many_threads_and_event_loops_share_one_reader(acme, plan, at):
    plan(acme)
    at(TWO)
    seen: list[int] = []

    def by_thread() -> None:
        seen.append(len(store.current().by_id))

    def by_event_loop() -> None:
        seen.append(len(asyncio.run(store.acurrent()).by_id))

    askers = [Thread(target=by_thread) for _ in range(10)]
    askers += [Thread(target=by_event_loop) for _ in range(10)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert seen == [1] * 20
    assert readers() == 1


def test_starting_over_leaves_no_thread(acme):
    for _ in range(5):
        store.current()
        store.forget()
    assert readers() == 0


def test_overridden_settings_count_at_once(acme, at, settings):
    assert not store.current()
    settings.MAINTENANCE_FORCE = "on"
    assert store.current()
    settings.MAINTENANCE_FORCE = None
    assert not store.current()
    assert readers() == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_reads_for_itself(acme):
    assert not store.current()
    connections.close_all()
    time.sleep(0.3)  # what the reader's thread locks while it reads would stay locked in the child
    if (child := os.fork()) == 0:
        deadline = time.monotonic() + 10
        while not store.current() and time.monotonic() < deadline:
            time.sleep(0.02)
        os._exit(0 if store.current() else 1)
    lifecycle.switch_on([acme])
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.current()
