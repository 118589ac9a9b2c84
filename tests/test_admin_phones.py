"""The pages about windows in a real browser, on a phone, on a tablet and on a laptop."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.helpers.browsing import ARTEFACTS, LATE, chromium
from tests.helpers.fleet import Fleet, new_database

pytestmark = pytest.mark.slow

USER, PASSWORD = "operator", "not a secret 1"
LONG = "a-shop-with-a-very-long-name-for-a-customer.europe-west.example"
WIDTHS = (390, 768, 1440)
NAMED = f"from django.contrib.sites.models import Site; Site.objects.create(domain={LONG!r})"
# Whether an element is inside the window and inside every box that cuts what is beyond it.
IN_SIGHT = """element => {
  const box = element.getBoundingClientRect();
  let inside = box.width > 0 && box.left >= 0 && box.right <= innerWidth;
  for (let up = element.parentElement; up; up = up.parentElement) {
    if (getComputedStyle(up).overflowX === "visible") continue;
    const around = up.getBoundingClientRect();
    inside &&= box.left >= around.left - 1 && box.right <= around.right + 1;
  }
  return inside;
}"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("phones")
    with new_database(folder) as url, Fleet(folder, url) as fleet:
        fleet.env |= {"DJANGO_SETTINGS_MODULE": "project.settings", "DEBUG": "1"}
        fleet.migrate(sites=2)
        fleet.env["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
        fleet.manage("createsuperuser", "--noinput", f"--username={USER}", "--email=")
        fleet.manage("shell", "--verbosity=0", f"--command={NAMED}")
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT02:00")
        repeat = ("--rule=FREQ=DAILY", "--zone=Europe/Berlin", "--for=4h")
        fleet.manage("maintenance", "repeat", LONG, f"--start={tomorrow}", *repeat)
        for hours in (0, 30):
            start = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
            fleet.manage("maintenance", "schedule", LONG, f"--start={start}", "--for=70h")
        fleet.start_web()
        fleet.start_embedded()
        fleet.wait()
        yield fleet


@pytest.fixture(scope="module")
def page(fleet) -> Iterator[Page]:
    with chromium() as browser:
        yield log_in(browser, fleet)


def log_in(browser: Browser, fleet: Fleet) -> Page:
    page = browser.new_page(base_url=f"http://s0.example:{fleet.port}/admin/maintenance_windows/")
    page.set_default_timeout(LATE)
    page.goto("maintenancewindow/")
    page.fill("#id_username", USER)
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")
    expect(page.locator("#result_list")).to_be_visible(timeout=LATE)
    return page


@pytest.mark.parametrize("width", WIDTHS)
def test_states_times_and_buttons_are_in_sight(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("maintenancewindow/")
    check(page, ".mw-pill, .mw-times, .mw-name, .mw-day, .mw-tabs a", 8)
    picture(page, f"windows-{width}")
    page.locator("#result_list tbody a", has_text="a-shop").first.click()
    page.locator("summary", has_text="End now").click()
    check(page, ".mw-head .mw-button, .mw-pill", 7)
    picture(page, f"window-{width}")
    page.goto("windowseries/1/change/")
    for label in ("A later date", "End recurring window"):
        page.locator("summary", has_text=label).click()
    check(page, ".mw-head .mw-button, .mw-pill, .mw-when", 40)
    picture(page, f"recurring-{width}")


def test_skipping_and_undoing_needs_no_more_than_a_thumb(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("maintenancewindow/")
    page.locator("#result_list tr", has_text="more").locator("th a").click()
    page.get_by_role("button", name="Skip", exact=True).click()
    message = page.locator(".messagelist", has_text="skipped.")
    expect(message).to_be_in_viewport()
    message.get_by_role("button", name="Undo").click()
    expect(page.locator(".messagelist", has_text="restored.")).to_be_in_viewport()
    assert page.locator("tr:has(.mw-saved)").count() == 1


def check(page: Page, selector: str, least: int) -> None:
    """See that all these elements can be seen and that nothing else makes the page scroll."""
    found = page.locator(selector).filter(visible=True).all()
    assert len(found) >= least
    hidden = [one.inner_text() for one in found if not one.evaluate(IN_SIGHT)]
    assert not hidden
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def picture(page: Page, name: str) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png")
