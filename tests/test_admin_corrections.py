"""Forms of the admin that are sent with a mistake, shown again, and corrected."""

import re
from datetime import time, timedelta

import pytest
from django.contrib.auth.models import Permission, User

from maintenance_windows.models import WindowSeries
from maintenance_windows.planning import series, windows
from tests.helpers.pages import errors, fill, messages, times
from tests.helpers.times import FOUR, HOUR, TWO

ADMIN = "/admin/maintenance_windows"
ADD = f"{ADMIN}/maintenancewindow/add/"
DAY = timedelta(days=1)


@pytest.fixture
def nights(acme, browser) -> WindowSeries:
    template = WindowSeries(
        rule="FREQ=DAILY",
        starts_on=TWO.date(),
        start_time=time(2),
        zone="UTC",
        length=HOUR,
        published_at=TWO,
    )
    return series.repeat([acme], template, clock=lambda: TWO - HOUR)[0].series


def page_of(one: object) -> str:
    kind = "windowseries" if isinstance(one, WindowSeries) else "maintenancewindow"
    return f"{ADMIN}/{kind}/{one.pk}/change/"


@pytest.mark.parametrize(
    ("mistake", "correction"),
    [
        ({"title": "x" * 201}, {"title": "Disks"}),
        ({"banner_lead": "soon"}, {"banner_lead": ""}),
        (times("ends_at", TWO), times("ends_at", FOUR + DAY)),
        ({"zone": "Nowhere"}, {"zone": "UTC"}),
    ],
)
def test_correction_of_one_field_keeps_the_others(acme, plan, browser, mistake, correction):
    window = plan(acme, published_at=TWO)
    typed = times("starts_at", TWO + DAY) | times("ends_at", FOUR + DAY)
    typed |= times("published_at", TWO + HOUR)
    refused = browser.post(
        page_of(window), fill(browser.get(page_of(window)).text, **typed | mistake)
    )
    assert errors(refused)
    browser.post(page_of(window), fill(refused.text, **correction))
    window.refresh_from_db()
    assert (window.starts_at, window.ends_at) == (TWO + DAY, FOUR + DAY)
    assert window.published_at == TWO + HOUR


def test_correction_of_series_keeps_its_publication(nights, browser):
    typed = times("published_at", TWO + DAY)
    page = browser.get(page_of(nights)).text
    refused = browser.post(page_of(nights), fill(page, **typed, title="x" * 201))
    assert errors(refused)
    browser.post(page_of(nights), fill(refused.text, title="Backups"))
    nights.refresh_from_db()
    assert (nights.title, nights.published_at) == ("Backups", TWO + DAY)


def test_box_that_confirms_start_in_past_can_be_checked_afterwards(acme, plan, browser):
    window = plan(acme)
    typed = times("starts_at", TWO - DAY)
    page = browser.get(page_of(window)).text
    refused = browser.post(page_of(window), fill(page, **typed))
    assert "Start now" in errors(refused)
    browser.post(page_of(window), fill(refused.text, start_now="on"))
    window.refresh_from_db()
    assert window.started_at == window.starts_at == TWO - HOUR


@pytest.mark.parametrize("length", ["90", "1 h", "0", "-1h", "1H"])
def test_invalid_duration_is_named_and_all_is_kept(acme, plan, browser, length):
    window = plan(acme)
    page = browser.get(page_of(window)).text
    refused = browser.post(page_of(window), fill(page, title="Disks", length=length))
    assert refused.status_code == 200
    assert f'value="{length}"' in refused.text
    assert errors(refused)
    browser.post(page_of(window), fill(refused.text, length="1h"))
    window.refresh_from_db()
    assert (window.title, window.ends_at) == ("Disks", TWO + HOUR)


@pytest.mark.parametrize(
    "broken", [times("starts_at", TWO) | {"starts_at_0": ""}, {"ends_at_1": "x", "length": "1h"}]
)
def test_duration_beside_broken_time_gives_error(acme, plan, browser, broken):
    window = plan(acme)
    page = browser.get(page_of(window)).text
    answer = browser.post(page_of(window), fill(page, **{"length": "1h", **broken}))
    assert answer.status_code == 200
    assert errors(answer)
    window.refresh_from_db()
    assert window.starts_at == TWO


def test_head_tells_of_stored_window_above_refused_form(acme, plan, browser):
    window = plan(acme)
    head = browser.get(page_of(window)).text.partition("</section>")[0].partition("mw-head")[2]
    past = times("starts_at", TWO - 10 * DAY) | {"length": "30m"}
    refused = browser.post(page_of(window), fill(browser.get(page_of(window)).text, **past))
    assert errors(refused)
    again = refused.text.partition("</section>")[0].partition("mw-head")[2]
    assert "Starts in 1 h" in again
    assert again.count("<button") == head.count("<button") > 0


@pytest.mark.parametrize(
    "changes",
    [
        {"every": "0"},
        {"every": "x"},
        {"unit": "MONTHLY", "days_after": "99"},
        {"rule": "FREQ=DAILY;" + 300 * "BYDAY=MO;"},
    ],
)
def test_broken_field_of_custom_rule_is_named(acme, browser, changes):
    form = fill(browser.get(ADD).text, sites=str(acme.pk), repeats="custom", length="1h")
    form |= times("starts_at", TWO) | changes
    assert errors(browser.post(ADD, form))
    preview = browser.post(f"{ADMIN}/maintenancewindow/preview/", form)
    assert "errorlist" in preview.text


def test_unknown_repetition_is_refused(acme, browser):
    form = fill(browser.get(ADD).text, sites=str(acme.pk), repeats="zz", length="1h")
    assert "Select a valid choice" in errors(browser.post(ADD, form | times("starts_at", TWO)))


@pytest.mark.parametrize("end", ["", "x"])
def test_series_without_duration_is_refused(nights, browser, end):
    page = browser.get(page_of(nights)).text
    refused = browser.post(page_of(nights), fill(page, length="", end_time=end))
    assert refused.status_code == 200
    assert errors(refused)
    assert nights.words() in refused.text


def test_planner_whose_window_has_started_gets_sentence(acme, plan, client, at):
    planner = User.objects.create_user("planner", is_staff=True)
    names = ("change_maintenancewindow", "view_maintenancewindow")
    planner.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(planner)
    window = plan(acme)
    page = client.get(page_of(window)).text
    at(TWO + HOUR)
    refused = client.post(page_of(window), fill(page, title="Disks"))
    assert "requires the permission to operate" in errors(refused)
    window.refresh_from_db()
    assert window.title == ""


def test_zone_alone_leaves_public_window_public(acme, plan, browser):
    window = plan(acme, published_at=TWO - 2 * HOUR)
    page = browser.get(page_of(window)).text
    answer = browser.post(page_of(window), fill(page, zone="America/New_York"), follow=True)
    assert "changed successfully" in messages(answer)
    window.refresh_from_db()
    assert window.starts_at == TWO + 5 * HOUR


@pytest.mark.parametrize(
    ("zone", "sentence"),
    [
        ("Pacific/Auckland", "Public at once."),
        ("America/Bogota", "Public from Sun 4 Nov 06:30 -05"),
    ],
)
def test_preview_says_when_change_of_zone_publishes(acme, plan, browser, zone, sentence):
    window = plan(acme, TWO + DAY, FOUR + DAY, published_at=TWO + 4.5 * HOUR)
    form = fill(browser.get(page_of(window)).text, zone=zone)
    preview = f"{ADMIN}/maintenancewindow/preview/?window={window.pk}"
    assert sentence in browser.post(preview, form).text


def test_zone_alone_does_not_take_back_what_others_moved(acme, plan, browser):
    window = plan(acme)
    page = browser.get(page_of(window)).text
    windows.move(window.pk, starts_at=TWO + DAY, ends_at=FOUR + DAY)
    refused = browser.post(page_of(window), fill(page, zone="America/New_York"))
    assert "Someone else has changed the times" in errors(refused)
    browser.post(page_of(window), fill(browser.get(page_of(window)).text, zone="America/Bogota"))
    window.refresh_from_db()
    assert window.starts_at == TWO + DAY + 5 * HOUR


def test_window_started_early_may_end_before_its_planned_start(acme, plan, browser, at):
    window = plan(acme)
    windows.start(window.pk)
    at(TWO - HOUR / 2)
    page = browser.get(page_of(window)).text
    browser.post(page_of(window), fill(page, length="45m"))
    window.refresh_from_db()
    assert (window.starts_at, window.ends_at) == (TWO - HOUR, TWO - HOUR / 4)


@pytest.mark.parametrize(
    "typed", [times("ends_at", FOUR + 4 * DAY), times("starts_at", TWO + 2 * DAY), {"length": "1h"}]
)
def test_typed_time_is_not_mixed_with_one_that_others_moved(acme, plan, browser, typed):
    window = plan(acme, TWO + 3 * DAY, FOUR + 3 * DAY)
    page = browser.get(page_of(window)).text
    windows.move(window.pk, starts_at=TWO, ends_at=FOUR)
    refused = browser.post(page_of(window), fill(page, **typed))
    assert "Someone else has changed the times" in errors(refused)
    window.refresh_from_db()
    assert (window.starts_at, window.ends_at) == (TWO, FOUR)


def test_time_with_microseconds_counts_as_shown(acme, plan, browser):
    odd = timedelta(microseconds=123456)
    window = plan(acme, TWO + odd, FOUR + odd)
    page = browser.get(page_of(window)).text
    answer = browser.post(page_of(window), fill(page, **times("ends_at", FOUR + HOUR)))
    assert answer.status_code == 302
    window.refresh_from_db()
    assert (window.starts_at, window.ends_at) == (TWO + odd, FOUR + HOUR)


def test_dates_that_others_skip_or_restore_stay(nights, browser):
    night = [f"2029-11-{day:02}" for day in range(30)]
    series.revise(nights.pk, excluded=[night[10], night[11]])
    page = browser.get(page_of(nights)).text
    series.revise(nights.pk, excluded=[night[11], night[12]])
    typed = ", ".join([night[10], night[20]])
    browser.post(page_of(nights), fill(page, excluded=typed))
    nights.refresh_from_db()
    assert nights.excluded == [night[12], night[20]]


@pytest.mark.parametrize("theirs", [{"length": 6 * HOUR}, {"length": 3 * HOUR, "by_clock": True}])
def test_start_leaves_the_end_that_others_changed(nights, browser, theirs):
    page = browser.get(page_of(nights)).text
    series.revise(nights.pk, **theirs)
    browser.post(page_of(nights), fill(page, start_time="03:00:00"))
    nights.refresh_from_db()
    assert (nights.start_time, nights.by_clock) == (time(3), "by_clock" in theirs)
    assert nights.length == (2 * HOUR if nights.by_clock else theirs["length"])


def test_end_is_not_mixed_with_start_that_others_moved(nights, browser):
    series.revise(nights.pk, length=2 * HOUR, by_clock=True)
    page = browser.get(page_of(nights)).text
    series.revise(nights.pk, start_time=time(5))
    refused = browser.post(page_of(nights), fill(page, end_time="04:30:00"))
    assert "Someone else has changed the times" in errors(refused)


def test_message_names_the_recurrence_that_is_stored(nights, browser):
    page = browser.get(page_of(nights)).text
    form = fill(page, length="", end_time="05:00:00")
    answer = browser.post(page_of(nights), form, follow=True)
    assert "from 02:00 to 05:00, time zone UTC” was changed" in re.sub(
        "<.*?>", "", messages(answer)
    )
