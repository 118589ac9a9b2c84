"""The overview in a real browser, at four widths: what is in sight, and how many clicks it is."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.helpers.browsing import audit, chromium, picture
from tests.helpers.fleet import Fleet
from tests.helpers.operators import log_in, running_admin

pytestmark = pytest.mark.slow

LONG = f"{'a-very-long-name-of-one-division.' * 2}one-sit.example"
WIDTHS = {390: 844, 768: 1024, 1024: 768, 1440: 900}
DATA = f"""
from datetime import timedelta
from django.contrib.sites.models import Site
from django.utils import timezone
from maintenance_windows.planning import sites, windows
Site.objects.filter(domain='example.com').delete()
for n in range(3, 11): Site.objects.create(domain=f's{{n}}.example')
long = Site.objects.create(domain={LONG!r})
found = {{site.domain: site for site in Site.objects.all()}}
now, hour = timezone.now(), timedelta(hours=1)
times = {{'starts_at': now, 'ends_at': now + 4 * hour, 'actor': 'anna'}}
windows.schedule([long, found['s1.example']], title='Disk swap', **times)
windows.schedule([found['s2.example']], level='read_only', **times)
later = {{'starts_at': now + hour, 'ends_at': now + 2 * hour, 'actor': 'anna'}}
windows.schedule([found['s4.example'], long], title='Nightly vacuum', **later)
sites.take_down([found['s3.example']], actor='bob')
"""
# What is wrong with the sites of the page, one sentence each.
MEASURES = """(touch) => {
  const found = [], wide = document.documentElement.clientWidth;
  const inside = (box) => box.width > 0 && box.left >= 0 && box.right <= wide;
  for (const site of document.querySelectorAll("article.site")) {
    const parts = { name: "h3 a", state: ".mw-state", control: ".do button, .do > .ask > summary" };
    for (const [part, selector] of Object.entries(parts)) {
      const box = site.querySelector(selector).getBoundingClientRect();
      if (!inside(box)) found.push(`${part} of ${site.id} is at ${box.left} to ${box.right}`);
    }
    const state = site.querySelector(".mw-state").getBoundingClientRect();
    const facts = site.querySelector(".facts").getBoundingClientRect();
    const inLine = facts.height > 0 && state.bottom > facts.top && facts.bottom > state.top;
    if (inLine && state.right > facts.left) found.push(`the state of ${site.id} covers its facts`);
  }
  const controls = "#maintenance-board :is(.headline, [data-live], .filter, dialog) " +
    ":is(a, button, summary, input:not([type=hidden]), textarea)";
  for (const one of document.querySelectorAll(controls)) {
    if (!one.checkVisibility()) continue;
    const box = one.getBoundingClientRect(), least = touch ? 44 : 24;
    const label = one.closest("label")?.getBoundingClientRect().height ?? 0;
    const name = one.outerHTML.slice(0, 80);
    if (Math.max(box.height, label) < least - 0.5) found.push(`${name} is ${box.height} high`);
    if (!inside(box)) found.push(`${name} is at ${box.left} to ${box.right}`);
    const text = one.querySelector("bdi:not(.cut)")?.getBoundingClientRect();
    if (text && text.width > box.width - 8) found.push(`${name} is too narrow for its text`);
  }
  if (document.documentElement.scrollWidth > wide) found.push("the page scrolls sideways");
  return found;
}"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory) -> Iterator[Fleet]:
    """Twelve sites, one with a domain of 81 characters."""
    with running_admin(tmp_path_factory.mktemp("overview"), data=DATA) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(fleet, browser) -> Iterator[Page]:
    page = log_in(browser, fleet)
    yield page
    page.close()


def site(page: Page, domain: str):
    return page.locator("article.site", has=page.get_by_role("link", name=domain, exact=True))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_name_state_and_control_are_in_sight(page, scheme):
    assert len(LONG) == 81
    page.emulate_media(color_scheme=scheme)
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        page.reload()
        picture(page, f"overview-{width}-{scheme}", whole=True)
        assert page.evaluate(MEASURES, width < 1100) == [], width
        first = page.locator("article.down .do").first.locator("button, summary").first
        box = first.bounding_box()
        if width in {390, 1440}:
            assert box["y"] + box["height"] <= height, width
        summary = site(page, LONG).locator(".more > summary")
        summary.click()
        assert page.evaluate(MEASURES, width < 1100) == [], width
        picture(page, f"overview-{width}-{scheme}-more")
        summary.click()
        site(page, LONG).get_by_text("Bring").first.click()
        assert page.evaluate(MEASURES, width < 1100) == [], width
        picture(page, f"overview-{width}-{scheme}-dialog")
        audit(page, f"dialog, {width} {scheme}")
        page.keyboard.press("Escape")
        expect(page.locator("dialog")).to_be_hidden()
        audit(page, f"{width} {scheme}")


def test_first_control_is_ten_tabs_away(page):
    page.locator("#maintenance-board").evaluate("board => { board.tabIndex = -1; board.focus(); }")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('article.down .do *')"):
            break
    else:
        pytest.fail("no control of a site that is down")


def test_clicks(page):
    """Extending 1, bringing up 2, taking down for 30 minutes 3, who did it 0, a link 2."""
    expect(site(page, "s1.example").locator(".facts")).to_contain_text("anna")
    expect(site(page, "s3.example").locator(".facts")).to_contain_text("held by bob")

    site(page, "s1.example").get_by_role("button", name="+30 min").click()
    said = page.locator(".messagelist .success")
    expect(said).to_contain_text("Extended by 30 min.")
    assert page.evaluate("location.hash") == f"#{site(page, 's1.example').get_attribute('id')}"
    said.get_by_role("button", name="Undo").click()
    expect(said).to_contain_text("Undone.")

    site(page, "s1.example").get_by_text("Bring s1.example up…").click()
    page.get_by_role("dialog").get_by_role("button", name="Bring s1.example up").click()
    expect(said).to_contain_text("s1.example is up.")
    expect(site(page, "s1.example").locator(".mw-state")).to_have_text("Up")
    expect(site(page, "s1.example")).to_be_in_viewport()

    site(page, "s5.example").get_by_text("Take s5.example down…").click()
    page.get_by_role("dialog").get_by_text("30 min").click()
    page.get_by_role("dialog").get_by_role("button", name="Take s5.example down").click()
    expect(said).to_contain_text("s5.example is down until")
    said.get_by_role("button", name="Undo").click()
    expect(said).to_contain_text("s5.example is up.")

    site(page, "s3.example").locator(".more > summary").click()
    site(page, "s3.example").get_by_role("button", name="Create bypass link").click()
    expect(page.locator("input[value*='/bypass/']").first).to_be_visible()


def test_enter_in_message_does_nothing_and_escape_closes(page):
    site(page, "s6.example").get_by_text("Take s6.example down…").click()
    box = page.get_by_role("dialog").get_by_label("Message for visitors")
    box.fill("New disks.")
    box.press("Enter")
    expect(box).to_have_value("New disks.\n")
    box.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(site(page, "s6.example").locator(".mw-state")).to_have_text("Up")
    assert (
        site(page, "s6.example")
        .locator("summary")
        .first.evaluate("summary => document.activeElement === summary")
    )


def test_page_renews_itself_in_place(fleet, page):
    expect(page.locator(".age")).to_contain_text("updated")
    marker = page.evaluate("window.marker = Math.random()")
    fleet.manage("maintenance", "down", "s7.example", "--for=30m")
    expect(site(page, "s7.example").locator(".mw-state")).to_contain_text("Down")
    assert page.evaluate("window.marker") == marker
    lane = page.locator(".lane", has_text="s7.example")
    expect(lane.locator(".bar.active")).to_be_visible()
    with page.expect_response("**/part/**"):  # it is alive, and nothing moves below a popover
        page.locator(".lane .bar").first.hover()
        expect(page.locator(".mw-popover")).to_be_visible()
    expect(page.locator(".mw-popover")).to_be_visible()
    back = page.locator(".mw-popover [name=back]").input_value()
    assert back == "/admin/maintenance_windows/"
    page.mouse.move(5, 5)
    # While a dialog is open nothing moves.
    site(page, "s8.example").get_by_text("Take s8.example down…").click()
    fleet.manage("maintenance", "down", "s9.example", "--for=30m")
    page.wait_for_timeout(12_000)
    assert site(page, "s9.example").locator(".mw-state").text_content() == "Up"
    page.get_by_role("dialog").get_by_text("15 min").click()
    page.get_by_role("dialog").get_by_role("button", name="Take s8.example down").click()
    expect(page.locator(".messagelist .success")).to_contain_text("s8.example is down")
    expect(site(page, "s9.example").locator(".mw-state")).to_contain_text("Down")
    page.route("**/part/**", lambda route: route.abort())
    expect(page.locator(".age.bad")).to_contain_text("reload the page")
