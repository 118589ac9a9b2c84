"""The page of the 503 in a browser whose clock and network the test holds."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from maintenance_windows.core.state import Level
from tests.helpers.browsing import ARTEFACTS, chromium
from tests.helpers.tabs import FORM, HERE, SUBMIT, UP, Tab, ask, head, tabs
from tests.helpers.times import FOUR, HOUR, MINUTE, SECOND, TWO

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)
NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def tab(chrome) -> Iterator[Callable[..., Tab]]:
    with tabs(chrome) as open_tab:
        yield open_tab


# What the largest line says


@pytest.mark.parametrize(
    ("length", "zone", "locale", "line"),
    [
        (12 * HOUR + 23 * MINUTE, "UTC", "en-US", "Back at 2:23 PM (in about 12 hr)"),
        (12 * HOUR, BERLIN, "en-GB", "Back at 15:00 (in about 12 hrs) 14:00 UTC"),
        (
            12 * HOUR,
            NEW_YORK,
            "en-US",
            "Back on Sunday, November 4 at 9:00 AM (in about 12 hr) 2:00 PM UTC",
        ),
        (
            6 * DAY,
            "UTC",
            "en-US",
            "Back on Saturday, November 10 at 2:00 AM (in about 6 days)",
        ),
        (
            70 * DAY,
            "UTC",
            "en-US",
            "Back on Sunday, January 13, 2030 at 2:00 AM (in about 70 days)",
        ),
        (4 * HOUR + 20 * MINUTE, "UTC", "en-US", "Back at 6:20 AM (in about 4.5 hr)"),
        (23 * MINUTE, "UTC", "en-US", "Back at 2:23 AM (in about 23 min)"),
    ],
)
def test_line_is_in_zone_of_reader(tab, length, zone, locale, line):
    """The date is there unless it is today in that zone; the zone of the project is small."""
    opened = tab(ask(TWO + length), timezone_id=zone, locale=locale)
    assert opened.line == line
    size = "parseFloat(getComputedStyle(document.querySelector('{}')).fontSize)"
    sizes = [opened.page.evaluate(size.format(part)) for part in (".back", "h1", "small", "body")]
    assert sizes[0] == max(sizes) > 1.4 * sizes[1]
    assert sizes[2] < sizes[3]


def test_clock_of_reader_may_be_wrong(tab):
    opened = tab(ask(TWO + 12 * HOUR), now=TWO - 9 * DAY, timezone_id="UTC")
    assert opened.line == "Back at 2:00 PM (in about 12 hr)"


def test_line_counts_down(tab):
    opened = tab(ask(TWO + 12 * MINUTE), hidden=True, timezone_id="UTC")
    opened.wait(10 * 60)
    assert opened.line == "Back at 2:12 AM (in about 2 min)"


def test_line_is_in_language_of_page(tab):
    opened = tab(ask(language="de"), timezone_id=BERLIN, locale="en-US")
    assert opened.line == "Zurück um 05:00 (in etwa 2 Std.) 04:00 UTC"


def test_page_without_javascript(tab):
    opened = tab(ask(), java_script_enabled=False)
    assert opened.line == "Back on Nov. 4, 2029, 4 a.m. (UTC)"
    expect(opened.page.get_by_text("This page opens by itself.")).to_be_visible()
    expect(opened.page.get_by_role("link", name="Try now")).to_be_visible()


# Whether the site is up


def test_page_asks_now_and_then(tab):
    opened = tab(ask())
    for _ in range(8):
        opened.wait(60)
    heads = opened.asked[1:]
    assert set(heads) == {("HEAD", HERE)}
    assert 8 <= len(heads) <= 16
    assert "(in about 2 hr)" in opened.line
    opened.wait(29)
    opened.answer = UP
    opened.wait(62)
    expect(opened.page.get_by_text("The site is up.")).to_be_visible()
    assert opened.asked[-1] == ("GET", HERE)


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"Maintenance": "read-only"}, ""),
        (302, {"Location": "http://elsewhere.example/"}, ""),
        (404, {}, ""),
        (500, {}, ""),
        (503, {}, ""),  # of somebody else
    ],
)
def test_any_other_answer_means_up(tab, answer):
    opened = tab(ask())
    opened.answer = answer
    opened.wait(61)
    assert [method for method, _ in opened.asked[:3]] == ["GET", "HEAD", "GET"]


def test_page_stays_without_network(tab):
    opened = tab(ask())
    opened.answer = None
    opened.wait(130)
    assert ("HEAD", HERE) in opened.asked
    assert opened.line.startswith("Back ")


def test_hidden_tab_does_not_ask(tab):
    opened = tab(ask(), hidden=True)
    opened.wait(600)
    assert len(opened.asked) == 1


def test_extended_window_shows_new_end(tab):
    opened = tab(ask(), timezone_id="UTC")
    assert opened.line == "Back at 4:00 AM (in about 2 hr)"
    opened.answer = head(FOUR + HOUR, TWO + MINUTE)
    opened.wait(61)
    assert opened.line == "Back at 5:00 AM (in about 3 hr)"
    assert opened.page.locator("time").get_attribute("datetime") == "2029-11-04T05:00:00.000Z"
    opened.answer = head(None, TWO + 2 * MINUTE)
    opened.wait(61)
    assert opened.line == "We do not know yet when we will be back."
    opened.answer = head(FOUR, TWO + 3 * MINUTE)
    opened.wait(61)
    assert opened.line == "Back at 4:00 AM (in about 2 hr)"


@pytest.mark.parametrize("level", Level)
def test_refused_post_waits_for_the_end_of_changes(tab, level):
    """While the site is fully down, HEAD tells when reading is possible again, which is earlier."""
    opened = tab(ask(method="post", level=level), SUBMIT, timezone_id="UTC", pages={})
    line = opened.line
    opened.answer = head(TWO + HOUR, TWO + MINUTE)
    opened.wait(61)
    assert ("HEAD", FORM) in opened.asked
    assert opened.line == line
    assert "4:00 AM" in line
    opened.answer = head(FOUR + HOUR, TWO + 2 * MINUTE)
    opened.wait(61)
    assert "5:00 AM" in opened.line
    opened.answer = head(FOUR, TWO + 3 * MINUTE, level="read-only")
    opened.wait(61)
    assert "4:00 AM" in opened.line


def test_page_checks_at_the_end(tab):
    opened = tab(ask(TWO + 20 * SECOND), f"{HERE}#part")
    assert "in about 1 min" in opened.line
    opened.answer = None
    opened.page.clock.run_for(19_900)
    assert len(opened.asked) == 1
    opened.page.clock.run_for(1100)
    assert opened.line == "Checking…"
    opened.wait(6)
    assert opened.asked[1:] == [("HEAD", HERE)]  # once, although there is no network
    opened.answer = head(TWO + 3 * MINUTE, TWO + 90 * SECOND)
    opened.wait(60)
    assert "in about " in opened.line
    opened.answer = UP
    opened.wait(180)
    expect(opened.page.get_by_text("The site is up.")).to_be_visible()
    assert opened.page.url == f"{HERE}#part"


def test_page_that_the_site_replaces_asks_no_more(tab):
    """A library may swap pages in one document, where scripts of the last one go on."""
    opened = tab(ask())
    opened.page.evaluate("document.body.innerHTML = '<p>Another page.</p>'")
    opened.answer = UP
    opened.wait(130)
    assert len(opened.asked) == 1


# After an unsafe method


@pytest.mark.parametrize("level", [Level.FULL, Level.READ_ONLY])
def test_typed_text_is_kept_after_refused_post(tab, level):
    opened = tab(ask(method="post", level=level), FORM)
    page = opened.page
    page.get_by_label("Text").fill("A long text.")
    page.get_by_role("button").click()
    expect(page.get_by_text("Nothing was saved.")).to_be_visible()
    expect(page.get_by_text("What you typed should still be there.")).to_be_visible()
    opened.answer = head(FOUR, TWO, "full" if level is Level.FULL else "read-only")
    if level is Level.READ_ONLY:
        opened.answer = 200, opened.answer[1], ""  # safe methods pass
    opened.wait(61)
    assert "Back" in opened.line or "Changes possible" in opened.line
    opened.answer = UP
    opened.wait(3 * HOUR.total_seconds())
    assert opened.line == "We are back: you can send it again."
    # By itself it goes nowhere, and asks for nothing at the address of the POST.
    assert opened.asked[:2] == [("GET", FORM), ("POST", SUBMIT)]
    assert set(opened.asked[2:]) == {("HEAD", FORM)}
    page.get_by_role("link", name="Go back").click()
    expect(page.get_by_label("Text")).to_have_value("A long text.")
    assert opened.said == [] or all("503" in text for text in opened.said)


def test_go_back_without_javascript_leads_to_form(tab):
    opened = tab(ask(method="post"), FORM, java_script_enabled=False)
    opened.page.get_by_role("button").click()
    expect(opened.page.get_by_text("What you typed should still be there.")).to_be_hidden()
    opened.page.get_by_role("link", name="Go back").click()
    expect(opened.page).to_have_url(FORM)


# How it looks

LONG = (
    "We are moving to a larger database server.\n\n" + "Your orders are safe. " * 20 + "\n\n"
    "https://status.acme.example/incidents/42 or help@acme.example " + "x" * 120
)
ACME = {
    "name": "Acme",
    "logo": "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9' "
    "width='40' height='40'><circle cx='4.5' cy='4.5' r='4.5' fill='%23e2007a'/></svg>",
    "accent": "#e2007a",
    "home": "/",
    "contact": "help@acme.example",
}
LOOKS = {
    "down": {},
    "held": {"until": None},
    "read-only": {"level": Level.READ_ONLY, "method": "post"},
    "refused": {"method": "post"},
    "long": {"message": LONG, "brand": ACME},
    "yellow": {"method": "post", "brand": ACME | {"accent": "#ffe600"}},
    "rtl": {"language": "ar", "message": "\u0646\u0639\u0645\u0644."},
}


@pytest.mark.parametrize("look", LOOKS)
def test_page_is_readable_and_accessible(tab, settings, arabic, look):
    given = dict(LOOKS[look])
    settings.MAINTENANCE_BRAND = given.pop("brand", {})
    answer = ask(**given)
    for width, scheme in ((390, "dark"), (1440, "light")):
        size = {"width": width, "height": 800}
        locale = "ar-EG" if look == "rtl" else "en-US"
        opened = tab(answer, color_scheme=scheme, viewport=size, locale=locale)
        page = opened.page
        direction = page.evaluate("getComputedStyle(document.body).direction")
        assert direction == ("rtl" if look == "rtl" else "ltr")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        audit = Axe().run(page)
        assert audit.violations_count == 0, audit.generate_report()
        assert [text for text in opened.said if "503" not in text] == []
        ARTEFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTEFACTS / f"page-{look}-{width}-{scheme}.png", full_page=True)
