"""The public status page and its JSON: current and scheduled maintenance."""

import html
import re
import time
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.sites.models import Site
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import Page

from maintenance_windows.models import MaintenanceWindow, SiteMaintenance
from maintenance_windows.overview.public import MOST
from maintenance_windows.planning import windows
from maintenance_windows.planning.sites import take_down
from maintenance_windows.snapshot import runtime
from tests.helpers.browsing import chromium
from tests.helpers.times import FOUR, HOUR, MINUTE, SECOND, TWO
from tests.test_outage import freeze, outage  # noqa: F401 (a fixture)

PAGE, JSON = "/maintenance/", "/maintenance/status.json"
BRIEF = f"{JSON}?brief"
DAY = timedelta(days=1)
CANARY = "canary-4711"
NOTHING = {
    "at": "2029-11-04T01:00:00Z",
    "site": "acme.example",
    "in_maintenance": False,
    "level": None,
    "since": None,
    "until": None,
    "full_until": None,
    "message": None,
    "retry_after": None,
    "announced": None,
    "coming": [],
    "outages": [],
    "complete": True,
}
ON = {
    "at": "2029-11-04T02:00:00Z",
    "in_maintenance": True,
    "level": "full",
    "since": "2029-11-04T02:00:00Z",
    "until": "2029-11-04T04:00:00Z",
    "full_until": "2029-11-04T04:00:00Z",
    "message": "Disks.",
    "retry_after": 7200,
}
COMING = {
    "starts_at": "2029-11-04T02:00:00Z",
    "ends_at": "2029-11-04T04:00:00Z",
    "level": "full",
    "message": "Disks.",
}
PART = {name: COMING[name] for name in ("starts_at", "ends_at", "level")}
SOON = {
    "announced": COMING,
    "coming": [COMING],
    "outages": [PART | {"parts": [PART], "messages": ["Disks."]}],
}


def state(text: str) -> str:
    """The large line of a page."""
    return html.unescape(re.sub(r"<[^>]+>", "", re.search(r"<h1.*?</h1>", text, re.DOTALL)[0]))


def test_site_that_is_up_shows_no_maintenance(acme, at, visit):
    at(TWO - HOUR)
    assert visit(JSON).json() == NOTHING
    page = visit(PAGE)
    assert page.status_code == 200
    assert state(page.text) == "Everything is up"
    assert "No maintenance is scheduled for the next 30 days." in page.text


def test_status_follows_window_from_scheduled_to_completed(acme, plan, at, visit):
    plan(acme, message="Disks.")
    at(TWO - HOUR)
    assert visit(JSON).json() == NOTHING | SOON
    page = visit(PAGE).text
    assert "Sunday, November 4</time></h3>" in page
    assert "2 a.m. \u2013 4 a.m.</time>" in page
    assert "Disks." in page
    at(TWO)
    assert visit().status_code == 503
    assert visit(JSON).json() == NOTHING | ON
    page = visit(PAGE)
    assert page.status_code == 200
    assert state(page.text) == "acme.example is down until 4 a.m."
    assert "2 a.m. \u2013 4 a.m." not in page.text
    at(FOUR)
    assert visit(JSON).json() == NOTHING | {"at": "2029-11-04T04:00:00Z"}


def test_held_site_is_read_only_until_further_notice(acme, plan, at, visit):
    at(TWO)
    take_down([acme], level="read_only", message="<b>Disks</b>.")
    answer = visit(JSON).json()
    held = ON | {"level": "read_only", "message": "<b>Disks</b>."}
    held |= {"until": None, "full_until": None}
    assert answer == NOTHING | held | {"retry_after": 300}
    page = visit(PAGE).text
    assert state(page) == "acme.example is read-only"
    assert "&lt;b&gt;Disks&lt;/b&gt;." in page
    assert "We do not know yet when changes will be possible." in page
    plan(acme, FOUR, FOUR + HOUR)  # planned still, if somebody brings the site up
    assert "4 a.m. \u2013 5 a.m." in visit(PAGE).text


def test_overlapping_windows_are_one_outage(acme, globex, plan, at, visit):
    plan(acme, TWO, FOUR)
    plan(acme, FOUR - HOUR, FOUR + HOUR, level="read_only")
    plan(acme, TWO + 31 * DAY, FOUR + 31 * DAY)  # too far ahead
    plan(globex)
    windows.cancel(plan(acme, TWO + DAY, FOUR + DAY).pk)
    at(TWO - HOUR)
    coming = visit(JSON).json()["coming"]
    assert [(one["starts_at"][11:16], one["ends_at"][11:16]) for one in coming] == [
        ("02:00", "04:00"),
        ("03:00", "05:00"),
    ]
    assert [one["level"] for one in coming] == ["full", "read_only"]
    (joined,) = visit(JSON).json()["outages"]
    assert (joined["starts_at"][11:16], joined["ends_at"][11:16]) == ("02:00", "05:00")
    assert (joined["level"], joined["messages"]) == ("full", [])
    parts = [(one["starts_at"][11:16], one["level"]) for one in joined["parts"]]
    assert parts == [("02:00", "full"), ("04:00", "read_only")]
    page = visit(PAGE).text
    assert page.count("<h3") == 1
    assert re.findall(r"(\d a.m.) \u2013 (\d a.m.)", page) == [
        ("2 a.m.", "4 a.m."),
        ("4 a.m.", "5 a.m."),
    ]
    at(TWO)
    answer = visit(JSON).json()
    assert answer["until"] == "2029-11-04T05:00:00Z"
    assert len(answer["coming"]) == 1
    assert answer["outages"] == []
    page = visit(PAGE).text
    assert state(page) == "acme.example is down until 4 a.m."
    assert "Then read-only until Nov. 4, 2029, 5 a.m." in page
    assert "<h3" not in page


def downs(page: str) -> list[str]:
    found = re.findall(r"<p>Down: <time[^>]*>(\S+ \S+) \u2013 [^<]*?, (\d+ \S+?)</time>", page)
    return [" to ".join(pair) for pair in found]


def test_page_shows_each_time_at_which_the_outage_is_still_to_be_full(acme, plan, at, visit):
    plan(acme, TWO, TWO + 10 * HOUR, level="read_only")
    plan(acme, TWO, TWO + HOUR)
    plan(acme, TWO + HOUR / 2, TWO + 2 * HOUR)
    for hours in (4, 6):
        plan(acme, TWO + hours * HOUR, TWO + (hours + 1) * HOUR)
    plan(acme, TWO + DAY, FOUR + DAY)
    at(TWO + HOUR / 4)
    assert downs(visit(PAGE).text) == ["6 a.m. to 7 a.m.", "8 a.m. to 9 a.m."]
    at(TWO + 3 * HOUR)
    assert downs(visit(PAGE).text) == ["6 a.m. to 7 a.m.", "8 a.m. to 9 a.m."]
    at(TWO + 4.5 * HOUR)
    assert downs(visit(PAGE).text) == ["8 a.m. to 9 a.m."]
    at(TWO + 8 * HOUR)
    assert downs(visit(PAGE).text) == []
    assert "Monday" in visit(PAGE).text


def test_what_open_pages_ask_costs_no_query(acme, plan, at, client):
    """Each of them asks once a minute."""
    host = {"host": "acme.example"}
    plan(acme, message="Disks.")
    at(TWO - MINUTE)
    client.get(JSON, headers=host)  # the snapshot is there
    with CaptureQueriesContext(connection) as captured:
        content = client.get(BRIEF, headers=host).json()
    assert captured.captured_queries == []
    assert content["announced"] == COMING
    assert (content["in_maintenance"], content["complete"]) == (False, False)
    at(TWO)
    assert client.get(BRIEF, headers=host).json()["retry_after"] == 7200


def test_list_and_query_count_are_bounded(acme, at, client):
    at(TWO - HOUR)
    before = queries(client)
    windows = [
        MaintenanceWindow(site=acme, starts_at=TWO + n * HOUR, ends_at=TWO + n * HOUR + MINUTE)
        for n in range(MOST + 5)
    ]
    MaintenanceWindow.objects.bulk_create(windows)
    coming = client.get(JSON, headers={"host": "acme.example"}).json()["coming"]
    assert len(coming) == MOST == 50
    assert coming[-1]["starts_at"] == "2029-11-06T03:00:00Z"
    assert queries(client) == before == 4


def queries(client: Client) -> int:
    """Count the queries of the page and the JSON; a transaction excludes other threads."""
    client.get(JSON, headers={"host": "acme.example"})
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        for path in (PAGE, JSON):
            assert client.get(path, headers={"host": "acme.example"}).status_code == 200
    return len(captured)


def test_public_pages_omit_internal_texts(acme, globex, at, visit):
    at(TWO - HOUR)
    for starts_at in (TWO, TWO + DAY):
        windows.schedule(
            [acme], starts_at=starts_at, ends_at=starts_at + HOUR, title=CANARY, actor=CANARY
        )
    windows.schedule([globex], starts_at=TWO, ends_at=FOUR, message=CANARY)
    acme.maintenance.ignored_urls.create(pattern=CANARY, description=CANARY)
    MaintenanceWindow.objects.filter(site=acme).update(created_by=CANARY)
    Site.objects.filter(pk=acme.pk).update(name=CANARY)
    for now in (TWO - MINUTE, TWO):
        at(now)
        runtime.publish()
        for path in (PAGE, JSON):
            for accept in ("text/html", "application/json"):
                assert CANARY not in visit(path, accept=accept).text
    for accept in ("text/html", "application/json", "text/plain"):
        closed = visit(accept=accept)
        assert closed.status_code == 503
        assert CANARY not in closed.text
        assert CANARY not in str(closed.headers)


@pytest.mark.parametrize("path", [PAGE, JSON])
def test_unknown_host_gets_404(acme, at, visit, settings, path):
    at(TWO)
    assert visit(path, host="unknown.example").status_code == 404
    assert visit(path, host="ACME.example:8000").status_code == 200
    Site.objects.filter(pk=acme.pk).update(domain="Acme.example")
    assert visit(path).status_code == 200
    settings.SITE_ID = acme.pk
    assert "Acme.example" in visit(path, host="unknown.example").text
    settings.SITE_ID = 999_999
    assert visit(path).status_code == 404


@pytest.mark.parametrize("path", [PAGE, JSON])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_get_405(acme, plan, at, client, path, method):
    plan(acme)
    at(TWO)
    client.handler.enforce_csrf_checks = True
    answer = client.generic(method, path, headers={"host": "acme.example"})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_unchanged_status_gives_304(acme, plan, at, visit):
    plan(acme, level="read_only")
    at(TWO)
    for path in (PAGE, JSON):
        first = visit(path)
        assert first.headers["Cache-Control"] == "no-cache"
        assert first.headers["ETag"].startswith('W/"' if path == JSON else '"')
    at(TWO + MINUTE)
    for path in (PAGE, JSON):
        etag = visit(path).headers["ETag"]
        for method in ("GET", "HEAD"):
            again = visit(path, method=method, if_none_match=etag)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["Cache-Control"] == "no-cache"
            assert again.headers["ETag"] == etag
        assert "Accept-Language" in again.headers["Vary"]
    assert visit(JSON).json()["at"] == "2029-11-04T02:01:00Z"
    assert visit(JSON).headers["ETag"] == first.headers["ETag"]
    windows.extend(MaintenanceWindow.objects.get().pk, by=SECOND)
    assert visit(JSON, if_none_match=first.headers["ETag"]).status_code == 200
    assert visit(PAGE, if_none_match=etag).status_code == 200


def test_cors_allows_any_origin_for_json_only(acme, at, visit):
    at(TWO)
    answer = visit(JSON, origin="https://status.example")
    again = visit(JSON, origin="https://status.example", if_none_match=answer.headers["ETag"])
    assert again.status_code == 304
    for one in (answer, again):
        assert one.headers["Access-Control-Allow-Origin"] == "*"
        assert not any(name.startswith("Access-Control-Expose") for name in one.headers)
    assert answer.headers["Content-Type"] == "application/json"
    assert "Access-Control-Allow-Origin" not in visit(PAGE).headers


def test_page_loads_no_resources_and_no_user(acme, at, visit, alice):
    at(TWO)
    page = visit(PAGE, user=alice)
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "Cookie" not in page.headers["Vary"]
    assert "alice" not in page.text
    assert not page.cookies


def test_status_stays_available_without_database(acme, plan, at, visit, outage):  # noqa: F811
    plan(acme, message="Disks.")
    plan(acme, TWO + DAY, FOUR + DAY)
    at(TWO - HOUR)
    assert len(visit(JSON).json()["coming"]) == 2
    with outage():
        for _ in range(2):  # before and after the refresher notices the outage
            assert visit(JSON).json() == NOTHING | SOON | {"complete": False}
            page = visit(PAGE)
            assert page.status_code == 200
            assert "Disks." in page.text
            assert "more may be planned" in page.text
            runtime.publish()
        at(TWO)
        assert visit(JSON).json() == NOTHING | ON | {"complete": False}
        assert "is down until" in state(visit(PAGE).text)
        assert visit(JSON, host="globex.example").json()["in_maintenance"] is False
    runtime.publish()
    assert visit(JSON).json()["complete"] is True


def test_status_responds_while_database_is_frozen(acme, plan, at, visit, monkeypatch):
    plan(acme)
    at(TWO)
    assert visit(JSON).json()["complete"] is True
    with freeze(monkeypatch):
        began = time.monotonic()
        answer = visit(JSON).json()
        assert time.monotonic() - began < 5
    assert (answer["in_maintenance"], answer["complete"]) == (True, False)
    runtime.publish()


@pytest.mark.parametrize("away", [False, True])
def test_status_shows_forced_maintenance(acme, plan, at, visit, outage, settings, away):  # noqa: F811
    plan(acme)
    at(TWO)
    settings.MAINTENANCE_FORCE = "on"
    forced = ON | {"since": None, "until": None, "message": "", "retry_after": 300}
    forced |= {"full_until": None}
    if away:
        with outage():
            answer, page = visit(JSON).json(), visit(PAGE).text
    else:
        answer, page = visit(JSON).json(), visit(PAGE).text
    assert answer == NOTHING | forced | {"complete": not away}
    assert state(page) == "acme.example is down"
    assert "1970" not in page
    settings.MAINTENANCE_FORCE = "off"
    assert visit(JSON).json()["in_maintenance"] is False
    assert state(visit(PAGE).text) == "Everything is up"


def test_page_says_that_the_state_is_unknown(acme, at, visit, outage):  # noqa: F811
    at(TWO)
    with outage():
        runtime.forget()
        assert state(visit(PAGE).text) == "We cannot tell the status at the moment"
    runtime.forget()


def test_status_shows_flag_set_by_sql(acme, at, visit):
    at(TWO)
    SiteMaintenance.objects.filter(pk=acme.pk).update(in_maintenance=True)
    assert visit(JSON).json()["until"] is None
    assert visit(JSON).json()["in_maintenance"] is True


def test_project_template_overrides_page(acme, plan, at, visit, alice, settings):
    own = "{{ site }} {{ words.title }} {{ user.is_staff }} {{ coming.0.span.start|date:'H' }}"
    loader = (
        "django.template.loaders.locmem.Loader",
        {"maintenance_windows/public.html": own},
    )
    settings.TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "loaders": [loader],
                "context_processors": ["django.contrib.auth.context_processors.auth"],
            },
        }
    ]
    settings.TIME_ZONE = "Europe/Berlin"
    plan(acme)
    plan(acme, TWO + DAY, FOUR + DAY)
    at(TWO)
    page = visit(PAGE, user=alice)
    assert page.text == "acme.example Down for maintenance False 03"
    assert "Content-Security-Policy" not in page.headers


def test_page_follows_text_direction(acme, at, visit, arabic):
    at(TWO)
    assert '<html lang="ar" dir="rtl">' in visit(PAGE, accept_language="ar").text
    assert '<html lang="en">' in visit(PAGE).text
    italian = visit(PAGE, accept_language="it")
    assert '<html lang="en">' in italian.text
    assert italian.headers["Content-Language"] == "en"


@pytest.mark.slow
def test_page_is_readable_and_accessible(acme, plan, at, client, arabic):
    """A viewport of 1280 pixels has 640 at 200 % zoom and 320 at 400 %."""
    plan(acme, message="New disks.\n\nx" + "x" * 100)
    plan(acme, FOUR - HOUR, FOUR, level="read_only")
    plan(acme, TWO + DAY, FOUR + DAY, level="read_only", message="\u0646\u0639\u0645\u0644.")
    at(TWO)
    answers = {
        language: client.get(PAGE, headers={"host": "acme.example", "accept-language": language})
        for language in ("en", "ar")
    }
    with chromium() as browser:
        for language, direction, width, scheme in (
            ("en", "ltr", 1280, "light"),
            ("en", "ltr", 640, "dark"),
            ("ar", "rtl", 320, "light"),
        ):
            page, said = open_page(browser, answers[language], width, scheme)
            assert page.evaluate("getComputedStyle(document.body).direction") == direction
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            audit = Axe().run(page)
            assert audit.violations_count == 0, audit.generate_report()
            assert said == []
        page, _ = open_page(browser, answers["en"], 1280, "light")
        text = page.locator("main").inner_text().replace("\u202f", " ")
        assert "is down until Sunday, November 4 at 12:00 AM" in text
        assert "Time zone: America/New_York" in text
        assert "UTC" not in text
        page.keyboard.press("Shift+Tab")
        assert page.evaluate("document.activeElement.href").endswith(JSON)
        page, _ = open_page(browser, answers["en"], 1280, "light", java_script_enabled=False)
        assert "Time zone: UTC" in page.locator("main").inner_text()


def open_page(browser, answer, width: int, scheme: str, **options) -> tuple[Page, list[str]]:
    """Show the response in a browser in New York; return the page and its console messages."""
    context = browser.new_context(
        color_scheme=scheme,
        timezone_id="America/New_York",
        viewport={"width": width, "height": 844},
        **options,
    )
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.route("**", lambda route: route.fulfill(body=answer.text, headers=dict(answer.headers)))
    page.goto(f"https://acme.example{PAGE}")
    return page, said
