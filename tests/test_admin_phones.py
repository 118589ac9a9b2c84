"""The pages about windows in a real browser, on a phone, on a tablet and on a laptop."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.browsing import picture
from tests.helpers.operators import BOARD, operator, running_admin

pytestmark = pytest.mark.slow

LONG = "a-shop-with-a-very-long-name-for-a-customer.europe-west.example"
WIDTHS = (390, 768, 1440)
DATA = f"""
from datetime import timedelta
from django.contrib.sites.models import Site
from django.core.management import call_command
from django.utils import timezone
Site.objects.create(domain={LONG!r})
now = timezone.now()
tomorrow = f"--start={{now + timedelta(days=1):%Y-%m-%d}}T02:00"
daily = ("--rule=FREQ=DAILY", "--zone=Europe/Berlin", "--for=4h")
call_command("maintenance", "repeat", {LONG!r}, tomorrow, *daily, verbosity=0)
for hours in (0, 30):
    start = f"--start={{(now + timedelta(hours=hours)).isoformat()}}"
    call_command("maintenance", "schedule", {LONG!r}, start, "--for=70h", verbosity=0)
"""
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
def page(tmp_path_factory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("phones")
    with running_admin(folder, data=DATA) as fleet, operator(fleet) as page:
        yield page


@pytest.mark.parametrize("width", WIDTHS)
def test_states_times_and_buttons_are_in_sight(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{BOARD}maintenancewindow/")
    check(page, ".mw-pill, .mw-times, .mw-name, .mw-day, .mw-tabs a", 8)
    picture(page, f"windows-{width}")
    page.locator("#result_list tbody a", has_text="a-shop").first.click()
    page.locator("summary", has_text="End now").click()
    check(page, ".mw-head .mw-button, .mw-pill", 7)
    picture(page, f"window-{width}")
    page.goto(f"{BOARD}windowseries/1/change/")
    for label in ("A later date", "End recurring window"):
        page.locator("summary", has_text=label).click()
    check(page, ".mw-head .mw-button, .mw-pill, .mw-when", 40)
    picture(page, f"recurring-{width}")


def test_skipping_and_undoing_needs_no_more_than_a_thumb(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{BOARD}maintenancewindow/")
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
