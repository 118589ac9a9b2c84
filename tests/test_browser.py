"""A window for two sites in a real browser: scheduling, the 503, coming up, and the history."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from tests.helpers.browsing import ARTEFACTS, LATE, chromium
from tests.helpers.fleet import Fleet, new_database

pytestmark = pytest.mark.slow

DOWN, ALSO, UP = "s0.example", "s1.example", "s2.example"
AHEAD, LENGTH = timedelta(seconds=5), "8s"
BOARD = "/admin/maintenance_windows/"
USER, PASSWORD = "operator", "not a secret 1"
# Violations of Django's own pages: breadcrumbs differ from text by colour only, and a column of
# its tables has no heading.
NOT_OURS = {"link-in-text-block", "empty-table-header"}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory) -> Iterator[Fleet]:
    """Three sites and an operator, over plain HTTP, as on a laptop."""
    folder = tmp_path_factory.mktemp("browser")
    with new_database(folder) as url, Fleet(folder, url) as fleet:
        fleet.env |= {"DJANGO_SETTINGS_MODULE": "project.settings", "DEBUG": "1"}
        fleet.migrate(sites=3)
        fleet.env["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
        fleet.manage("createsuperuser", "--noinput", f"--username={USER}", "--email=")
        repeat = ("--rule=FREQ=DAILY;INTERVAL=3", "--zone=Europe/Berlin", "--for=4h")
        start = f"--start={day_ahead()}T"
        fleet.manage("maintenance", "repeat", ALSO, f"{start}02:00", *repeat)
        for clock in ("06:00Z", "06:02Z"):
            fleet.manage(
                "maintenance", "schedule", DOWN, start + clock, "--for=1m", "--title=Short"
            )
        fleet.start_web()
        fleet.start_embedded()
        fleet.wait()
        yield fleet


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def audit(page: Page, where: str) -> None:
    violations = Axe().run(page).response["violations"]
    ours = [found for found in violations if found["id"] not in NOT_OURS]
    assert not ours, f"{where}: {[(found['id'], found['nodes'][0]['html']) for found in ours]}"


def picture(page: Page, name: str) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png")


def log_in(page: Page, address: str) -> None:
    page.goto(f"{address}/admin/maintenance_windows/")
    page.fill("#id_username", USER)
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible(timeout=LATE)


def test_window_from_scheduling_to_history(fleet, browser):
    operators, visitors = browser.new_context(), browser.new_context()
    operator, visits = operators.new_page(), [visitors.new_page(), visitors.new_page()]
    operator.set_default_timeout(LATE)
    address = f"http://{UP}:{fleet.port}"
    log_in(operator, address)
    operator.set_viewport_size({"width": 1280, "height": 860})
    audit(operator, "board")

    operator.goto(f"{address}/admin/maintenance_windows/maintenancewindow/add/")
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
    operator.goto(f"{address}/admin/maintenance_windows/")
    expect(operator.locator(".bar.active")).to_have_count(2)
    picture(operator, "timeline")
    for page in visits:  # pages that reload by themselves
        expect(page.get_by_text("is up.")).to_be_visible(timeout=LATE)

    operator.goto(f"{address}/admin/maintenance_windows/")
    expect(operator.locator(".bar.completed")).to_have_count(2, timeout=LATE)
    operator.locator(".bar.completed").first.click()
    operator.get_by_role("link", name="History").click()
    record = operator.locator("#story")
    for fact in ("scheduled", "site down", "site up", USER):
        expect(record).to_contain_text(fact)
    audit(operator, "history")


@pytest.fixture
def tomorrow(fleet, browser) -> Iterator[Page]:
    """The timeline of tomorrow, with two short windows on the first site."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(LATE)
    log_in(page, f"http://{UP}:{fleet.port}")
    page.goto(f"http://{UP}:{fleet.port}{BOARD}?from={day_ahead()}")
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
    tomorrow.goto(f"http://{UP}:{fleet.port}{BOARD}?from={day_ahead(-9)}")
    free.click(position={"x": 100, "y": 10})
    expect(tomorrow.locator(".ghost")).to_have_count(0)
    assert "/add/" not in tomorrow.url


def test_timeline_is_list_on_phone(fleet, browser):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    address = f"http://{UP}:{fleet.port}"
    log_in(page, address)
    page.goto(f"{address}/admin/maintenance_windows/?days=7")
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
    page = browser.new_page(viewport={"width": 640, "height": 860})  # as at 200 % zoom
    address = f"http://{UP}:{fleet.port}"
    log_in(page, address)
    for path in PAGES:
        page.goto(f"{address}/admin/maintenance_windows/{path}")
        audit(page, path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 640, path


def choose(page: Page, site: str) -> None:
    """Choose a site with the keyboard in the autocomplete field."""
    box = page.locator(".field-sites .select2-search__field")
    box.click()
    box.press_sequentially(site)
    page.locator(".select2-results__option--highlighted", has_text=site).wait_for()
    box.press("Enter")
