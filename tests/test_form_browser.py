"""The form that schedules in a real browser: clicks, keys, audit and pictures."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.browsing import audit, picture
from tests.helpers.fleet import Fleet
from tests.helpers.operators import BOARD, operator, running_admin

pytestmark = pytest.mark.slow

ADD = f"{BOARD}maintenancewindow/add/"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory) -> Iterator[Fleet]:
    with running_admin(tmp_path_factory.mktemp("form")) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def page(fleet) -> Iterator[Page]:
    with operator(fleet) as page:
        yield page


class Hand:
    """A person at a page, who counts."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks, self.keys = page, 0, 0

    def click(self, role: str, name: str) -> None:
        self.page.get_by_role(role, name=re.compile(f"^{name}")).first.click()
        self.clicks += 1

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
        self.keys += len(keys)

    def reach(self, role: str, name: str) -> None:
        """Go there with the Tab key, as people without a pointer do."""
        target = self.page.get_by_role(role, name=re.compile(f"^{name}")).first
        expect(target).to_be_visible()
        for _ in range(100):
            self.press("Tab")
            if target.evaluate("element => element === document.activeElement"):
                return
        pytest.fail(f"the Tab key does not reach the {role} {name}")

    def choose(self, *texts: str) -> None:
        """Find sites in the search, which has the focus once the page has opened."""
        expect(self.page.locator(".field-sites .select2-search__field")).to_be_focused()
        for text in texts:
            self.press(*text)
            found = self.page.locator(".select2-results__option--highlighted", has_text=text)
            expect(found).to_be_visible()
            self.press("Enter")

    def plan_tonight(self) -> None:
        self.page.goto(BOARD)
        self.click("link", "Schedule maintenance")
        self.choose("s0", "s1", "s2")
        self.click("button", "Tonight")
        self.click("button", "2 h")


def test_tonight_for_three_sites_takes_four_clicks_and_twelve_keys(page):
    hand = Hand(page)
    hand.plan_tonight()
    expect(page.locator(".form-preview .words")).to_contain_text("02:00 to 04:00")
    hand.click("button", "Save$")
    expect(page.locator(".messagelist .success")).to_contain_text("3 windows were added")
    assert hand.clicks <= 4
    assert hand.keys <= 12


def test_every_week_takes_two_clicks_more(page):
    hand = Hand(page)
    hand.plan_tonight()
    hand.clicks += 2  # the list of choices, and one of them
    page.locator("#id_repeats").select_option("weekly")
    expect(page.locator(".mw-dates li")).to_have_count(10)
    expect(page.locator("#id_repeats option:checked")).to_contain_text("every week on")
    hand.click("button", "Save$")
    expect(page.locator(".messagelist .success")).to_have_count(3)
    assert hand.clicks <= 6
    assert hand.keys <= 12


def test_date_is_skipped_in_preview(page):
    page.goto(ADD)
    Hand(page).choose("s1")
    page.get_by_role("button", name="Tonight").click()
    page.get_by_role("button", name="1 h").click()
    page.locator("#id_repeats").select_option("daily")
    second = page.locator(".mw-dates li").nth(1)
    second.get_by_role("checkbox").check()
    expect(page.locator(".mw-dates li.skipped")).to_have_count(1)
    day = second.get_by_role("checkbox").get_attribute("value")
    expect(page.locator("#id_excluded")).to_have_value(day or "")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name=re.compile("every day")).first.click()
    expect(page.locator("#id_excluded")).to_have_value(day or "")


def test_nothing_is_red_before_anything_is_sent(page):
    page.goto(f"{ADD}?starts_at=2031-01-05T02:00&sites=1")
    expect(page.locator(".form-preview")).to_contain_text("to see the preview")
    page.locator("#id_length").press_sequentially("2x")
    page.wait_for_timeout(600)
    expect(page.locator(".errorlist")).to_have_count(0)
    page.locator("#id_length").press("Tab")
    expect(page.locator(".form-preview .errorlist")).to_contain_text("Invalid duration")


def test_hour_that_exists_twice_is_chosen_beside_its_field(page):
    page.goto(f"{ADD}?zone=Europe/Berlin&sites=1")
    page.fill("#id_starts_at_0", "2031-10-26")
    page.fill("#id_starts_at_1", "02:30")
    page.fill("#id_length", "1h")
    row = page.locator(".field-starts_at")
    row.get_by_label("02:30 CET (second)").check()
    expect(page.locator(".form-preview .words")).to_contain_text("01:30 to 02:30 UTC")
    audit(page, "readings")
    row.get_by_label("02:30 CEST (first)").check()
    expect(page.locator(".form-preview .words")).to_contain_text("00:30 to 01:30 UTC")


def test_zone_is_found_by_typing(page):
    page.goto(ADD)
    page.locator(".field-zone .select2-selection").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("new york")
    page.keyboard.press("Enter")
    expect(page.locator("#id_zone")).to_have_value("America/New_York")
    expect(page.locator("#id_starts_at_zone")).to_have_text("America/New_York")


def test_window_is_planned_changed_and_cancelled_with_keyboard_alone(page):
    hand = Hand(page)
    page.goto(BOARD)
    hand.reach("link", "Schedule maintenance")
    hand.press("Enter")
    hand.choose("s2")
    hand.reach("button", "Tomorrow night")
    hand.press("Enter")
    hand.reach("button", "1 h")
    hand.press("Space")
    hand.reach("button", "Save$")
    hand.press("Enter")
    expect(page.locator(".messagelist .success")).to_contain_text("was added")
    hand.reach("link", "s2.example: .* 02:00–03:00")
    hand.press("Enter")
    hand.reach("button", "4 h")
    hand.press("Enter")
    expect(page.locator(".form-preview .words")).to_contain_text("02:00 to 06:00")
    hand.press("Enter")  # on the button, which saves nothing
    hand.reach("button", "Save$")
    hand.press("Enter")
    expect(page.locator(".messagelist .success")).to_contain_text("was changed")
    hand.reach("link", "s2.example: .* 02:00–06:00")
    hand.press("Enter")
    hand.reach("button", "Cancel window")
    hand.press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("cancelled")
    hand.reach("button", "Undo")
    hand.press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("restored")


@pytest.mark.parametrize(
    ("width", "scheme"), [(390, "light"), (390, "dark"), (768, "dark"), (1440, "light")]
)
def test_form_fits_and_passes_audit(page, width, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{ADD}?sites=1,2&repeats=custom&zone=Europe/Berlin")
    page.get_by_role("button", name="Tonight").click()
    page.get_by_role("button", name="4 h").click()
    expect(page.locator(".mw-dates li")).to_have_count(10)
    audit(page, f"{width} {scheme}")
    picture(page, f"form-{width}-{scheme}", whole=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    preview, start = page.locator(".form-preview"), page.locator("#id_starts_at_0")
    assert (preview.bounding_box()["x"] > start.bounding_box()["x"] + 100) == (width >= 1100)
    page.goto(f"{BOARD}maintenancewindow/1/change/")
    audit(page, f"change {width} {scheme}")
    picture(page, f"change-{width}-{scheme}", whole=True)
    assert "server time" not in page.content()


@pytest.mark.parametrize(("day", "width", "scheme"), [(5, 390, "dark"), (6, 1440, "light")])
def test_reason_for_restore_in_freeze_is_asked(fleet, page, day, width, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    times = (f"--start=2031-01-0{day}T02:00", "--for=2h")
    fleet.manage("maintenance", "schedule", "s1.example", *times, f"--title={scheme}")
    page.goto(f"{BOARD}maintenancewindow/?q={scheme}")
    page.get_by_role("link", name="s1.example").click()
    address = page.url
    page.get_by_role("button", name="Cancel window").click()
    fleet.manage("maintenance", "freeze", "s1.example", *times, "--reason=Sale")
    page.goto(address)
    page.get_by_role("button", name="Restore").click()
    expect(page.locator("#content")).to_contain_text("s1.example is frozen (Sale)")
    audit(page, f"override {width} {scheme}")
    picture(page, f"override-{width}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.type("Security update")  # the field has the focus
    page.keyboard.press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("restored. This is in a freeze: Sale.")
