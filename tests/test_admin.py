"""The admin's pages and forms, over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sites.models import Site
from django.db import connection
from django.test import Client
from django.urls import reverse

from maintenance_windows.models import (
    IgnoredURL,
    MaintenanceWindow,
    SiteMaintenance,
    Transition,
)
from maintenance_windows.planning import windows
from maintenance_windows.planning.sites import take_down
from maintenance_windows.reconcile.tick import tick
from tests.helpers.pages import Filled, errors, fill, messages, times
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO

WINDOWS = "admin:maintenance_windows_maintenancewindow"
SITES = "admin:maintenance_windows_sitemaintenance"


BOTH = times("starts_at", TWO) | times("ends_at", FOUR)


def window_form(site: Site, starts_at=TWO, ends_at=FOUR, **more: str) -> dict[str, str]:
    form = {"sites": str(site.pk), "zone": "UTC", "level": "full", "title": "", "message": ""}
    return form | times("starts_at", starts_at) | times("ends_at", ends_at) | more


@pytest.fixture
def switch(browser: Client, acme: Site) -> Callable:
    url = reverse(f"{SITES}_change", args=[acme.pk])

    def switch(*, on: bool, page: str | None = None, **more: str):
        page = page or browser.get(url).text
        changes = {"in_maintenance": "on" if on else None, **more}
        return browser.post(url, fill(page, **changes), follow=True)

    switch.url = url
    return switch


def test_add_form_schedules_window(acme, browser):
    response = browser.post(
        reverse(f"{WINDOWS}_add"), window_form(acme, title="T", message="M"), follow=True
    )
    assert "was added successfully" in messages(response)
    window = MaintenanceWindow.objects.get()
    assert (window.site, window.starts_at, window.ends_at) == (acme, TWO, FOUR)
    assert (window.title, window.message, window.created_by) == ("T", "M", "alice")
    assert LogEntry.objects.get().object_id == str(window.pk)


def test_window_with_past_start_takes_site_down(acme, browser):
    browser.post(reverse(f"{WINDOWS}_add"), window_form(acme, TWO - 2 * HOUR) | {"start_now": "on"})
    flag = SiteMaintenance.objects.get(pk=acme.pk)
    assert (flag.since, flag.until) == (TWO - HOUR, FOUR)


def test_times_use_current_time_zone(acme, browser, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    page = browser.get(reverse(f"{WINDOWS}_add")).text
    browser.post(reverse(f"{WINDOWS}_add"), fill(page, sites=str(acme.pk), **BOTH))
    window = MaintenanceWindow.objects.get()
    assert window.starts_at == TWO - HOUR
    page = browser.get(reverse(f"{WINDOWS}_change", args=[window.pk])).text
    assert page.count(">Europe/Berlin</bdi>") >= 2
    assert "Sun 4 Nov 02:00–04:00 CET" in browser.get(reverse(f"{WINDOWS}_changelist")).text


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "sentence"),
    [
        (TWO, TWO, "The end must be after the start."),
        (FOUR, TWO, "The end must be after the start."),
        (TWO - 9 * HOUR, TWO - 8 * HOUR, "The end is in the past."),
    ],
)
def test_impossible_times_give_one_error(acme, browser, starts_at, ends_at, sentence):
    response = browser.post(reverse(f"{WINDOWS}_add"), window_form(acme, starts_at, ends_at))
    assert errors(response).count("<li>") == 1
    assert sentence in errors(response)
    assert not MaintenanceWindow.objects.exists()


@pytest.mark.parametrize(
    ("local", "sentence"),
    [
        (
            datetime(2030, 3, 31, 2, 30, tzinfo=UTC),
            "does not exist in Europe/Berlin because of DST",
        ),
        (datetime(2029, 10, 28, 2, 30, tzinfo=UTC), "occurs twice in Europe/Berlin because of DST"),
    ],
)
def test_skipped_or_repeated_times_give_error(acme, browser, settings, at, local, sentence):
    at(datetime(2029, 1, 1, tzinfo=UTC))
    settings.TIME_ZONE = "Asia/Tokyo"
    form = window_form(acme, local, datetime(2031, 1, 1, tzinfo=UTC), zone="Europe/Berlin")
    response = browser.post(reverse(f"{WINDOWS}_add"), form)
    assert sentence in errors(response)
    assert not MaintenanceWindow.objects.exists()


def test_end_beyond_calendar_gives_error(acme, browser):
    last = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    form = window_form(acme, ends_at=last, zone="America/New_York")
    response = browser.post(reverse(f"{WINDOWS}_add"), form)
    assert "out of range" in errors(response)


@pytest.mark.parametrize(
    "broken",
    [
        {"sites": "99999"},
        {"sites": ""},
        {"sites": "acme"},
        {"sites": "9" * 20},
        {"zone": "Mars"},
        {"starts_at_0": "soon"},
        {"ends_at_1": ""},
        {"level": "half"},
    ],
)
def test_invalid_form_gives_one_error(acme, browser, broken):
    response = browser.post(reverse(f"{WINDOWS}_add"), window_form(acme) | broken)
    assert errors(response).count("<li>") == 1
    assert not MaintenanceWindow.objects.exists()


def test_change_form_moves_scheduled_window(acme, plan, browser):
    window = plan(acme)
    url = reverse(f"{WINDOWS}_change", args=[window.pk])
    browser.post(url, window_form(acme, FOUR + HOUR, FOUR + 2 * HOUR, title="later"))
    window.refresh_from_db()
    assert (window.starts_at, window.ends_at) == (FOUR + HOUR, FOUR + 2 * HOUR)
    assert window.title == "later"


def test_duration_changes_end_of_window(acme, plan, browser):
    """The end that the page shows need not be emptied; one that others moved is replaced."""
    window = plan(acme)
    url = reverse(f"{WINDOWS}_change", args=[window.pk])
    page = browser.get(url).text
    windows.extend(window.pk, by=HOUR)
    browser.post(url, fill(page, length="30m"))
    window.refresh_from_db()
    assert (window.starts_at, window.ends_at) == (TWO, TWO + HOUR / 2)
    browser.post(url, fill(page, length="1h30m", ends_at_0="", ends_at_1=""))
    window.refresh_from_db()
    assert window.ends_at == TWO + 1.5 * HOUR


def test_page_of_window_that_was_started_early_has_its_true_start(acme, plan, browser, at):
    window = plan(acme)
    windows.start(window.pk)
    at(TWO - HOUR + MINUTE)
    url = reverse(f"{WINDOWS}_change", args=[window.pk])
    page = browser.get(url).text
    assert "Sun 4 Nov 01:00–04:00 UTC" in page
    assert "Sun 4 Nov 01:00 UTC" in page
    form = fill(page, length="2h")
    said = browser.post(f"{reverse(f'{WINDOWS}_preview')}?window={window.pk}", form).text
    assert "01:00 to 03:00 UTC" in said
    browser.post(url, form)
    window.refresh_from_db()
    assert (window.starts_at, window.ends_at) == (TWO, TWO + HOUR)


def test_times_of_window_are_read_in_zone_of_its_page(acme, plan, browser):
    """In another zone the same local times are other times; the end follows a duration."""
    window = plan(acme)
    url = reverse(f"{WINDOWS}_change", args=[window.pk])
    browser.post(url, fill(browser.get(url).text, zone="America/New_York"))
    window.refresh_from_db()
    assert (window.starts_at, window.ends_at) == (TWO + 5 * HOUR, FOUR + 5 * HOUR)
    changes = times("starts_at", FOUR) | {"zone": "Asia/Tokyo", "length": "1h"}
    refused = browser.post(url, fill(browser.get(url).text, **changes))
    assert "in the past" in errors(refused)
    changes["zone"] = "America/New_York"
    browser.post(url, fill(browser.get(url).text, **changes))
    window.refresh_from_db()
    assert (window.starts_at, window.ends_at) == (FOUR + 5 * HOUR, FOUR + 6 * HOUR)


def test_zone_of_page_leaves_publication_alone_unless_page_has_its_time(acme, plan, browser):
    window, hidden = plan(acme), plan(acme, published_at=TWO - HOUR / 2)
    for one in (window, hidden):
        url = reverse(f"{WINDOWS}_change", args=[one.pk])
        refused = browser.post(url, fill(browser.get(url).text, zone="America/Bogota"))
        assert not errors(refused)
        one.refresh_from_db()
    assert window.published_at is None or window.published_at <= TWO - HOUR
    assert hidden.published_at == TWO + 4.5 * HOUR


def test_window_in_progress_moves_only_its_end(acme, plan, browser, at):
    window = plan(acme)
    at(TWO + MINUTE)
    tick(lambda: TWO + MINUTE)
    url = reverse(f"{WINDOWS}_change", args=[window.pk])
    assert "starts_at_0" not in browser.get(url).text
    page = browser.get(url).text
    browser.post(url, fill(page, **times("ends_at", FOUR + HOUR)))
    window.refresh_from_db()
    assert (window.starts_at, window.ends_at) == (TWO, FOUR + HOUR)
    refused = browser.post(url, window_form(acme, TWO - HOUR, FOUR + HOUR))
    assert "has started: only its end can be changed" in errors(refused)
    assert SiteMaintenance.objects.get(pk=acme.pk).until == FOUR + HOUR


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ends_at_0": "soon"}, "valid date"),
        ({"ends_at_0": "", "ends_at_1": ""}, "Enter an end or a duration."),
        ({"length": "1m"}, "The end is in the past."),
        ({"length": "3h", **times("ends_at", FOUR + HOUR)}, "not both"),
        (times("ends_at", TWO - HOUR), "must be after the start"),
        ({"title": "x" * 201}, "at most 200 characters"),
    ],
)
def test_invalid_edit_of_window_in_progress_gives_error(acme, plan, browser, at, changes, words):
    window = plan(acme)
    at(TWO + MINUTE)
    url = reverse(f"{WINDOWS}_change", args=[window.pk])
    page = browser.get(url).text
    assert words in errors(browser.post(url, fill(page, **changes)))
    at(FOUR)
    assert "has ended" in errors(browser.post(url, fill(page, title="late")))


def test_window_in_repeated_hour_keeps_its_times(acme, plan, browser, at, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    repeated = datetime(2030, 10, 27, 0, 30, tzinfo=UTC)
    window = plan(acme, repeated, repeated + 3 * HOUR)
    url = reverse(f"{WINDOWS}_change", args=[window.pk])
    browser.post(url, fill(browser.get(url).text, title="new"))
    window.refresh_from_db()
    assert (window.title, window.starts_at) == ("new", repeated)


def test_saving_title_preserves_concurrent_extension(acme, plan, browser):
    window = plan(acme, title="old", message="M")
    url = reverse(f"{WINDOWS}_change", args=[window.pk])
    page = browser.get(url).text
    windows.extend(window.pk, by=HOUR)
    windows.revise(window.pk, message="N")
    browser.post(url, fill(page, title="new"))
    window.refresh_from_db()
    assert (window.title, window.message, window.ends_at) == ("new", "N", FOUR + HOUR)


def test_completed_window_is_read_only(acme, plan, browser, at):
    window = plan(acme)
    at(FOUR)
    url = reverse(f"{WINDOWS}_change", args=[window.pk])
    assert 'name="_save"' not in browser.get(url).text
    sent = browser.post(url, window_form(acme, FOUR, FOUR + HOUR))
    assert f"Window {window.pk} has ended and can no longer be changed." in errors(sent)


def test_window_list_filters_and_searches(acme, globex, plan, browser, at):
    plan(acme)
    windows.cancel(plan(globex).pk, clock=lambda: TWO - HOUR)
    at(TWO)
    url = reverse(f"{WINDOWS}_changelist")
    page = browser.get(url).text
    assert "acme.example" in page
    assert "globex.example" not in page
    counts = {"active": 1, "cancelled": 1, "completed": 0, "scheduled": 0, "live": 1, "all": 2}
    for status, count in (counts | {"nonsense": 1}).items():
        response = browser.get(url, {"status": status})
        assert response.context["cl"].result_count == count, status
    assert browser.get(url, {"q": "globex"}).context["cl"].result_count == 0
    found = browser.get(url, {"q": "globex", "status": "all"})
    assert found.context["cl"].result_count == 1
    assert browser.get(url, {"starts_at__year": "2029"}).context["cl"].result_count == 2


@pytest.mark.parametrize(
    ("action", "now", "status"),
    [
        ("start_now", TWO - HOUR, "in progress"),
        ("end_now", TWO, "completed"),
        ("cancel", TWO - HOUR, "cancelled"),
    ],
)
def test_actions_change_status(acme, plan, browser, at, action, now, status):
    window = plan(acme)
    at(now)
    form = {"action": action, "_selected_action": [window.pk], "confirmed": "1"}
    response = browser.post(reverse(f"{WINDOWS}_changelist"), form, follow=True)
    window.refresh_from_db()
    assert window.status_at(now).label == status
    assert status in messages(response)
    again = browser.post(reverse(f"{WINDOWS}_changelist"), form, follow=True)
    assert f"Window {window.pk}" in messages(again)


@pytest.mark.parametrize(
    ("action", "now", "status", "sentence"),
    [
        ("start_now", TWO - HOUR, "in progress", "Visitors get the maintenance page"),
        ("end_now", TWO, "completed", "Their sites come up"),
    ],
)
def test_actions_that_visitors_notice_ask_before(
    acme, globex, plan, browser, at, action, now, status, sentence
):
    planned = [plan(acme), plan(globex)]
    at(now)
    form = {"action": action, "_selected_action": [planned[0].pk], "select_across": "1"}
    asked = browser.post(reverse(f"{WINDOWS}_changelist"), form)
    assert sentence in asked.text
    assert all(str(window) in asked.text for window in planned)
    before = {window.pk: window.status_at(now) for window in planned}
    stored = MaintenanceWindow.objects.all()
    assert {window.pk: window.status_at(now) for window in stored} == before
    browser.post(reverse(f"{WINDOWS}_changelist"), fill(asked.text, _selected_action=[*before]))
    assert {window.status_at(now).label for window in stored.all()} == {status}


@pytest.mark.parametrize(("now", "asks"), [(TWO - MINUTE, False), (TWO + MINUTE, True)])
def test_restore_of_several_asks_where_one_starts_at_once(acme, plan, browser, at, now, asks):
    window = plan(acme)
    windows.cancel(window.pk)
    at(now)
    form = {"action": "restore", "_selected_action": [window.pk]}
    answer = browser.post(reverse(f"{WINDOWS}_changelist"), form)
    assert (answer.status_code == 200) == asks
    if asks:
        assert "Those whose start has passed start now." in answer.text
        window.refresh_from_db()
        assert window.cancelled_at
        browser.post(reverse(f"{WINDOWS}_changelist"), fill(answer.text))
    window.refresh_from_db()
    assert window.cancelled_at is None


def test_windows_disappear_only_with_their_site(acme, plan, browser):
    window = plan(acme)
    assert browser.get(reverse(f"{WINDOWS}_delete", args=[window.pk])).status_code == 403
    assert "delete_selected" not in browser.get(reverse(f"{WINDOWS}_changelist")).text
    take_down([acme])
    browser.post(reverse("admin:sites_site_delete", args=[acme.pk]), {"post": "yes"})
    assert not Site.objects.filter(pk=acme.pk).exists()
    assert not MaintenanceWindow.objects.exists()


def test_checkbox_takes_site_down_and_brings_it_up(acme, browser, switch):
    visitor = Client(headers={"host": "acme.example"})
    assert visitor.get("/").status_code == 200
    switch(on=True, message="Back soon.")
    assert "Back soon." in visitor.get("/").text
    switch(on=False)
    assert visitor.get("/").status_code == 200
    rows = Transition.objects.order_by("pk").values_list("in_maintenance", "actor")
    assert list(rows) == [(True, "alice"), (False, "alice")]


def test_clearing_checkbox_ends_window_and_reports_it(acme, plan, at, switch):
    window = plan(acme)
    at(TWO)
    tick(lambda: TWO)
    at(TWO + MINUTE)
    response = switch(on=False)
    said = f"Window {window.pk} was in progress and has been ended. acme.example is up."
    assert messages(response).startswith(said)
    assert "<bdi>acme.example is up.</bdi>" in response.text  # with its own first letter
    window.refresh_from_db()
    assert (window.ends_at, window.ended_at) == (FOUR, TWO + MINUTE)
    assert not SiteMaintenance.objects.get(pk=acme.pk).in_maintenance


def test_stale_page_leaves_site_up_after_window(acme, plan, at, browser, switch):
    plan(acme)
    at(TWO)
    tick(lambda: TWO)
    page = browser.get(switch.url).text
    at(FOUR)
    tick(lambda: FOUR)
    switch(on=True, page=page)
    assert not SiteMaintenance.objects.get(pk=acme.pk).in_maintenance


def test_stale_page_holds_site_with_its_own_values(acme, plan, at, browser, switch):
    page = browser.get(switch.url).text
    plan(acme, level="read_only", message="window")
    at(TWO)
    tick(lambda: TWO)
    switch(on=True, page=page, message="hold")
    flag = SiteMaintenance.objects.get(pk=acme.pk)
    assert (flag.held, flag.level, flag.message) == (True, "full", "hold")


def test_stale_page_saves_ignored_urls_after_window(acme, plan, at, browser, switch):
    plan(acme)
    at(TWO)
    page = browser.get(switch.url).text
    at(FOUR)
    inline = {"ignored_urls-0-kind": "route", "ignored_urls-0-pattern": "contact/"}
    switch(on=True, page=page, **inline)
    assert IgnoredURL.objects.get().pattern == "contact/"
    assert not SiteMaintenance.objects.get(pk=acme.pk).in_maintenance


def test_pages_show_current_state_without_tick(acme, plan, at, browser, switch):
    plan(acme)
    at(TWO)
    assert Filled(browser.get(switch.url).text).fields["in_maintenance"] == "on"
    page = browser.get(reverse(f"{SITES}_changelist"), {"q": "acme"}).text
    assert '<span class="mw-state down">Down</span>' in page
    switch(on=False)
    assert MaintenanceWindow.objects.get().ended_at == TWO
    take_down([acme], until=FOUR)
    at(FOUR)
    assert "in_maintenance" not in Filled(browser.get(switch.url).text).fields
    switch(on=True)
    assert SiteMaintenance.objects.get(pk=acme.pk).held


def test_held_site_accepts_new_message_and_level(acme, switch):
    switch(on=True, message="one")
    switch(on=True, message="two", level="read_only")
    flag = SiteMaintenance.objects.get(pk=acme.pk)
    assert (flag.message, flag.level) == ("two", "read_only")
    assert Transition.objects.count() == 1


def test_saving_unchanged_page_keeps_state(acme, plan, at, browser, switch):
    switch(on=True, message="one")
    page = browser.get(switch.url).text
    take_down([acme], message="two")
    switch(on=True, page=page)
    assert SiteMaintenance.objects.get(pk=acme.pk).message == "two"
    switch(on=False)
    plan(acme)
    at(TWO)
    tick(lambda: TWO)
    switch(on=True)
    assert SiteMaintenance.objects.get(pk=acme.pk).until == FOUR


def test_message_for_site_that_is_up_gives_error(acme, switch):
    assert "Applies only while" in errors(switch(on=False, message="lost"))


def test_inline_ignored_urls_take_effect_immediately(acme, browser, switch):
    visitor = Client(headers={"host": "acme.example"})
    switch(on=True)
    assert visitor.get("/contact/").status_code == 503
    inline = {
        "ignored_urls-TOTAL_FORMS": "1",
        "ignored_urls-0-kind": "route",
        "ignored_urls-0-pattern": "contact/",
        "ignored_urls-0-maintenance": str(acme.pk),
    }
    switch(on=True, **inline)
    assert visitor.get("/contact/").status_code == 404
    assert IgnoredURL.objects.get().pattern == "contact/"


@pytest.mark.parametrize(
    ("kind", "pattern", "words"),
    [
        ("regex", "(", "is invalid"),
        ("regex", ".*", "everything"),
        ("regex", "^(a|aa)+$", "takes too long"),
        ("route", "<path:x>", "everything"),
        ("route", "   ", "required"),
        ("route", "/contact/", "leading slash"),
        ("route", "x" * 256, "at most 255 characters"),
        ("nonsense", "x", "not one of the available choices"),
    ],
)
def test_invalid_patterns_give_error_and_save_nothing(acme, switch, kind, pattern, words):
    inline = {
        "ignored_urls-TOTAL_FORMS": "1",
        "ignored_urls-0-kind": kind,
        "ignored_urls-0-pattern": pattern,
        "ignored_urls-0-maintenance": str(acme.pk),
        "ignored_urls-0-description": "x",
    }
    assert words in errors(switch(on=True, **inline))
    assert not IgnoredURL.objects.exists()
    assert not SiteMaintenance.objects.get(pk=acme.pk).in_maintenance


def test_existing_slow_pattern_still_allows_taking_site_down(acme, switch):
    row = IgnoredURL.objects.create(maintenance=acme.maintenance, kind="regex", pattern="^(a|aa)+$")
    inline = {
        "ignored_urls-TOTAL_FORMS": "1",
        "ignored_urls-INITIAL_FORMS": "1",
        "ignored_urls-0-id": str(row.pk),
        "ignored_urls-0-kind": "regex",
        "ignored_urls-0-pattern": "^(a|aa)+$",
        "ignored_urls-0-maintenance": str(acme.pk),
    }
    changed = {**inline, "ignored_urls-0-pattern": "^(a|aa)+x$"}
    assert "takes too long" in errors(switch(on=True, **changed))
    switch(on=True, **inline)
    assert SiteMaintenance.objects.get(pk=acme.pk).in_maintenance


def test_site_maintenance_forbids_add_and_delete(acme, browser):
    assert browser.get(reverse(f"{SITES}_add")).status_code == 403
    assert browser.get(reverse(f"{SITES}_delete", args=[acme.pk])).status_code == 403
    assert "acme.example" in browser.get(reverse(f"{SITES}_changelist")).text


def test_status_changes_are_read_only(acme, browser):
    take_down([acme], actor="alice")
    url = "admin:maintenance_windows_transition"
    assert "acme.example" in browser.get(reverse(f"{url}_changelist")).text
    row = Transition.objects.get()
    page = reverse(f"{url}_change", args=[row.pk])
    assert browser.get(page).status_code == 200
    assert browser.post(page, {"actor": "mallory"}).status_code == 403
    assert browser.get(reverse(f"{url}_add")).status_code == 403
    assert browser.get(reverse(f"{url}_delete", args=[row.pk])).status_code == 403


def test_concurrent_cancellation_gives_error_message(acme, plan, browser):
    """The window is cancelled before the form gets the lock."""
    window = plan(acme)
    waiting = iter([window.pk])

    def meanwhile(execute, sql, params, many, context):
        if "pg_advisory_xact_lock" in sql or "_scheduler" in sql:
            for pk in waiting:
                windows.cancel(pk)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(meanwhile):
        url = reverse(f"{WINDOWS}_change", args=[window.pk])
        response = browser.post(url, window_form(acme, TWO, FOUR + HOUR), follow=True)
    assert f"Window {window.pk} was cancelled." in response.text
    window.refresh_from_db()
    assert window.ends_at == FOUR
