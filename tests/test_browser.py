"""A window for two sites in a real browser: scheduling, the 503, coming up, and the history."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.helpers.browsing import LATE, audit, chromium, picture
from tests.helpers.fleet import Fleet
from tests.helpers.operators import BOARD, USER, log_in, running_admin

pytestmark = pytest.mark.slow

DOWN, ALSO, UP = "s0.example", "s1.example", "s2.example"
AHEAD, LENGTH = timedelta(seconds=5), "8s"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory) -> Iterator[Fleet]:
    with running_admin(tmp_path_factory.mktemp("browser")) as fleet:
        repeat = ("--rule=FREQ=DAILY;INTERVAL=3", "--zone=Europe/Berlin", "--for=4h")
        start = f"--start={day_ahead()}T"
        fleet.manage("maintenance", "repeat", ALSO, f"{start}02:00", *repeat)
        for clock in ("06:00Z", "06:02Z"):
            fleet.manage(
                "maintenance", "schedule", DOWN, start + clock, "--for=1m", "--title=Short"
            )
        yield fleet


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def test_window_from_scheduling_to_history(fleet, browser):
    operator, visitors = log_in(browser, fleet, width=1280, height=860), browser.new_context()
    visits = [visitors.new_page(), visitors.new_page()]
    audit(operator, "board")

    operator.goto(f"{BOARD}maintenancewindow/add/")
    for site in (DOWN, ALSO):
        choose(operator, site)
    operator.fill("#id_title", "New disks")
    operator.fill("#id_message", "We are fitting new disks.")
    start = datetime.now(UTC) + AHEAD
    operator.fill("#id_starts_at_0", f"{start:%Y-%m-%d}")
    operator.fill("#id_starts_at_1", f"{start:%H:%M:%S}")
    operator.fill("#id_length", LENGTH)
    expect(operator.get_by_text("UTC, in ")).to_be_visible(timeout=LATE)
    picture(operator, "form")
    audit(operator, "form")
    operator.get_by_role("button", name="Save", exact=True).click()
    expect(operator.locator(".messagelist .success")).to_be_visible(timeout=LATE)

    for page, site in zip(visits, (DOWN, ALSO), strict=True):
        page.goto(f"http://{site}:{fleet.port}/")
        deadline = time.monotonic() + 30
        while "is up." in page.content():
            assert time.monotonic() < deadline
            page.wait_for_timeout(100)
            page.reload()
        expect(page.get_by_text("We are fitting new disks.")).to_be_visible()
    visits[0].set_viewport_size({"width": 860, "height": 640})
    picture(visits[0], "503")
    public = visitors.new_page()
    public.set_viewport_size({"width": 860, "height": 640})
    public.goto(f"http://{ALSO}:{fleet.port}/maintenance/")
    expect(public.get_by_text("Every 3 days")).to_be_visible()
    audit(public, "public")
    picture(public, "public")
    operator.goto(BOARD)
    expect(operator.locator(".bar.active")).to_have_count(2)
    picture(operator, "timeline")
    for page in visits:  # pages that reload by themselves
        expect(page.get_by_text("is up.")).to_be_visible(timeout=LATE)

    operator.goto(BOARD)
    expect(operator.locator(".bar.completed")).to_have_count(2)
    operator.locator(".bar.completed").first.click()
    operator.get_by_role("link", name="History").click()
    record = operator.locator("#story")
    for fact in ("scheduled", "Down: ", "Up: ", USER):
        expect(record).to_contain_text(fact)
    audit(operator, "history")


@pytest.fixture
def tomorrow(fleet, browser) -> Iterator[Page]:
    """The timeline of tomorrow, with two short windows on the first site."""
    page = log_in(browser, fleet, height=1000)
    page.goto(f"{BOARD}?from={day_ahead()}")
    yield page
    page.close()


def day_ahead(days: int = 1) -> date:
    return datetime.now(UTC).date() + timedelta(days=days)


def lane(page: Page, site: str) -> Locator:
    return page.locator(".lane", has_text=site)


def test_bar_is_as_long_as_window_and_can_be_hit(tomorrow):
    audit(tomorrow, "timeline")
    track = lane(tomorrow, DOWN).locator("svg").bounding_box()
    minute = lane(tomorrow, DOWN).locator(".body").first.bounding_box()
    assert minute["width"] < 2 + track["width"] / 36 / 60
    four_hours = lane(tomorrow, ALSO).locator(".bar").first.bounding_box()
    assert abs(four_hours["width"] - track["width"] * 4 / 36) < 4
    targets = [bar.bounding_box() for bar in lane(tomorrow, DOWN).locator(".bar").all()]
    assert all(box["width"] >= 24 <= box["height"] for box in targets)
    first, second = sorted(targets, key=lambda box: box["y"])
    assert first["y"] + first["height"] <= second["y"]


def test_popover_is_reached_by_pointer_and_keyboard(tomorrow):
    popover, bar = tomorrow.locator(".mw-popover"), lane(tomorrow, DOWN).locator(".bar").first
    bar.hover(position={"x": 2, "y": 12})
    expect(popover).to_contain_text("06:00\u201306:01 UTC")
    expect(popover).to_be_visible()
    tomorrow.keyboard.press("Escape")
    expect(popover).to_be_hidden()
    tomorrow.mouse.move(5, 5)
    lane(tomorrow, DOWN).locator(".plan").focus()
    tomorrow.keyboard.press("ArrowRight")
    expect(popover).to_be_visible()
    tomorrow.keyboard.press("Tab")
    expect(popover.get_by_role("link", name="Open")).to_be_focused()
    audit(tomorrow, "popover")
    tomorrow.keyboard.press("Escape")
    expect(bar).to_be_focused()


def test_drag_gives_start_and_end(tomorrow):
    free = lane(tomorrow, UP).locator(".free")
    track = free.bounding_box()
    middle = track["y"] + track["height"] / 2

    def drag() -> None:
        tomorrow.mouse.move(track["x"] + track["width"] * 0.3, middle)
        tomorrow.mouse.down()
        tomorrow.mouse.move(track["x"] + track["width"] * 0.4, middle, steps=4)

    drag()
    expect(tomorrow.locator(".ghost")).to_have_text(f"{day_ahead():%a} 10:45\u201314:30")
    tomorrow.keyboard.press("Escape")
    tomorrow.mouse.up()
    drag()
    tomorrow.mouse.up()
    tomorrow.wait_for_url("**/add/?**")
    for name, clock in {"starts_at": "10:45", "ends_at": "14:30"}.items():
        expect(tomorrow.locator(f"#id_{name}_0")).to_have_value(f"{day_ahead()}")
        assert tomorrow.input_value(f"#id_{name}_1").startswith(clock)


def test_click_gives_start_unless_it_is_past(tomorrow, fleet):
    free = lane(tomorrow, UP).locator(".free")
    box = free.bounding_box()
    free.click(position={"x": box["width"] * 0.3, "y": 10})
    tomorrow.wait_for_url("**/add/?**")
    assert tomorrow.input_value("#id_starts_at_1").startswith("10:45")
    assert not tomorrow.input_value("#id_ends_at_1")
    tomorrow.goto(f"{BOARD}?from={day_ahead(-9)}")
    free.click(position={"x": 100, "y": 10})
    expect(tomorrow.locator(".ghost")).to_have_count(0)
    assert "/add/" not in tomorrow.url


def test_timeline_is_list_on_phone(fleet, browser):
    page = log_in(browser, fleet, width=390, height=844)
    page.goto(f"{BOARD}?days=7")
    expect(page.locator(".lanes")).to_be_hidden()
    expect(page.locator(".agenda")).to_contain_text(re.compile(f"{ALSO} scheduled.*more"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    audit(page, "list")


PAGES = (
    "maintenancewindow/",
    "maintenancewindow/calendar/",
    "sitemaintenance/",
    "sitemaintenance/1/change/",
    "sitemaintenance/1/links/",
    "windowseries/",
    "windowseries/add/",
    "transition/",
)


def test_admin_pages_pass_accessibility_audit(fleet, browser):
    page = log_in(browser, fleet, width=640, height=860)  # as at 200 % zoom
    for path in PAGES:
        page.goto(f"{BOARD}{path}")
        audit(page, path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 640, path


def choose(page: Page, site: str) -> None:
    """Choose a site with the keyboard in the autocomplete field."""
    box = page.locator(".field-sites .select2-search__field")
    box.click()
    box.press_sequentially(site)
    page.locator(".select2-results__option--highlighted", has_text=site).wait_for()
    box.press("Enter")
