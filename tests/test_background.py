"""The thread pool beside the requests."""

from threading import Event

import pytest

from maintenance_windows.snapshot import threads

pytestmark = pytest.mark.any_database


def test_pool_skips_cancelled_calls():
    gone, asked = Event(), []
    busy = [threads.submit(gone.wait) for _ in range(threads.THREADS)]
    unwanted = threads.submit(lambda: asked.append("unwanted"))
    assert unwanted.cancel()
    gone.set()
    assert all(one.result(5) for one in busy)
    assert threads.submit(lambda: "wanted").result(5) == "wanted"
    assert asked == []
