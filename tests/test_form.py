"""One form for one window and for recurring ones: what it says is what saving then does."""

import re
from datetime import UTC, date, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.sites.models import Site
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maintenance_windows.core.intervals import rfc3339
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.planning import freezes
from tests.helpers.pages import Filled, errors, messages
from tests.helpers.times import HOUR, TWO
from tests.test_admin_schedule import ADD, NO_END, preview, schedule_form

pytestmark = pytest.mark.any_database

SERIES_ADD = reverse("admin:maintenance_windows_windowseries_add")
NUMBERS = count()


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"repeats": "daily"}, "FREQ=DAILY"),
        ({"repeats": "weekly", "until": "2030-01-31"}, "FREQ=WEEKLY;BYDAY=SU;UNTIL=20300131"),
        ({"repeats": "nth"}, "FREQ=MONTHLY;BYDAY=1SU"),
        ({"repeats": "last"}, "FREQ=MONTHLY;BYDAY=-1SU"),
        ({"repeats": "custom", "unit": "MONTHLY", "every": "2"}, "FREQ=MONTHLY;INTERVAL=2"),
        ({"repeats": "custom", "unit": "rule", "rule": "FREQ=YEARLY"}, "FREQ=YEARLY"),
    ],
)
def test_repeats_for_several_sites(acme, globex, browser, fields, rule):
    form = schedule_form(acme, globex, title="T", excluded="2029-11-11", **fields)
    said = messages(browser.post(ADD, form, follow=True))
    assert said.count("windows created") + said.count("window created") == 2
    begun = WindowSeries.objects.order_by("site__domain")
    assert [series.site for series in begun] == [acme, globex]
    assert {(one.rule, one.zone, one.title, one.created_by) for one in begun} == {
        (rule, "UTC", "T", "alice")
    }
    assert {(one.length, one.by_clock) for one in begun} == {(2 * HOUR, True)}
    assert {tuple(one.excluded) for one in begun} == {("2029-11-11",)}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"weekdays": ["MO"]}, "choose “custom…”"),
        ({"repeats": "daily", "rule": "FREQ=DAILY"}, "choose “custom…”"),
        ({"excluded": "2029-11-11"}, "Choose how the window repeats."),
        ({"repeats": "daily", "override": "must"}, "skips dates that are in a freeze"),
        ({"repeats": "daily", "ends_at_0": "2029-11-03"}, "The end must be after the start."),
        ({"repeats": "daily", "until": "2029-11-01"}, "no future windows"),
    ],
)
def test_what_would_be_left_out_is_refused(acme, browser, fields, sentence):
    response = browser.post(ADD, schedule_form(acme) | fields)
    assert sentence in errors(response)
    assert not WindowSeries.objects.exists()
    assert not MaintenanceWindow.objects.exists()


def test_repeats_needs_permission_for_recurring_windows(acme, browser):
    bob = User.objects.create_user("bob", is_staff=True)
    bob.user_permissions.add(Permission.objects.get(codename="add_maintenancewindow"))
    client = Client()
    client.force_login(bob)
    assert 'name="repeats"' not in client.get(ADD).text
    client.post(ADD, schedule_form(acme, repeats="daily"))
    assert not WindowSeries.objects.exists()
    assert MaintenanceWindow.objects.count() == 1


def test_old_address_leads_to_the_one_form(browser):
    response = browser.get(f"{SERIES_ADD}?sites=3", follow=True)
    assert response.redirect_chain == [(f"{ADD}?sites=3&repeats=weekly", 302)]
    assert Filled(response.text).fields["repeats"] == "weekly"


@pytest.mark.parametrize(
    ("day", "label", "start"),
    [
        ("2030-10-27", "02:30 CEST (first)", datetime(2030, 10, 27, 0, 30, tzinfo=UTC)),
        ("2030-10-27", "02:30 CET (second)", datetime(2030, 10, 27, 1, 30, tzinfo=UTC)),
        ("2030-03-31", "01:30 CET", datetime(2030, 3, 31, 0, 30, tzinfo=UTC)),
        ("2030-03-31", "03:30 CEST", datetime(2030, 3, 31, 1, 30, tzinfo=UTC)),
    ],
)
def test_both_readings_of_an_hour_can_be_chosen(acme, browser, day, label, start):
    form = schedule_form(acme, zone="Europe/Berlin", length="1h", **NO_END)
    form |= {"starts_at_0": day, "starts_at_1": "02:30"}
    response = browser.post(ADD, form)
    assert "because of DST" in errors(response)
    (value,) = re.findall(rf'name="starts_at_2" value="([^"]+)"> {re.escape(label)}', response.text)
    browser.post(ADD, form | {"starts_at_2": value})
    assert MaintenanceWindow.objects.get().starts_at == start


def test_reading_of_another_time_does_not_count(acme, browser):
    form = schedule_form(acme, zone="Europe/Berlin", length="1h", **NO_END)
    form |= {"starts_at_0": "2030-10-27", "starts_at_1": "02:30"}
    form["starts_at_2"] = "2030-10-27T02:15:00+02:00"
    assert "occurs twice" in errors(browser.post(ADD, form))


def test_nothing_is_said_of_what_nobody_has_filled_in(acme, browser):
    said = preview(browser, {"zone": "UTC", "length": ""})
    assert "errorlist" not in said
    said = preview(browser, schedule_form(acme, length="2x", _typing="length", **NO_END))
    assert "errorlist" not in said
    assert "Invalid duration" in preview(browser, schedule_form(acme, length="2x", **NO_END))


def shown_times(said: str) -> list[tuple[str, bool]]:
    """The times in a preview, and whether each is skipped."""
    found = re.findall(r'<li data-times="([^"]+)"( class="skipped")?', said)
    return [(times, bool(skipped)) for times, skipped in found]


@given(
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    days=st.integers(1, 300),
    clock=st.sampled_from(["00:00", "02:00", "02:30", "23:45"]),
    length=st.sampled_from(["30m", "2h", "1d"]),
    choice=st.sampled_from(["", "daily", "weekly", "nth", "last"]),
    number=st.integers(1, 2),
    frozen=st.none() | st.integers(0, 20),
    left_out=st.sets(st.integers(0, 14), max_size=2),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_preview_says_what_saving_then_makes(
    browser, zone, days, clock, length, choice, number, frozen, left_out
):
    MaintenanceWindow.objects.all().delete()
    WindowSeries.objects.all().delete()
    sites = [Site.objects.create(domain=f"p{next(NUMBERS)}.example") for _ in range(number)]
    first = date(2029, 11, 4) + timedelta(days=days)
    if frozen is not None:
        start = TWO + timedelta(days=days + frozen)
        freezes.freeze(
            sites,
            starts_at=start,
            ends_at=start + 30 * HOUR,
            reason="sale",
            clock=lambda: TWO - HOUR,
        )
    form = schedule_form(*sites, zone=zone, length=length, repeats=choice, **NO_END)
    form |= {"starts_at_0": first.isoformat(), "starts_at_1": clock}
    if choice:
        dates = sorted((first + timedelta(days=one)).isoformat() for one in left_out)
        form["excluded"] = ", ".join(dates)
    said = preview(browser, form)
    browser.post(ADD, form)
    made = MaintenanceWindow.objects.filter(site__in=sites)
    if not choice:
        assert ("errorlist" in said) == (not made.exists())
        for window in made:
            text = f"{window.starts_at.astimezone(ZoneInfo(zone)):%H:%M}"
            assert text in said
        return
    expected = [one for one, skipped in shown_times(said) if not skipped]
    skipped = {one for one, is_skipped in shown_times(said) if is_skipped}
    begun = WindowSeries.objects.filter(site__in=sites)
    assert begun.count() == number
    for series in begun:
        found = [
            f"{rfc3339(window.starts_at)}/{rfc3339(window.ends_at)}"
            for window in series.windows.order_by("starts_at")
        ]
        assert found[:10] == expected[: len(found)]
        assert skipped.isdisjoint(found)
