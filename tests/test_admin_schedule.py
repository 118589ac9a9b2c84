"""Scheduling in the admin: several sites, an end or a duration, a time zone and the preview."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.sites.models import Site
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.planning import windows
from maintenance_windows.wording.durations import spell_duration
from maintenance_windows.wording.spans import format_span, format_upcoming
from tests.helpers.pages import Filled, errors, fill, messages, times
from tests.helpers.times import FOUR, HOUR, MINUTE, SECOND, TWO

pytestmark = pytest.mark.any_database

WINDOWS = "admin:maintenance_windows_maintenancewindow"
ADD, LIST, PREVIEW = (reverse(f"{WINDOWS}_{name}") for name in ("add", "changelist", "preview"))
BERLIN = ZoneInfo("Europe/Berlin")
NO_END = {"ends_at_0": "", "ends_at_1": ""}


def schedule_form(*sites: Site, **more: object) -> dict[str, object]:
    """Sunday the fourth of November 2029, 02:00 to 04:00 UTC."""
    form = {"sites": [site.pk for site in sites], "zone": "UTC", "length": "", "level": "full"}
    return form | times("starts_at", TWO) | times("ends_at", FOUR) | more


def preview(browser: Client, form: dict[str, object], query: str = "") -> str:
    """The preview that the page's script fetches."""
    return browser.post(f"{PREVIEW}{query}", form, headers={"X-Requested-With": "fetch"}).text


def test_add_form_schedules_several_sites(acme, globex, browser):
    form = schedule_form(acme, globex, title="T", message="M", level="read_only")
    response = browser.post(ADD, form, follow=True)
    one, two = MaintenanceWindow.objects.order_by("site__domain")
    shown = f"{LIST}?saved={one.pk}.{two.pk}#window-{one.pk}"
    assert response.redirect_chain == [(shown, 302)]
    assert messages(response) == (
        f"2 windows were added: acme.example ({one.pk}), globex.example ({two.pk})."
        " Sun 4 Nov 02:00–04:00 UTC."
    )
    for window in (one, two):
        assert (window.starts_at, window.ends_at, window.level) == (TWO, FOUR, "read_only")
        assert (window.title, window.message, window.created_by) == ("T", "M", "alice")
    logged = [(entry.object_id, entry.get_change_message()) for entry in LogEntry.objects.all()]
    assert sorted(logged) == sorted([(str(one.pk), "Added."), (str(two.pk), "Added.")])
    again = browser.post(ADD, form | {"_addanother": "1"})
    assert again.headers["Location"] == ADD


def test_unknown_site_schedules_nothing(acme, browser):
    response = browser.post(ADD, schedule_form(acme, sites=[acme.pk, 99999]))
    assert "Select a valid choice" in errors(response)
    assert not MaintenanceWindow.objects.exists()


def test_success_message_names_at_most_ten_sites(browser):
    sites = Site.objects.bulk_create(Site(domain=f"s{i:02}.example") for i in range(12))
    said = messages(browser.post(ADD, schedule_form(*sites), follow=True))
    assert "12 windows were added: s00.example" in said
    assert "s09.example" in said
    assert ", 2 more. Sun 4 Nov" in said
    assert "s10.example" not in said


def test_duration_is_exact_across_dst_change(acme, browser):
    form = schedule_form(acme, zone="Europe/Berlin", length="2h", **NO_END)
    form |= times("starts_at", datetime(2030, 3, 31, 1, 0))
    said = preview(browser, form)
    assert "Sunday 31 March 2030, 01:00 to 04:00 Europe/Berlin (00:00 to 02:00 UTC)" in said
    assert "2 hours, across a DST change" in said
    browser.post(ADD, form)
    window = MaintenanceWindow.objects.get()
    assert window.starts_at == datetime(2030, 3, 31, 0, 0, tzinfo=UTC)
    assert window.ends_at == datetime(2030, 3, 31, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (NO_END, "Enter an end or a duration."),
        ({"length": "2h"}, "Enter an end or a duration, not both."),
        ({"length": "long"} | NO_END, "Invalid duration"),
        ({"length": "99999d", "starts_at_0": "9900-01-01"} | NO_END, "out of range"),
        ({"length": "1m", "starts_at_0": "2029-11-03"} | NO_END, "The end is in the past."),
        ({"ends_at_1": ""}, "Enter a valid time."),
        ({"ends_at_0": ""}, "Enter a valid date."),
        ({"starts_at_0": "0001-01-01", "zone": "Asia/Tokyo"}, "out of range"),
        ({"zone": "Mars"}, "Select a valid choice"),
    ],
)
def test_invalid_form_gives_one_error_and_saves_nothing(acme, browser, changes, sentence):
    response = browser.post(ADD, schedule_form(acme) | changes)
    assert errors(response).count("<li>") == 1
    assert sentence in errors(response)
    said = preview(browser, schedule_form(acme) | changes)
    is_missing = sentence in {
        "Enter an end or a duration.",
        "Enter a valid time.",
        "Enter a valid date.",
    }
    assert (sentence in said) != is_missing
    assert ("errorlist" in said) != is_missing
    assert not MaintenanceWindow.objects.exists()


def test_form_shows_chosen_time_zone(acme, browser, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    page = browser.get(ADD).text
    assert page.count(">Europe/Berlin</bdi>") == 3
    assert Filled(page).fields["zone"] == "Europe/Berlin"
    refused = browser.post(ADD, schedule_form(acme, zone="Asia/Tokyo", title="x" * 201))
    assert refused.text.count(">Asia/Tokyo</bdi>") == 3
    assert Filled(refused.text).fields["starts_at_1"] == "02:00:00"
    browser.post(ADD, schedule_form(acme, acme, zone="America/Chicago"))
    assert MaintenanceWindow.objects.get().starts_at == TWO + 6 * HOUR


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        (
            "starts_at=2029-11-04T02:00%2B02:00&ends_at=2029-11-04T02:00Z&title=T",
            {"starts_at_1": "01:00:00", "ends_at_1": "03:00:00", "title": "T"},
        ),
        ("starts_at=2029-11-04T02:00", {"starts_at_0": "2029-11-04", "starts_at_1": "02:00:00"}),
        ("zone=Asia/Tokyo&starts_at=2029-11-04T02:00Z", {"starts_at_1": "11:00:00"}),
        # skipped by the clock, beyond the calendar, unreadable
        ("starts_at=2030-03-31T02:30", {"starts_at_0": ""}),
        ("starts_at=0001-01-01T00:00%2B14:00", {"starts_at_0": ""}),
        ("starts_at=soon&zone=Mars&x=y", {"starts_at_0": "", "zone": "Europe/Berlin"}),
    ],
)
def test_query_string_prefills_form(acme, browser, settings, query, fields):
    settings.TIME_ZONE = "Europe/Berlin"
    shown = Filled(browser.get(f"{ADD}?{query}").text).fields
    assert {name: shown[name] for name in fields} == fields


def test_query_string_selects_existing_sites(acme, globex, browser):
    page = browser.get(f"{ADD}?site={acme.pk}&sites={globex.pk},99999,x,{'9' * 20}").text
    for site in (acme, globex):
        label = f"{site.domain} – {site.name}"
        assert f'<option value="{site.pk}" selected>{label}</option>' in page


def test_preview_describes_window_and_saves_nothing(acme, browser, at):
    at(TWO - timedelta(days=6, hours=2))
    said = preview(browser, schedule_form(acme, zone="Europe/Berlin"))
    assert "Sunday 4 November 2029, 02:00 to 04:00 Europe/Berlin (01:00 to 03:00 UTC)" in said
    assert "in 6\xa0days, 1\xa0hour" in said
    assert "Duration: 2 hours" in said
    assert "overlaps" not in said
    past = schedule_form(acme, starts_at_0="2029-10-28")
    assert "starts immediately" in preview(browser, past | {"start_now": "on"})
    assert "Enter a start and an end, or a duration" in preview(
        browser, {"zone": "UTC", "length": ""}
    )
    assert not MaintenanceWindow.objects.exists()


def test_overlap_gives_warning_and_saves_window(acme, globex, plan, browser):
    window = plan(acme, TWO - HOUR, TWO + MINUTE)
    cancelled = plan(acme)
    windows.cancel(cancelled.pk)
    plan(globex, FOUR, FOUR + HOUR)  # touches
    plan(globex, TWO - MINUTE, TWO)
    early = plan(globex, FOUR + 2 * HOUR, FOUR + 3 * HOUR)
    windows.start(early.pk)
    lines = [
        f"acme.example: overlaps window {window.pk} (Sun 4 Nov 01:00–02:01 UTC)."
        " The site stays down for the combined period.",
        f"globex.example: overlaps window {early.pk} (Sun 4 Nov 01:00–07:00 UTC)."
        " The site stays down for the combined period.",
    ]
    form = schedule_form(acme, globex)
    said = preview(browser, form)
    assert [said.count(line) for line in lines] == [1, 1]
    assert said.count("overlaps window") == 2
    warned = messages(browser.post(ADD, form, follow=True))
    assert [warned.count(line) for line in lines] == [1, 1]
    assert warned.count("overlaps window") == 2
    assert MaintenanceWindow.objects.count() == 7


def test_preview_of_many_sites_is_short_and_cheap(browser):
    sites = Site.objects.bulk_create(Site(domain=f"s{i:02}.example") for i in range(13))
    windows.schedule(sites, starts_at=TWO, ends_at=FOUR)
    few, many = schedule_form(sites[0]), schedule_form(*sites)
    with CaptureQueriesContext(connection) as one:
        assert preview(browser, few).count("<li>") == 1
    with CaptureQueriesContext(connection) as all_of_them:
        said = preview(browser, many)
    assert len(all_of_them) == len(one)
    reading = [query["sql"] for query in all_of_them if " FROM " in query["sql"]]
    assert len(reading) == 5  # session, user, sites, freezes, overlaps
    assert said.count("overlaps window") == 10
    assert "And 3 more." in said


def test_change_form_previews_and_warns_of_overlap(acme, plan, browser):
    other = plan(acme, FOUR, FOUR + HOUR)
    window = plan(acme)
    url = reverse(f"{WINDOWS}_change", args=[window.pk])
    page = browser.get(url).text
    query = f"?window={window.pk}"
    assert f"{PREVIEW}{query}" in page
    assert "overlaps" not in preview(browser, fill(page), query)
    form = fill(page, **times("ends_at", FOUR + MINUTE))
    said = preview(browser, form, query)
    assert "Sunday 4 November 2029, 02:00 to 04:01 UTC" in said
    assert f"acme.example: overlaps window {other.pk}" in said
    window.refresh_from_db()
    assert window.ends_at == FOUR
    warned = messages(browser.post(url, form, follow=True))
    assert f"acme.example: overlaps window {other.pk}" in warned
    assert "overlaps" not in messages(browser.post(url, fill(browser.get(url).text), follow=True))


def test_preview_of_window_in_progress_omits_start(acme, plan, browser, at):
    window = plan(acme)
    at(TWO + MINUTE)
    page = browser.get(reverse(f"{WINDOWS}_change", args=[window.pk])).text
    said = preview(browser, fill(page), f"?window={window.pk}")
    assert "Sunday 4 November 2029, 02:00 to 04:00 UTC</p>" in said
    at(FOUR)
    page = browser.get(reverse(f"{WINDOWS}_change", args=[window.pk])).text
    assert "window-preview" not in page


def test_preview_requires_post_and_permission(acme, plan, browser):
    window = plan(acme)
    assert browser.get(PREVIEW).status_code == 405
    bob = User.objects.create_user("bob", is_staff=True)
    client = Client()
    assert client.post(PREVIEW).status_code == 302
    client.force_login(bob)
    assert client.post(PREVIEW, schedule_form(acme)).status_code == 403
    bob.user_permissions.add(Permission.objects.get(codename="add_maintenancewindow"))
    assert client.post(PREVIEW, schedule_form(acme)).status_code == 200
    url = f"{PREVIEW}?window={window.pk}"
    assert client.post(url, schedule_form(acme)).status_code == 403
    assert browser.post(f"{PREVIEW}?window=99999", schedule_form(acme)).status_code == 404


def test_preview_without_javascript_is_full_page(acme, browser):
    page = browser.post(PREVIEW, schedule_form(acme)).text
    assert "<title>Preview" in page
    assert "Sunday 4 November 2029" in page


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "zone", "words"),
    [
        (TWO, FOUR, "UTC", "Sunday 4 November 2029, 02:00 to 04:00 UTC"),
        (TWO, TWO + 30 * SECOND, "UTC", "Sunday 4 November 2029, 02:00 to 02:00:30 UTC"),
        (
            TWO - 4 * HOUR,
            TWO,
            "Europe/Berlin",
            "Saturday 3 November 2029, 23:00 to Sunday 4 November 2029, 03:00 Europe/Berlin"
            " (22:00 to 02:00 UTC)",
        ),
        (
            TWO,
            FOUR,
            "America/Chicago",
            "Saturday 3 November 2029, 21:00 to 23:00 America/Chicago"
            " (Sunday 4 November 2029, 02:00 to 04:00 UTC)",
        ),
    ],
)
def test_format_span(starts_at, ends_at, zone, words):
    assert format_span(starts_at, ends_at, ZoneInfo(zone)) == words


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(0), ", starts immediately"),
        (-HOUR, ", starts immediately"),
        (59 * SECOND, ", in less than a minute"),
        (MINUTE, ", in 1\xa0minute"),
        (timedelta(days=6, hours=2), ", in 6\xa0days, 2\xa0hours"),
    ],
)
def test_format_upcoming(ahead, words):
    assert format_upcoming(TWO, FOUR, BERLIN, TWO - ahead).endswith(f"UTC){words}")


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (HOUR, "1 hour"),
        (timedelta(days=2, minutes=1, seconds=5), "2 days, 1 minute, 5 seconds"),
    ],
)
def test_spell_duration(length, words):
    assert spell_duration(length) == words


def test_format_span_isolates_dates_in_rtl_languages():
    with translation.override("ar"):
        assert format_span(TWO, FOUR, BERLIN).startswith("\u2068الأحد 4 نوفمبر 2029\u2069")  # noqa: RUF001


def test_preview_of_recurring_window_that_has_begun_is_what_happens(acme, browser):
    form = schedule_form(acme, length="2h", repeats="daily", start_now="on", **NO_END)
    form |= times("starts_at", TWO - 2 * HOUR)
    said = preview(browser, form)
    assert "Sun 4 Nov 01:00–02:00 UTC" in said
    browser.post(ADD, form)
    first = MaintenanceWindow.objects.earliest("starts_at")
    assert (first.begins_at, first.ends_at) == (TWO - HOUR, TWO)
