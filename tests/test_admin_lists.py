"""The admin's lists: search, limits, order and date links without reading all rows."""

import re
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sites.models import Site
from django.db import connection
from django.test.utils import CaptureQueriesContext

from maintenance_windows.admin import MaintenanceWindowAdmin, base, search
from maintenance_windows.models import MaintenanceWindow, Transition
from maintenance_windows.models import search as site_search
from maintenance_windows.planning import windows
from maintenance_windows.planning.sites import bring_up, take_down
from tests.helpers.pages import messages, times
from tests.helpers.times import FOUR, HOUR, TWO

DAY = 24 * HOUR
URL = "/admin/maintenance_windows/"
WINDOWS, SITES, TRANSITIONS = (
    f"{URL}{model}/" for model in ("maintenancewindow", "sitemaintenance", "transition")
)
OTHER_WAYS = ("bitmapscan", "hashjoin", "mergejoin", "seqscan", "sort")
ALL = {"status": "all"}
CUT = "are shown. Use the filters to narrow down the list."


@pytest.fixture
def nights(acme, globex) -> list[MaintenanceWindow]:
    """Five nights in a row, one a year earlier and one a year later; acme has 0, 2, 4 and 6."""
    starts = [TWO - 366 * DAY, *(TWO + n * DAY for n in range(5)), TWO + 366 * DAY]
    return MaintenanceWindow.objects.bulk_create(
        MaintenanceWindow(
            site=[acme, globex][n % 2], starts_at=start, ends_at=start + HOUR, title=f"Night {n}"
        )
        for n, start in enumerate(starts)
    )


def numbers(response) -> list[int]:
    return [int(window.title[-1]) for window in response.context["cl"].result_list]


def date_links(response) -> dict[str, str]:
    """The date links above a list, with their URLs by text."""
    nav = re.search(r'<nav class="toplinks"[^>]*>(.*?)</nav>', response.text, re.DOTALL)[1]
    found = re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', nav)
    return {said.replace("&lsaquo;", "").strip(): unescape(link) for link, said in found}


def plan_of(sql: str) -> str:
    """The query plan; PostgreSQL chooses as for a large table."""
    is_postgresql = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        for other in OTHER_WAYS if is_postgresql else ():
            cursor.execute(f"SET enable_{other} = off")
        cursor.execute(f"EXPLAIN {'' if is_postgresql else 'QUERY PLAN'} {sql}")
        lines = [str(row[-1]) for row in cursor.fetchall()]
        for other in OTHER_WAYS if is_postgresql else ():
            cursor.execute(f"RESET enable_{other}")
    return "\n".join(lines)


@pytest.mark.parametrize("path", [WINDOWS, SITES, TRANSITIONS, f"{URL}windowseries/"])
def test_query_count_is_independent_of_list_length(acme, browser, at, path):
    asked = []
    for number in range(2):
        with CaptureQueriesContext(connection) as queries:
            assert "_facets" not in browser.get(path).text
        asked.append([re.sub(r"\(.*\)", "", query["sql"]) for query in queries])
        limit = f"LIMIT {base.MAX_COUNTED + 1}"
        assert not [q for q in queries if "COUNT(*)" in q["sql"] and limit not in q["sql"]]
        assert [q for q in queries if limit in q["sql"]]
        for n in range(5):
            site = Site.objects.create(domain=f"s{number}{n}.example")
            windows.schedule([site], starts_at=TWO, ends_at=FOUR)
            take_down([site])
    assert len(asked[0]) <= len(asked[1]) <= 10


@pytest.mark.skipif(connection.vendor == "mysql", reason="MariaDB plans by how many rows there are")
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({"status": "all"}, "mw_window_newest"),
        ({"status": "all", "o": "2"}, "mw_window_newest"),
        ({"status": "all", "level__exact": "read_only"}, "mw_window_newest"),
        ({"status": "all", "series__isempty": "1"}, "mw_window_newest"),
        ({"status": "cancelled"}, "mw_window_cancelled"),
        ({"status": "completed"}, "mw_window_newest"),
        ({"starts_at__year": "2029"}, "mw_window_newest"),
    ],
)
def test_window_list_order_uses_index(nights, browser, monkeypatch, query, index):
    monkeypatch.setattr(base, "FEW", -1)  # treat every match as too many
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(WINDOWS, query).status_code == 200
    (sql,) = [q["sql"] for q in queries if "ORDER BY" in q["sql"] and 'window"."title"' in q["sql"]]
    plan = plan_of(sql if "LIMIT" in sql else f"{sql} LIMIT 100")
    assert index in plan
    # Only rows with the same start are sorted, and only those of the page.
    assert not re.search(r"(^|->  )Sort  |USE TEMP B-TREE FOR ORDER BY", plan)


def test_only_indexed_columns_are_sortable(nights, browser):
    text = browser.get(WINDOWS, ALL).text
    head = re.search(r"<thead>(.*?)</thead>", text, re.DOTALL)[1]
    assert set(re.findall(r"\bo=-?(\d)", head)) == {"2"}
    assert numbers(browser.get(WINDOWS, ALL | {"o": "2"})) == [0, 1, 2, 3, 4, 5, 6]
    assert "o=" not in re.search(r"<thead>(.*?)</thead>", browser.get(WINDOWS).text, re.DOTALL)[1]


def test_list_beyond_count_limit_shows_notice(nights, browser, monkeypatch):
    monkeypatch.setattr(base, "MAX_COUNTED", 7)
    assert CUT not in browser.get(WINDOWS, ALL).text
    assert CUT not in browser.get(WINDOWS).text
    monkeypatch.setattr(base, "MAX_COUNTED", 4)
    for tab in (ALL, {}):
        page = browser.get(WINDOWS, tab)
        assert f"Only the first 4 {CUT}" in page.text
        assert "4 windows" in " ".join(page.text.split())
        assert "4 results" not in page.text
    assert "(4+)" in page.text
    assert "4 results" not in browser.get(WINDOWS, ALL | {"q": "night"}).text
    found = browser.get(WINDOWS, ALL | {"q": "acme"})
    assert CUT not in found.text
    assert "4 results" in found.text


def test_pagination_stops_at_count_limit(nights, browser, monkeypatch):
    monkeypatch.setattr(MaintenanceWindowAdmin, "list_per_page", 2)
    monkeypatch.setattr(base, "MAX_COUNTED", 4)
    assert numbers(browser.get(WINDOWS, ALL | {"p": 2})) == [4, 3]
    assert numbers(browser.get(WINDOWS, {"p": 2})) == [3, 4]
    for tab in (ALL, {}):
        assert browser.get(WINDOWS, tab | {"p": 3}).headers["Location"].endswith("?e=1")


def test_action_beyond_selection_limit_gives_error(nights, browser, at, monkeypatch):
    monkeypatch.setattr(base, "MAX_SELECTED", 2)
    given = {"action": "cancel", "_selected_action": [nights[3].pk], "select_across": "1"}
    assert messages(browser.post(WINDOWS, given, follow=True)) == "You can select at most 2 items."
    assert not MaintenanceWindow.objects.filter(cancelled_at__isnull=False).exists()
    browser.post(f"{WINDOWS}?q=night+3", given)
    assert MaintenanceWindow.objects.get(cancelled_at__isnull=False) == nights[3]


def test_date_links_span_first_to_last_row(nights, browser):
    page = browser.get(WINDOWS)
    assert list(date_links(page)) == ["2028", "2029", "2030"]
    year = browser.get(WINDOWS + date_links(page)["2028"])
    assert numbers(year) == [0]
    assert list(date_links(year)) == ["All dates", "November 2028", "December 2028"]
    month = browser.get(WINDOWS + date_links(year)["November 2028"])
    assert list(date_links(month))[:2] == ["2028", "November 3"]
    assert len(date_links(month)) == 1 + 28
    day = browser.get(WINDOWS + date_links(month)["November 3"])
    assert numbers(day) == [0]
    assert list(date_links(day)) == ["November 2028"]
    assert date_links(day)["November 2028"] == date_links(year)["November 2028"]


def test_date_links_use_time_zone_and_keep_filters(acme, browser, settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    assert "toplinks" not in browser.get(WINDOWS).text
    windows.schedule([acme], starts_at=TWO + 14 * HOUR, ends_at=TWO + 15 * HOUR)
    page = browser.get(WINDOWS, {"status": "scheduled"})
    assert list(date_links(page)) == ["All dates", "November 2029"]
    month = browser.get(WINDOWS + date_links(page)["November 2029"])
    assert list(date_links(month)) == ["2029", "November 5"]
    assert "status=scheduled" in date_links(month)["November 5"]
    assert browser.get(WINDOWS, {"starts_at__year": "x"}).status_code == 302


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("acme", [6, 4, 2, 0]),
        ("ACME night", [6, 4, 2, 0]),
        ("night globex", [5, 3, 1]),
        ("'night 4'", [4]),
        ("acme globex", []),
        ("'globex inc'", [5, 3, 1]),
        ("inc night acme", []),
        ("nobody", []),
    ],
)
def test_search_matches_each_word_in_name_domain_or_title(nights, globex, browser, text, found):
    Site.objects.filter(pk=globex.pk).update(name="Globex Inc")
    page = browser.get(WINDOWS, ALL | {"q": text})
    assert numbers(page) == found
    assert messages(page) == ""


def test_title_search_covers_rows_near_now_or_chosen_date(nights, at, browser, monkeypatch):
    monkeypatch.setattr(search, "NEAR", 2)
    at(TWO + 2 * DAY)
    page = browser.get(WINDOWS, ALL | {"q": "night"})
    assert numbers(page) == [5, 4, 3, 2]
    assert messages(page) == (
        "Titles were searched only from 2029-11-04 to 2030-11-05: "
        "choose a date to search another period."
    )
    assert numbers(browser.get(WINDOWS, ALL | {"q": "acme"})) == [6, 4, 2, 0]
    page = browser.get(WINDOWS, {"q": "night", "starts_at__year": "2028"})
    assert (numbers(page), messages(page)) == ([0], "")
    page = browser.get(WINDOWS, {"q": "night", "starts_at__year": "2030"})
    assert (numbers(page), messages(page)) == ([6], "")
    at(TWO + 10 * DAY)
    page = browser.get(WINDOWS, ALL | {"q": "night"})
    assert numbers(page) == [6, 5, 4]
    assert "from 2029-11-06 to …:" in messages(page)


def test_search_with_many_matching_sites_covers_rows_near_now(nights, at, browser, monkeypatch):
    monkeypatch.setattr(search, "NEAR", 2)
    monkeypatch.setattr(site_search, "FEW", 1)
    at(TWO + 2 * DAY)
    page = browser.get(WINDOWS, ALL | {"q": "example"})
    assert numbers(page) == [5, 4, 3, 2]
    assert (
        messages(page)
        == "More than 1 sites match. Only windows from 2029-11-04 to 2030-11-05 were searched."
    )
    assert numbers(browser.get(WINDOWS, ALL | {"q": "globex"})) == [5, 3, 1]


def test_status_change_search_matches_site_and_actor(acme, globex, at, browser):
    for n, name in enumerate(("alice", "bob", "bob")):
        at(TWO + n * DAY)
        take_down([acme, globex], actor=name)
        bring_up([acme, globex], actor=name)
    counts = {
        text: browser.get(TRANSITIONS, {"q": text}).context["cl"].result_count
        for text in ("acme", "bob", "acme alice", "example")
    }
    assert counts == {"acme": 6, "bob": 8, "acme alice": 2, "example": 12}
    assert Transition.objects.count() == 12


@pytest.mark.parametrize("few", [0, 1000])
def test_site_search_matches_domain_and_name(acme, globex, browser, monkeypatch, few):
    monkeypatch.setattr(site_search, "FEW", few)
    Site.objects.create(domain="shop.example", name="Acme's shop")
    for text, number in (("ACME", 2), ("acme shop", 1), ("example", 4), ("nobody", 0)):
        assert browser.get(SITES, {"q": text}).context["cl"].result_count == number, text


def test_adding_windows_for_many_sites_logs_in_bulk(acme, browser):
    sites = Site.objects.bulk_create(Site(domain=f"s{n}.example") for n in range(40))
    asked = []
    for chosen in (sites[:2], sites):
        form = {"sites": [site.pk for site in chosen], "zone": "UTC", "level": "full"}
        with CaptureQueriesContext(connection) as queries:
            browser.post(f"{WINDOWS}add/", form | times("starts_at", TWO) | times("ends_at", FOUR))
        asked.append(len(queries))
    assert asked[0] >= asked[1]
    assert LogEntry.objects.count() == MaintenanceWindow.objects.count() == 42
