"""The banner in a browser: in the reader's zone, closed for good, and in pages that are open."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.template import engines
from django.test import Client
from django.utils import translation

from maintenance_windows.core.state import Level
from maintenance_windows.planning import windows
from maintenance_windows.snapshot import runtime
from tests.helpers.browsing import chromium
from tests.helpers.markdown import blocks
from tests.helpers.tabs import HERE, SITE, Answer, Tab, tabs
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent
ASSETS = ROOT / "maintenance_windows/static/maintenance_windows"
DOCS = ROOT / "docs/visitors.md"
STATUS = f"{SITE}/maintenance/status.json?brief"
TAG = "{% load maintenance %}{% maintenance_banner %}"
# As strict as a project can be.
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"
(EXAMPLE,) = [one.text for one in blocks(DOCS.read_text()) if one.language == "js"]
HEARD = """
window.heard = [];
document.addEventListener("maintenance:change", (event) => heard.push(event.detail));
"""


@pytest.fixture
def page(rf):
    """A page of a project with the banner, as it is now."""

    def page(language: str = "en", direction: str = "ltr") -> Answer:
        runtime.publish()
        request = rf.get("/", headers={"host": "acme.example"})
        with translation.override(language):
            banner = engines["django"].from_string(TAG).render({}, request)
        return (
            200,
            {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": POLICY},
            f"<!doctype html><html lang={language} dir={direction}><title>Shop</title>"
            f"<body>{banner}<main><h1>Shop</h1><button id=save>Save</button></main>",
        )

    return page


@pytest.fixture
def status(at):
    """What status.json says at a time."""

    def status(now: datetime) -> Answer:
        at(now)
        runtime.publish()
        answer = Client().get("/maintenance/status.json?brief", headers={"host": "acme.example"})
        return 200, dict(answer.headers), answer.text

    return status


KINDS = {"css": "text/css", "js": "text/javascript"}
STATIC: dict[str, Answer] = {
    f"{SITE}/static/maintenance_windows/banner.{kind}": (
        200,
        {"Content-Type": content},
        (ASSETS / f"banner.{kind}").read_text(),
    )
    for kind, content in KINDS.items()
}


@contextmanager
def pages() -> Iterator[Callable[..., Tab]]:
    """Opens pages; the database is out of reach meanwhile."""
    with chromium() as browser, tabs(browser) as open_tab:

        def open_page(answer: Answer, now: datetime, **options: object) -> Tab:
            tab = open_tab(answer, HERE, now=now, pages=dict(STATIC), **options)
            if options.get("java_script_enabled", True):
                tab.page.evaluate(HEARD)
            return tab

        yield open_page


def banners(tab: Tab) -> list[str]:
    shown = tab.page.locator(".maintenance-banner").all_inner_texts()
    return [" ".join(one.split()) for one in shown]


SOON = (
    "Scheduled maintenance This site will be unavailable from 10:00 PM to "
    "Sunday, November 4 at 12:00 AM. New disks. Details \u00d7"
)


def test_banner_is_in_zone_of_reader_and_stays_closed(acme, plan, at, page):
    at(TWO - MINUTE)
    plan(acme, message="New disks.")
    shown = page()
    at(FOUR)
    windows.schedule([acme], starts_at=FOUR + MINUTE, ends_at=FOUR + HOUR)
    another = page()
    with pages() as open_page:
        tab = open_page(shown, TWO - MINUTE)
        assert banners(tab) == [SOON]
        color = "getComputedStyle(document.querySelector('.maintenance-banner')).backgroundColor"
        assert tab.page.evaluate(color) == "rgb(252, 211, 123)"
        tab.page.get_by_role("button", name="Close").click()
        assert banners(tab) == []
        tab.page.reload()
        assert banners(tab) == []
        tab.answer = another
        tab.page.reload()
        assert len(banners(tab)) == 1
        assert tab.said == []


def test_open_page_shows_and_removes_banner(acme, plan, at, page, status):
    at(TWO - 2 * HOUR)
    shown = page()
    answers = [status(TWO - 2 * HOUR)]
    plan(acme, message="New disks.")
    plan(acme, FOUR + MINUTE, FOUR + HOUR, level=Level.READ_ONLY)
    answers += [status(now) for now in (TWO - MINUTE, TWO, FOUR + MINUTE, FOUR + HOUR)]
    with pages() as open_page:
        tab = open_page(shown, TWO - 2 * HOUR)
        tab.page.evaluate(EXAMPLE)
        seen, disabled = [banners(tab)], []
        for answer in answers:
            tab.pages[STATUS] = answer
            tab.wait(80)
            seen.append(banners(tab))
            disabled.append(tab.page.locator("#save").is_disabled())
        assert disabled == [False, False, True, True, False]
        assert seen == [
            [],
            [],
            [SOON],
            [
                "Down for maintenance This site is unavailable to visitors until "
                "Sunday, November 4 at 12:00 AM. New disks. Details \u00d7"
            ],
            [
                "Read-only for maintenance Changes are disabled until "
                "Sunday, November 4 at 1:00 AM. Details \u00d7"
            ],
            [],
        ]
        levels = tab.page.evaluate("heard.map((state) => state.level)")
        assert levels == [None, None, "full", "read_only", None]
        assert tab.said == []


def test_open_page_asks_once_a_minute_with_the_etag(acme, at, page, status):
    at(TWO)
    answer, shown = status(TWO), page()
    with pages() as open_page:
        tab = open_page(shown, TWO)
        headers = []
        tab.page.on("request", lambda request: headers.append((request.url, request.headers)))
        tab.pages[STATUS] = answer
        tab.wait(62)
        tab.pages[STATUS] = 304, {}, ""
        for _ in range(5):
            tab.wait(60)
        asked = [sent.get("if-none-match") for url, sent in headers if url == STATUS]
        assert asked[0] is None
        assert {*asked[1:]} == {answer[1]["ETag"]}
        assert 4 <= len(asked) <= 7
        assert tab.page.evaluate("heard.length") == 1
        hidden = open_page(shown, TWO, hidden=True)
        hidden.wait(300)
        assert ("GET", STATUS) not in hidden.asked


@pytest.mark.parametrize(
    "answer",
    [None, (503, {}, ""), (200, {"Content-Type": "text/html"}, "<html>"), (404, {}, "")],
)
def test_open_page_ignores_what_is_no_status(acme, plan, at, page, answer):
    at(TWO - MINUTE)
    plan(acme)
    shown = page()
    with pages() as open_page:
        tab = open_page(shown, TWO - MINUTE)
        if answer:
            tab.pages[STATUS] = answer
        else:
            tab.page.route(STATUS, lambda route: route.abort())
        tab.wait(200)
        assert len(banners(tab)) == 1
        assert tab.page.evaluate("heard.length") == 0


def test_texts_are_text_in_open_pages(acme, plan, at, page, status):
    at(TWO - 2 * HOUR)
    shown = page()
    plan(acme, message="<img src=x onerror=alert(1)>")
    answer = status(TWO - MINUTE)
    with pages() as open_page:
        tab = open_page(shown, TWO - 2 * HOUR)
        tab.pages[STATUS] = answer
        tab.wait(80)
        assert "<img src=x onerror=alert(1)>" in banners(tab)[0]
        assert tab.page.locator("img").count() == 0


@pytest.mark.parametrize(
    ("language", "direction", "scheme", "width"),
    [("en", "ltr", "light", 1440), ("en", "ltr", "dark", 390), ("ar", "rtl", "light", 390)],
)
def test_banner_is_accessible(acme, plan, at, page, arabic, language, direction, scheme, width):
    at(TWO)
    plan(acme, level=Level.READ_ONLY, message="New disks. help@acme.example")
    plan(acme, TWO + HOUR, FOUR)
    shown, viewport = page(language, direction), {"width": width, "height": 844}
    with pages() as open_page:
        tab = open_page(shown, TWO, viewport=viewport, color_scheme=scheme)
        assert len(banners(tab)) == 2
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
        found = {one["id"] for one in Axe().run(tab.page).response["violations"]}
        assert found <= {"region"}  # in which landmark it is, the project says
        close = tab.page.locator(".maintenance-banner button").first.bounding_box()
        assert (close["x"] > width / 2) == (direction == "ltr")


def test_banner_works_without_scripts(acme, plan, at, page, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    at(TWO - MINUTE)
    plan(acme)
    shown = page()
    with pages() as open_page:
        tab = open_page(shown, TWO, java_script_enabled=False)
        assert banners(tab) == [
            "Scheduled maintenance This site will be unavailable from Nov. 4, 2029, 3 a.m. to "
            "Nov. 4, 2029, 5 a.m. (Europe/Berlin). Details"
        ]


def test_status_has_what_the_banner_shows(acme, plan, status):
    plan(acme, banner_lead=timedelta(days=2))
    assert json.loads(status(TWO - timedelta(days=2))[2])["announced"] == {
        "starts_at": "2029-11-04T02:00:00Z",
        "ends_at": "2029-11-04T04:00:00Z",
        "level": "full",
        "message": "",
    }
