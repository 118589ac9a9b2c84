"""What is asked each second in SQL of our own is what the models say."""

import pytest

from maintenance_windows.models import MaintenanceWindow, statements
from tests.helpers.times import FOUR, HOUR, TWO


@pytest.mark.parametrize(
    "fate",
    [
        {},
        {"started_at": TWO},
        {"started_at": TWO, "ended_at": FOUR},
        {"ended_at": FOUR},
        {"cancelled_at": TWO},
    ],
)
def test_the_same_windows_wait_and_run(acme, fate):
    window = MaintenanceWindow.objects.create(site=acme, starts_at=TWO, ends_at=FOUR + HOUR, **fate)
    windows = MaintenanceWindow.objects
    for condition, chosen in (
        (statements.WAITING, windows.waiting()),
        (statements.RUNNING, windows.running()),
    ):
        found = windows.extra(where=[condition])
        assert list(found) == list(chosen)
    assert (window in windows.waiting()) is (fate == {})
    assert (window in windows.running()) is (fate == {"started_at": TWO})
