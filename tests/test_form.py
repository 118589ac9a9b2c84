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
from tests.helpers.pages import Filled, errors, fill, messages
from tests.helpers.times import HOUR, TWO
from tests.test_admin_schedule import ADD, NO_END, preview, schedule_form

pytestmark = pytest.mark.any_database

WINDOWS = "admin:maintenance_windows_maintenancewindow"
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


def shown_times(said: str, site: Site) -> tuple[list[str], set[str]]:
    """The times that a preview shows for a site, and those that it shows as skipped."""
    found = re.findall(r'<li data-times="([^"]+)"( class="skipped")?(.*?)</li>', said, re.DOTALL)
    skipped = {times for times, cls, text in found if cls or f"{site.domain}: skipped" in text}
    return [times for times, *_ in found if times not in skipped], skipped


def in_words(window: MaintenanceWindow, zone: str) -> str:
    """As the preview spells the times of a window out, in the zone of the form."""
    start, end = (one.astimezone(ZoneInfo(zone)) for one in (window.starts_at, window.ends_at))
    first, last = (f"{one:%A} {one.day} {one:%B %Y}, " for one in (start, end))
    last = "" if start.date() == end.date() else last
    return f"{first}{start:%H:%M} to {last}{end:%H:%M} {zone}"


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
CLOCKS = st.sampled_from(["00:00", "02:00", "02:30", "23:45"])
LENGTHS = st.sampled_from(["30m", "2h", "1d"])
RULES = st.sampled_from(
    [
        {"repeats": "daily"},
        {"repeats": "weekly"},
        {"repeats": "nth"},
        {"repeats": "last"},
        {"repeats": "custom", "unit": "WEEKLY", "every": "2", "weekdays": ["TU", "SA"]},
        {"repeats": "custom", "unit": "MONTHLY", "monthly": "weekday", "nth_weekday": "TU"},
    ]
)


@pytest.fixture
def planned(browser):
    """Makes sites, one of them frozen for 30 hours some days after the first day; their form."""

    def planned(first: date, number: int, frozen: int | None, **fields) -> tuple[list[Site], dict]:
        MaintenanceWindow.objects.all().delete()
        WindowSeries.objects.all().delete()
        sites = [Site.objects.create(domain=f"p{next(NUMBERS)}.example") for _ in range(number)]
        if frozen is not None:
            start = datetime.combine(first, TWO.time(), UTC) + timedelta(days=frozen)
            times = {"starts_at": start, "ends_at": start + 30 * HOUR}
            freezes.freeze(sites[:1], reason="sale", clock=lambda: TWO - HOUR, **times)
        return sites, schedule_form(*sites, starts_at_0=first.isoformat(), **fields, **NO_END)

    return planned


MANY = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
FIRST = st.integers(1, 300).map(lambda days: TWO.date() + timedelta(days=days))


@MANY
@given(
    zones=st.tuples(ZONES, ZONES),
    first=FIRST,
    clocks=st.tuples(CLOCKS, CLOCKS),
    lengths=st.tuples(LENGTHS, st.just("") | LENGTHS),
    number=st.integers(1, 2),
    frozen=st.none() | st.integers(0, 1),
)
def test_preview_says_when_windows_are_and_where_a_change_moves_them(
    browser, planned, zones, first, clocks, lengths, number, frozen
):
    fields = {"zone": zones[0], "starts_at_1": clocks[0], "length": lengths[0]}
    sites, form = planned(first, number, frozen, **fields)
    said = preview(browser, form)
    browser.post(ADD, form)
    made = MaintenanceWindow.objects.filter(site__in=sites)
    if "errorlist" in said:
        assert not made.exists()
        return
    assert [in_words(window, zones[0]) in said for window in made] == [True] * number
    window = made[0]
    url = reverse(f"{WINDOWS}_change", args=[window.pk])
    changes = {"zone": zones[1], "starts_at_1": clocks[1], "length": lengths[1]}
    form = fill(browser.get(url).text, **changes)
    said, before = (
        preview(browser, form, f"?window={window.pk}"),
        (window.starts_at, window.ends_at),
    )
    browser.post(url, form)
    window.refresh_from_db()
    if "errorlist" in said:
        assert (window.starts_at, window.ends_at) == before
    else:
        assert in_words(window, zones[1]) in said


@MANY
@given(
    zone=ZONES,
    first=FIRST,
    clock=CLOCKS,
    length=LENGTHS,
    rule=RULES,
    number=st.integers(1, 2),
    frozen=st.none() | st.integers(0, 20),
    left_out=st.sets(st.integers(0, 14), max_size=2),
)
def test_preview_says_which_windows_a_rule_makes(
    browser, planned, zone, first, clock, length, rule, number, frozen, left_out
):
    dates = sorted((first + timedelta(days=one)).isoformat() for one in left_out)
    fields = {"zone": zone, "starts_at_1": clock, "length": length, "excluded": ", ".join(dates)}
    sites, form = planned(first, number, frozen, **fields, **rule)
    said = preview(browser, form)
    browser.post(ADD, form)
    begun = WindowSeries.objects.filter(site__in=sites)
    assert begun.count() == (0 if "errorlist" in said else number)
    for series in begun:
        expected, skipped = shown_times(said, series.site)
        found = [
            f"{rfc3339(window.starts_at)}/{rfc3339(window.ends_at)}"
            for window in series.windows.order_by("starts_at")
        ]
        assert found[: len(expected)] == expected[: len(found)]
        assert skipped.isdisjoint(found)
