"""Libraries that load parts of pages, on a site that goes down while a page is open.

`nox -s pages` fetches them. Nothing of a person's page may leave it by itself except for our page,
and nothing may ask for an address that got a POST.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from maintenance_windows.core.state import Level
from tests.helpers.browsing import chromium
from tests.helpers.tabs import FORM, HERE, SITE, SUBMIT, UP, Tab, ask, head, tabs
from tests.helpers.times import FOUR, TWO

NODE_MODULES = Path(os.environ["NODE_MODULES"])
HTML = {"Content-Type": "text/html"}
FILES = {
    "htmx2": "htmx2/dist/htmx.min.js",
    "htmx4": "htmx4/dist/htmx.min.js",
    "turbo": "@hotwired/turbo/dist/turbo.es2017-umd.js",
}
BODY = """<p>The page before.</p>
<a href="/orders/?page=2">Orders</a>
<turbo-frame id="part"><a href="/orders/?page=2">Details</a></turbo-frame>
<button hx-get="/orders/?page=2">Load</button>
<form action="/submit/" method="post" hx-post="/submit/">
<textarea name="text" aria-label="Text"></textarea><button>Send</button></form>"""


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def tab(chrome) -> Iterator[Callable[..., Tab]]:
    with tabs(chrome) as open_tab:
        yield open_tab


@pytest.fixture
def using(tab) -> Callable[..., Tab]:
    """Opens a page that uses a library, and takes its site down."""

    def using(library: str, answer, *, boost: str = "") -> Tab:
        script = (NODE_MODULES / FILES[library]).read_text()
        page = f'<!doctype html><title>x</title><script src="/library.js"></script><body{boost}>'
        pages = {
            FORM: (200, HTML, page + BODY),
            f"{SITE}/library.js": (200, {"Content-Type": "text/javascript"}, script),
        }
        opened = tab(UP, FORM, pages=pages)
        expect(opened.page.get_by_text("The page before.")).to_be_visible()
        opened.page.clock.run_for(1000)
        opened.answer = answer
        opened.asked.clear()
        return opened

    return using


def comes_back(opened: Tab) -> None:
    """See that our page is shown, and that its script brings the site back."""
    expect(opened.page.get_by_role("heading", name="Down for maintenance")).to_be_visible()
    assert "(in about 2 hr)" in opened.line
    opened.answer = head(FOUR, TWO)
    opened.wait(61)
    assert "(in about 2 hr)" in opened.line
    opened.answer = UP
    opened.wait(62)
    expect(opened.page.get_by_text("The site is up.")).to_be_visible()
    assert not [said for said in opened.said if "503" not in said]


def test_turbo_visit_shows_page(using):
    opened = using("turbo", ask())
    opened.page.get_by_role("link", name="Orders").click()
    comes_back(opened)
    assert opened.page.url == HERE


def test_turbo_frame_shows_page(using):
    opened = using("turbo", ask())
    opened.page.get_by_role("link", name="Details").click()
    comes_back(opened)
    assert opened.page.url == HERE


@pytest.mark.parametrize("level", [Level.FULL, Level.READ_ONLY])
def test_turbo_form_says_that_nothing_was_saved(using, level):
    opened = using("turbo", ask(method="post", level=level))
    opened.page.get_by_label("Text").fill("A long text.")
    opened.page.get_by_role("button", name="Send").click()
    expect(opened.page.get_by_text("Nothing was saved.")).to_be_visible()
    opened.answer = UP
    opened.wait(130)
    assert opened.line == "We are back: you can send it again."
    assert [asked for asked in opened.asked if asked[1] == SUBMIT] == [("POST", SUBMIT)]
    assert opened.page.url == FORM
    opened.page.get_by_role("link", name="Go back").click()
    expect(opened.page.get_by_text("The page before.")).to_be_visible()
    assert opened.page.url == FORM


def test_page_that_turbo_leaves_asks_no_more(using):
    opened = using("turbo", ask())
    opened.page.get_by_role("link", name="Orders").click()
    expect(opened.page.get_by_role("heading", name="Down for maintenance")).to_be_visible()
    opened.page.go_back()
    expect(opened.page.get_by_text("The page before.")).to_be_visible()
    opened.page.get_by_label("Text").fill("A long text.")
    opened.asked.clear()
    opened.answer = UP
    opened.wait(130)
    assert opened.asked == []
    expect(opened.page.get_by_label("Text")).to_have_value("A long text.")


@pytest.mark.parametrize("library", ["htmx2", "htmx4"])
def test_htmx_request_shows_page(using, library):
    """The 503 asks htmx to reload, which shows the page at the address of the tab."""
    opened = using(library, ask(hx_request="true"))
    opened.page.evaluate("document.body.dataset.old = 1")
    del opened.pages[FORM]
    opened.page.get_by_role("button", name="Load").click()
    comes_back(opened)
    assert opened.page.url == FORM


@pytest.mark.parametrize("library", ["htmx2", "htmx4"])
def test_htmx_form_keeps_text_while_read_only(using, library):
    answer = ask(method="post", level=Level.READ_ONLY, hx_request="true")
    opened = using(library, answer)
    opened.page.get_by_label("Text").fill("A long text.")
    opened.page.get_by_role("button", name="Send").click()
    opened.page.wait_for_timeout(500)
    opened.wait(5)
    assert opened.asked == [("POST", SUBMIT)]
    if library == "htmx2":  # which shows no 503; htmx 4 puts it where the response belongs
        expect(opened.page.get_by_label("Text")).to_have_value("A long text.")
