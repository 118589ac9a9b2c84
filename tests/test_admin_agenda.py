"""The list of windows: what is in progress and coming first, by day, and the way back to it."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from maintenance_windows.admin import agenda, base
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.planning import series, windows
from tests.helpers.pages import fill, messages
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO
from tests.test_admin_lists import plan_of

LIST = "/admin/maintenance_windows/maintenancewindow/"
DAY = timedelta(days=1)


def repeat(site, **more) -> WindowSeries:
    fields = {"rule": "FREQ=DAILY", "start_time": TWO.time(), "zone": "UTC", "length": HOUR}
    template = WindowSeries(starts_on=TWO.date(), **(fields | more))
    (change,) = series.repeat([site], template, clock=lambda: TWO - HOUR)
    return change.series


def titles(response) -> list[str]:
    return [window.title for window in response.context["cl"].result_list]


def heads(response) -> list[str]:
    return [str(one.head) for one in response.context["cl"].result_list if one.head]


def test_list_begins_with_what_is_in_progress_then_by_start(acme, globex, plan, browser, at):
    plan(acme, TWO + 30 * DAY, FOUR + 30 * DAY, title="month")
    plan(globex, TWO, FOUR, title="now")
    plan(acme, TWO - 30 * MINUTE, TWO - MINUTE, title="past")
    early = plan(acme, TWO + DAY, FOUR + DAY, title="early")
    plan(globex, FOUR, FOUR + HOUR, title="soon")
    windows.cancel(plan(globex, title="cancelled").pk)
    plan(acme, TWO + 400 * DAY, FOUR + 400 * DAY, title="year")
    at(TWO + MINUTE)
    windows.start(early.pk)
    page = browser.get(LIST)
    assert titles(page) == ["now", "early", "soon", "month", "year"]
    assert heads(page) == [
        "In progress", "Tonight, Sun 4 Nov", "Tue 4 Dec", "Mon 9 Dec 2030",
    ]  # fmt: skip
    assert "(5)" in page.text
    assert titles(browser.get(LIST, {"status": "completed"})) == ["past"]
    assert titles(browser.get(LIST, {"status": "cancelled"})) == ["cancelled"]
    newest = browser.get(LIST, {"status": "all"})
    assert titles(newest)[:3] == ["year", "month", "early"]
    assert len(titles(newest)) == 7


@pytest.mark.parametrize("narrow", [False, True])
def test_few_and_many_rows_are_listed_alike(acme, globex, plan, browser, at, monkeypatch, narrow):
    for n in range(4):
        plan(acme, TWO + n * DAY, FOUR + n * DAY, title=f"acme {n}")
        plan(globex, TWO + n * DAY, FOUR + n * DAY, title=f"globex {n}")
    at(TWO + MINUTE)
    monkeypatch.setattr(agenda, "FEW", 1000 if narrow else 0)
    found = browser.get(LIST, {"q": "globex"})
    assert titles(found) == [f"globex {n}" for n in range(4)]
    assert heads(found)[:2] == ["In progress", "Tomorrow, Mon 5 Nov"]


def test_recurring_window_is_folded_to_its_next(acme, globex, plan, browser, at):
    nightly, other = repeat(acme, title="nightly"), repeat(globex, title="other")
    plan(acme, TWO + 3 * DAY, FOUR + 3 * DAY, title="once")
    page = browser.get(LIST)
    assert titles(page) == ["nightly", "other", "once"]
    more = nightly.windows.count() - 1
    links = re.findall(r'class="mw-more" href="([^"]+)">([^<]+)<', page.text)
    assert links[0] == (f"?series__id__exact={nightly.pk}", f"{more} more")
    unfolded = browser.get(LIST + unescape(links[0][0]))
    assert titles(unfolded) == ["nightly"] * (more + 1)
    assert links[1][0] == f"?series__id__exact={other.pk}"
    at(TWO + MINUTE)
    assert titles(browser.get(LIST)) == ["nightly", "other", "nightly", "other", "once"]


def test_actions_on_all_rows_leave_folded_ones_alone(acme, browser):
    nightly = repeat(acme)
    form = {"action": "cancel", "_selected_action": ["1"], "select_across": "1"}
    browser.post(LIST, form)
    (cancelled,) = nightly.windows.filter(cancelled_at__isnull=False)
    assert cancelled.occurs_on == TWO.date()


def test_counting_stops_at_the_limit(acme, plan, browser, monkeypatch):
    repeat(acme, title="nightly")
    plan(acme, TWO + 5 * DAY, FOUR + 5 * DAY, title="once")
    monkeypatch.setattr(base, "MAX_COUNTED", 3)
    page = browser.get(LIST)
    assert titles(page) == ["nightly"]
    assert "(1+)" in page.text
    assert ">more</a>" in page.text
    assert "Use the filters to narrow down the list." in page.text


@pytest.mark.skipif(connection.vendor != "sqlite", reason="others plan by how many rows there are")
def test_first_tab_reads_live_rows_in_the_order_of_their_index(acme, plan, browser):
    plan(acme)
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(LIST).status_code == 200
    limit = f"LIMIT {base.MAX_COUNTED + 1}"
    running, coming = [q["sql"] for q in queries if limit in q["sql"]]
    assert "mw_window_waiting" in plan_of(coming)
    assert not re.search(r"(^|->  )Sort  |USE TEMP B-TREE FOR ORDER BY", plan_of(coming))
    assert {"mw_window_running", "mw_window_waiting"} <= set(
        re.findall(r"mw_\w+", plan_of(running))
    )


def test_tabs_are_links_that_keep_search_and_filters(acme, plan, browser):
    plan(acme)
    text = browser.get(LIST, {"q": "acme", "level__exact": "full", "status": "completed"}).text
    nav = re.search(r'<nav class="mw-tabs".*?</nav>', text, re.DOTALL)[0]
    links = [unescape(link) for link in re.findall(r'href="([^"]+)"', nav)]
    assert len(links) == 4
    assert all("q=acme" in link and "level__exact=full" in link for link in links)
    assert re.findall(r'aria-current="page">([^<]+)<', nav) == ["Past (0)"]


def test_long_names_are_cut_in_the_middle_and_states_never(acme, plan, browser):
    name = "a-shop-with-a-very-long-name.europe-west.example"
    type(acme).objects.filter(pk=acme.pk).update(domain=name)
    plan(acme)
    text = browser.get(LIST).text
    cut = re.search(
        r'<bdi class="mw-name" title="([^"]+)"><span>(.*?)</span><span>(.*?)</span>', text
    )
    assert cut[1] == name == cut[2] + cut[3]
    columns = re.findall(r'class="(?:column|sortable column)-(\w+)', text)
    assert columns[:3] == ["site_column", "times_column", "state_column"]


def test_saving_returns_to_the_list_as_it_was_and_marks_the_row(acme, globex, plan, browser):
    nightly = repeat(acme)
    plan(globex)
    row = nightly.windows.order_by("starts_at")[5]
    listed = browser.get(f"{LIST}?q=acme&series__id__exact={nightly.pk}")
    links = [unescape(url) for url in re.findall(rf'href="({LIST}\d+/change/[^"]*)"', listed.text)]
    link = next(url for url in links if f"/{row.pk}/" in url)
    form = fill(browser.get(link).text, title="Changed")
    answer = browser.post(link, form, follow=True)
    url = answer.redirect_chain[-1][0]
    assert url.endswith(f"?q=acme&series__id__exact={nightly.pk}&saved={row.pk}#window-{row.pk}")
    assert f'<span id="window-{row.pk}" class="mw-saved">' in answer.text
    assert answer.text.count("mw-saved") == 1
    # The links of the list do not mark it for ever.
    assert "saved" not in re.search(r'<nav class="mw-tabs".*?</nav>', answer.text, re.DOTALL)[0]


def test_saved_row_is_shown_though_it_is_folded_or_on_another_page(
    acme, globex, plan, browser, monkeypatch
):
    nightly = repeat(acme, title="nightly")
    for n in range(6):
        plan(globex, TWO + n * DAY, FOUR + n * DAY, title=f"n{n}")
    monkeypatch.setattr("maintenance_windows.admin.MaintenanceWindowAdmin.list_per_page", 3)
    row = nightly.windows.order_by("starts_at")[4]
    url = f"{LIST}{row.pk}/change/"
    answer = browser.post(url, fill(browser.get(url).text, title="Changed"), follow=True)
    assert "Changed" in titles(answer)
    assert answer.text.count("mw-saved") == 1


@pytest.mark.parametrize("back", ["/admin/maintenance_windows/?q=acme", "//evil.example/", ""])
def test_saving_returns_to_the_page_one_came_from(acme, plan, browser, back):
    window = plan(acme)
    url = f"{LIST}{window.pk}/change/?back={back}"
    form = fill(browser.get(url).text, title="Changed")
    there = back if back.startswith("/admin") else f"{LIST}?saved={window.pk}"
    assert browser.post(url, form).headers["Location"] == f"{there}#window-{window.pk}"
    going_on = browser.post(url, form | {"_continue": "1"}).headers["Location"]
    assert "back=%2Fadmin" in going_on or not back.startswith("/admin")


def test_list_refuses_odd_values_as_django_does(acme, plan, browser):
    plan(acme)
    for query in ({"saved": "x.²"}, {"saved": "9" * 30}, {"saved": ""}):
        assert browser.get(LIST, query).status_code == 200, query
    assert browser.get(LIST, {"nonsense": "1"}).status_code == 302
    assert messages(browser.get(LIST, {"p": "x"})) == ""
    assert MaintenanceWindow.objects.count() == 1
