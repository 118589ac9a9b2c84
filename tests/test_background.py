"""The thread pools beside the requests."""

from threading import Event

import pytest

from maintenance_windows.snapshot import threads
from maintenance_windows.snapshot.threads import Pool, Share

pytestmark = pytest.mark.any_database


@pytest.fixture
def stopped():
    """Calls that last until the test ends."""
    event = Event()
    yield event
    event.set()


def test_pool_skips_cancelled_calls(stopped):
    pool, asked = Pool(), []
    busy = [pool.submit(stopped.wait) for _ in range(threads.FEW)]
    unwanted = pool.submit(lambda: asked.append("unwanted"))
    assert unwanted.cancel()
    stopped.set()
    assert all(one.result(5) for one in busy)
    assert pool.submit(lambda: "wanted").result(5) == "wanted"
    assert asked == []


def test_hanging_share_does_not_delay_another(stopped):
    for _ in range(threads.MANY):
        threads.pool_of(Share.STATUS).submit(stopped.wait)
    with pytest.raises(TimeoutError):
        threads.call_with_timeout(lambda: "late", 0.05, Share.STATUS)
    assert threads.call_with_timeout(lambda: "at once", 5, Share.PROBES) == "at once"


def test_hanging_calls_add_no_threads(stopped):
    pool = Pool()
    started = [Event() for _ in range(threads.MANY)]
    for event in started:
        pool.submit(lambda event=event: event.set() or stopped.wait())
    assert sum(event.wait(0.2) for event in started) == threads.FEW


def test_busy_pool_adds_threads(stopped):
    """Calls queue and some finish: the database answers, and more may ask it at once."""
    pool = Pool()
    for _ in range(threads.FEW - 1):
        pool.submit(stopped.wait)
    pool.submit(lambda: None).result(5)
    waiting = [pool.submit(stopped.wait) for _ in range(threads.FEW + 1)]
    last = pool.submit(lambda: None)
    for _ in range(100):
        if last.done():
            break
        pool.submit(lambda: None)
        stopped.wait(0.02)
    started = sum(one.running() for one in waiting)
    assert threads.FEW < threads.FEW - 1 + started <= threads.MANY


def test_waiting_calls_with_the_same_key_share_one(stopped):
    pool, asked = Pool(), []
    for _ in range(threads.FEW):
        pool.submit(stopped.wait)
    waiting = [pool.submit(lambda: asked.append("once") or "answer", "key") for _ in range(50)]
    other = pool.submit(lambda: "other", "other key")
    stopped.set()
    assert {one.result(5) for one in waiting} == {"answer"}
    assert other.result(5) == "other"
    assert asked == ["once"]
    assert pool.submit(lambda: "fresh", "key").result(5) == "fresh"


def test_caller_waits_longer_while_others_finish():
    """One thread's worth of work queues: each call is quick, and the last one waits for all."""
    nap = Event()
    pool = threads.pool_of(Share.OTHERS)
    for _ in range(25 * threads.FEW):
        pool.submit(lambda: nap.wait(0.02))
    assert threads.call_with_timeout(lambda: "busy", 0.25, Share.OTHERS) == "busy"
