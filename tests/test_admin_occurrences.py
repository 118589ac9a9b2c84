"""The page of a recurring window: its next windows, their verbs, and its end."""

import re
from datetime import date, time, timedelta

import pytest
from django.contrib.auth.models import Permission, User

from maintenance_windows.models import Freeze, MaintenanceWindow, WindowSeries
from maintenance_windows.planning import series, windows
from tests.helpers.pages import fill, messages
from tests.helpers.times import HOUR, MINUTE, TWO
from tests.test_admin_verbs import forms, submit

LIST = "/admin/maintenance_windows/windowseries/"
WEEK = timedelta(days=7)
FIRST = date(2029, 11, 4)


@pytest.fixture
def sundays(acme, browser) -> WindowSeries:
    template = WindowSeries(
        rule="FREQ=WEEKLY", starts_on=FIRST, start_time=time(2), zone="UTC", length=2 * HOUR
    )
    (change,) = series.repeat([acme], template, clock=lambda: TWO - HOUR)
    return change.series


def page_of(one: WindowSeries) -> str:
    return f"{LIST}{one.pk}/change/"


def press(client, one: WindowSeries, verb: str, **values: str):
    return client.post(f"{LIST}{one.pk}/verb/", {"verb": verb, **values}, follow=True)


def rows(text: str) -> list[tuple[str, str]]:
    """When each of the next windows is, and its state."""
    found = re.findall(r'class="mw-when">([^<]+)</span> <span class="mw-pill \w+">([^<]+)<', text)
    return [(when[:10].strip(), state) for when, state in found]


def live(one: WindowSeries) -> list[date]:
    coming = one.windows.filter(cancelled_at=None, ended_at=None).order_by("starts_at")
    return [window.starts_at.date() for window in coming]


def test_page_lists_the_next_ten_also_those_not_made_yet(sundays, browser):
    found = rows(browser.get(page_of(sundays)).text)
    assert found[:2] == [("Sun 4 Nov", "Scheduled"), ("Sun 11 Nov", "Scheduled")]
    assert len(found) == 10
    assert sundays.windows.count() < 10
    assert "Next in 1 h, Sun 4 Nov" in browser.get(page_of(sundays)).text


@pytest.mark.parametrize(
    ("level", "sentence"),
    [("full", "takes acme.example down now, until"), ("read_only", "makes acme.example read-only")],
)
def test_restore_that_starts_a_window_at_once_asks(sundays, browser, at, level, sentence):
    series.revise(sundays.pk, level=level)
    series.skip(sundays.pk, FIRST)
    assert sentence not in browser.get(page_of(sundays)).text
    at(TWO + MINUTE)
    assert sentence in browser.get(page_of(sundays)).text


@pytest.mark.parametrize("verb", ["skip", "restore", "change"])
@pytest.mark.parametrize("day", ["0001-01-07", "1969-12-28", "9999-12-26", "9999-12-31"])
def test_date_beyond_the_calendar_gets_sentence(sundays, browser, verb, day):
    answer = press(browser, sundays, verb, date=day)
    assert f"Recurring window {sundays.pk}" in messages(answer)
    assert day in messages(answer)


def test_page_with_date_beyond_the_calendar_is_saved(sundays, browser):
    page = browser.get(page_of(sundays)).text
    answer = browser.post(page_of(sundays), fill(page, excluded="9999-12-31"), follow=True)
    assert "9999-12-31" in messages(answer)
    history = browser.get(f"{LIST}{sundays.pk}/history/").text
    assert "skipped dates - → 9999-12-31" in history


def test_dates_of_an_earlier_rule_are_not_listed(sundays, browser):
    series.revise(sundays.pk, rule="FREQ=MONTHLY;BYDAY=2TU")
    text = browser.get(page_of(sundays)).text
    assert {when[:3] for when, _ in rows(text)} == {"Tue"}
    assert {state for _, state in rows(text)} == {"Scheduled"}
    assert re.search(r"Next in 9 d.*, Tue 13 Nov", text)


def test_next_window_is_named_behind_a_long_freeze(sundays, browser, at):
    Freeze.objects.create(
        everywhere=True, starts_at=TWO - HOUR, ends_at=TWO + 20 * WEEK, reason="Sale"
    )
    series.materialise()
    text = browser.get(page_of(sundays)).text
    assert {state for _, state in rows(text)} == {"Skipped"}
    assert text.count("Freeze: Sale") == 10
    assert re.search(r"Next in 140 d.*, Sun 24 Mar", text)


def test_only_people_who_can_freeze_are_offered_to_restore_in_a_freeze(sundays, client, at):
    window = sundays.windows.get(occurs_on=FIRST)
    Freeze.objects.create(everywhere=True, starts_at=TWO, ends_at=TWO + HOUR, reason="Sale")
    series.materialise()
    user = User.objects.create_user("planner", is_staff=True)
    names = ["change_windowseries", "view_windowseries"]
    names += ["change_maintenancewindow", "view_maintenancewindow"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    pages = page_of(sundays), f"/admin/maintenance_windows/maintenancewindow/{window.pk}/change/"
    assert not any(
        'value="restore"' in client.get(page).text.partition("later")[0] for page in pages
    )
    user.user_permissions.add(Permission.objects.get(codename="freeze_sites"))
    client.force_login(User.objects.get(pk=user.pk))
    assert all('value="restore"' in client.get(page).text for page in pages)


def test_skipped_cancelled_moved_and_frozen_dates_are_marked(sundays, browser, at):
    series.skip(sundays.pk, FIRST + WEEK)
    windows.cancel(sundays.windows.get(occurs_on=FIRST + 2 * WEEK).pk)
    moved = sundays.windows.get(occurs_on=FIRST + 3 * WEEK)
    windows.move(moved.pk, starts_at=moved.starts_at + HOUR, ends_at=moved.ends_at + HOUR)
    start = TWO + 9 * WEEK  # beyond the windows that are made
    Freeze.objects.create(everywhere=True, starts_at=start, ends_at=start + HOUR, reason="Sale")
    at(TWO + MINUTE)
    text = browser.get(page_of(sundays)).text
    states = [state for _when, state in rows(text)]
    assert states[:4] == ["In progress", "Skipped", "Cancelled", "Scheduled"]
    assert "Edited individually" in text
    assert "In progress, ends in 1 h 59 min" in text
    assert "Freeze: Sale" in text
    assert states[-1] == "Skipped"


def test_skip_and_restore_of_the_next_windows(sundays, browser):
    for day in (FIRST, FIRST + 9 * WEEK):
        buttons = forms(browser.get(page_of(sundays)).text)
        (skip,) = [f for f in buttons if (f.get("verb"), f.get("date")) == ("skip", f"{day}")]
        answer = submit(browser, skip)
        assert f"{day} is skipped." in messages(answer)
        sundays.refresh_from_db()
        assert f"{day}" in sundays.excluded
        assert day not in live(sundays)
        (undo,) = forms(messages(answer))
        assert f"{day} takes place." in messages(submit(browser, undo))
        sundays.refresh_from_db()
        assert sundays.excluded == []
    assert FIRST in live(sundays)


def test_restore_takes_back_a_cancelled_window(sundays, browser):
    windows.cancel(sundays.windows.get(occurs_on=FIRST).pk)
    press(browser, sundays, "restore", date=f"{FIRST}")
    assert FIRST in live(sundays)


def test_change_this_one_leads_to_the_window_and_makes_it_first(sundays, browser):
    far = FIRST + 30 * WEEK
    answer = press(browser, sundays, "change", date=f"{far}")
    window = MaintenanceWindow.objects.get(occurs_on=far)
    url, _status = answer.redirect_chain[-1]
    assert url.startswith(f"/admin/maintenance_windows/maintenancewindow/{window.pk}/change/?back=")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("verb", "day", "said"),
    [
        ("skip", "2029-11-05", "has no window on 2029-11-05: the nearest starts on 2029-11-04."),
        ("change", "2029-11-05", "has no window on 2029-11-05"),
        ("restore", "2029-11-04", "does not skip 2029-11-04."),
        ("skip", "tomorrow", "Enter a date as YYYY-MM-DD."),
        ("skip", "", "Enter a date as YYYY-MM-DD."),
    ],
)
def test_refusals_are_shown(sundays, browser, verb, day, said):
    before = list(MaintenanceWindow.objects.values())
    assert said in messages(press(browser, sundays, verb, date=day))
    assert list(MaintenanceWindow.objects.values()) == before


def test_end_says_what_it_does_before_and_after(sundays, browser):
    moved = sundays.windows.get(occurs_on=FIRST + WEEK)
    windows.move(moved.pk, starts_at=moved.starts_at + HOUR, ends_at=moved.ends_at + HOUR)
    number = sundays.windows.count() - 1
    text = browser.get(page_of(sundays)).text
    assert f"Creates no more windows and cancels {number} coming windows." in text
    assert "1 window that was edited individually stays: Sun 11 Nov 03:00" in text
    answer = press(browser, sundays, "end")
    assert f"ended. {number} coming windows cancelled. 1 window that was edited" in messages(answer)
    assert live(sundays) == [FIRST + WEEK]
    text = browser.get(page_of(sundays)).text
    assert "Cancel the rest…" in text
    (form,) = [form for form in forms(text) if form.get("verb") == "end"]
    assert "1 coming window cancelled." in messages(submit(browser, form))
    assert live(sundays) == []
    assert not [form for form in forms(browser.get(page_of(sundays)).text) if "verb" in form]


def test_end_takes_edited_windows_along(sundays, browser):
    moved = sundays.windows.get(occurs_on=FIRST + WEEK)
    windows.move(moved.pk, starts_at=moved.starts_at + HOUR, ends_at=moved.ends_at + HOUR)
    press(browser, sundays, "end", with_edited="1")
    assert live(sundays) == []


def test_page_of_a_viewer_has_no_verbs(sundays, client):
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename="view_windowseries"))
    client.force_login(viewer)
    text = client.get(page_of(sundays)).text
    assert "You may view recurring windows, not change them." in text
    assert not [form for form in forms(text) if "/verb/" in form["action"]]
    for verb in ("skip", "restore", "change", "end"):
        answer = client.post(f"{LIST}{sundays.pk}/verb/", {"verb": verb, "date": f"{FIRST}"})
        assert answer.status_code == 403, verb
    assert FIRST in live(sundays)


def test_planner_restores_no_date_that_would_start_at_once(sundays, client, at):
    series.skip(sundays.pk, FIRST)
    at(TWO + MINUTE)
    planner = User.objects.create_user("planner", is_staff=True)
    names = ["view_windowseries", "change_windowseries"]
    planner.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(planner)
    answer = press(client, sundays, "restore", date=f"{FIRST}")
    assert "requires the permission to operate sites" in messages(answer)
    sundays.refresh_from_db()
    assert sundays.excluded == [f"{FIRST}"]


def test_odd_buttons(sundays, browser):
    url = f"{LIST}{sundays.pk}/verb/"
    assert browser.get(url).headers["Location"] == page_of(sundays)
    assert browser.post(url, {"verb": "destroy"}).status_code == 404
    assert browser.post(f"{LIST}0/verb/", {"verb": "end"}).status_code == 404


def test_rule_written_with_sql_still_has_a_page(sundays, browser):
    WindowSeries.objects.filter(pk=sundays.pk).update(rule="FREQ=SOMETIMES")
    assert browser.get(page_of(sundays)).status_code == 200


def test_site_names_are_searched_and_saved_series_is_marked(sundays, acme, browser):
    type(acme).objects.filter(pk=acme.pk).update(name="Rocket shop")
    assert browser.get(LIST, {"q": "rocket"}).context["cl"].result_count == 1
    assert browser.get(LIST, {"saved": sundays.pk}).text.count("mw-saved") == 1
