"""Wrong arguments of the Python functions: one sentence that names them, and nothing is written."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from maintenance_windows.models import MaintenanceWindow, SiteMaintenance, WindowSeries
from maintenance_windows.planning import series, sites, windows
from tests.helpers.times import FOUR, HOUR, TWO

pytestmark = pytest.mark.any_database

NAIVE = datetime(2029, 11, 4, 2)
NO_ZONE = "must have a time zone, and datetime.datetime(2029, 11, 4, 2, 0) has none"
NO_TIME = "must be a datetime with a time zone, not '2029-11-04T02:00'"
TEXT = "2029-11-04T02:00"
SITES = "sites must be a list of Site objects, not "


def template(**changes):
    fields = {"rule": "FREQ=DAILY", "starts_on": date(2029, 11, 5), "start_time": time(2)}
    return WindowSeries(**fields | {"zone": "UTC", "length": 2 * HOUR} | changes)


CALLS = {
    "schedule, naive start": (
        lambda site, _window: windows.schedule([site], starts_at=NAIVE, ends_at=FOUR),
        f"starts_at {NO_ZONE}",
    ),
    "schedule, text": (
        lambda site, _window: windows.schedule([site], starts_at=TWO, ends_at=TEXT),
        f"ends_at {NO_TIME}",
    ),
    "schedule, date": (
        lambda site, _window: windows.schedule([site], starts_at=date(2029, 11, 4), ends_at=FOUR),
        "starts_at must be a datetime with a time zone, not datetime.date(2029, 11, 4)",
    ),
    "schedule, one site": (
        lambda site, _window: windows.schedule(site, starts_at=TWO, ends_at=FOUR),
        f"{SITES}<Site: acme.example>",
    ),
    "schedule, level": (
        lambda site, _window: windows.schedule([site], starts_at=TWO, ends_at=FOUR, level="half"),
        "level must be 'full' or 'read_only', not 'half'",
    ),
    "revise": (
        lambda _site, window: windows.revise(window.pk, ends_at=TEXT),
        f"ends_at {NO_TIME}",
    ),
    "revise, level": (
        lambda _site, window: windows.revise(window.pk, level=None),
        "level must be 'full' or 'read_only', not None",
    ),
    "move": (
        lambda _site, window: windows.move(window.pk, starts_at=TWO, ends_at=None),
        "ends_at must be a datetime with a time zone, not None",
    ),
    "extend": (
        lambda _site, window: windows.extend(window.pk, until=NAIVE + timedelta(days=1)),
        "until must have a time zone",
    ),
    "extend, minutes": (
        lambda _site, window: windows.extend(window.pk, by=30),
        "by must be a timedelta, not 30",
    ),
    "extend by nothing": (
        lambda _site, window: windows.extend(window.pk),
        "until must be a datetime with a time zone, not None",
    ),
    "take down": (
        lambda site, _window: sites.take_down([site], until=TEXT),
        f"until {NO_TIME}",
    ),
    "take down, domain": (
        lambda _site, _window: sites.take_down("acme.example"),
        f"{SITES}'acme.example'",
    ),
    "take down, level": (
        lambda site, _window: sites.take_down([site], level="down"),
        "level must be 'full' or 'read_only', not 'down'",
    ),
    "bring up, ids": (lambda site, _window: sites.bring_up([site.pk]), SITES),
    "extend site": (
        lambda site, _window: sites.extend(site, by="30m", seen=""),
        "by must be a timedelta, not '30m'",
    ),
    "extend, domain": (
        lambda _site, _window: sites.extend("acme.example", by=HOUR),
        "site must be a Site, not 'acme.example'",
    ),
    "repeat, date": (
        lambda site, _window: series.repeat([site], template(starts_on="2029-11-05")),
        "starts_on must be a date, not '2029-11-05'",
    ),
    "repeat, time": (
        lambda site, _window: series.repeat([site], template(start_time="02:00")),
        "start_time must be a time, not '02:00'",
    ),
    "repeat, length": (
        lambda site, _window: series.repeat([site], template(length=7200)),
        "length must be a timedelta, not 7200",
    ),
    "repeat, one site": (lambda site, _window: series.repeat(site, template()), SITES),
}


@pytest.mark.parametrize("call", CALLS)
def test_wrong_argument_is_named_and_nothing_written(acme, plan, at, call):
    window = plan(acme)
    at(TWO - HOUR)

    def facts() -> list[object]:
        models = (MaintenanceWindow, SiteMaintenance, WindowSeries)
        return [list(model.objects.order_by("pk").values()) for model in models]

    before = facts()
    function, sentence = CALLS[call]
    with pytest.raises(TypeError) as caught:
        function(acme, window)
    assert str(caught.value).startswith(sentence)
    assert str(caught.value).endswith(".")
    assert facts() == before


def test_levels_may_be_texts_and_sites_any_iterable(acme, at):
    at(TWO - HOUR)
    (window,) = windows.schedule(
        (site for site in [acme]), starts_at=TWO, ends_at=FOUR.astimezone(UTC), level="read_only"
    )
    assert windows.revise(window.pk, level="full").level == "full"
