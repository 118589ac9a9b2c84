"""The overview: which sites it shows, and the Now table with its buttons."""

import re
from html import unescape
from itertools import chain

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.sites.models import Site
from django.urls import path

from maintenance_windows.admin import MaintenanceWindowAdmin
from maintenance_windows.models import MaintenanceWindow, SiteMaintenance, Transition, search
from maintenance_windows.planning import windows
from maintenance_windows.planning.sites import take_down
from maintenance_windows.reconcile.tick import tick
from maintenance_windows.snapshot import runtime
from tests.helpers.pages import messages
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO

BOARD = "/admin/maintenance_windows/"
OPERATE = "/admin/maintenance_windows/sitemaintenance/operate/"


def row(page: str, domain: str) -> str:
    """The text of a site's row in the Now table, without tags."""
    start = page.index(f">{domain}</a></th>") + len(f">{domain}</a></th>")
    found = page[start : page.index("</tr>", start)]
    return " ".join(re.sub(r"<[^>]+>", " ", unescape(found)).split())


def press(browser, site, /, **button: str):
    """Submit the site's form from the current page."""
    return browser.post(OPERATE, form_state(browser, site) | button, follow=True)


def form_state(browser, site) -> dict[str, object]:
    page = browser.get(BOARD).text
    windows = re.search(rf'name="site" value="{site.pk}".*?name="shown" value="([\d ]*)"', page)
    return {"site": site.pk, "back": f"{BOARD}?q=ac", "shown": windows[1]}


def test_overview_filters_and_paginates_sites(
    acme, plan, at, browser, django_assert_max_num_queries
):
    Site.objects.bulk_create(Site(domain=f"s{n:03}.example") for n in range(500))
    with django_assert_max_num_queries(20):
        page = browser.get(BOARD).text
    assert page.count('class="lane"') == 25
    assert "Page 1 of 21" in page
    assert "s499.example" in browser.get(f"{BOARD}?p=21").text
    assert "s499.example" in browser.get(f"{BOARD}?p=many&q=S499").text
    assert browser.get(f"{BOARD}?q=s49").text.count('class="lane"') == 10
    assert "No site is like that." in browser.get(f"{BOARD}?q=nobody").text
    assert "acme.example" not in browser.get(f"{BOARD}?busy=1").text
    plan(acme)
    busy = browser.get(f"{BOARD}?busy=1").text
    assert busy.count('class="lane"') == 1
    assert "acme.example" in busy
    assert "&lt;b&gt;" in browser.get(f"{BOARD}?q=<b>").text


def domains(page: str) -> list[str]:
    return re.findall(r'<span class="site">([^ <]+)', page)


def test_sites_with_maintenance_come_first(acme, globex, plan, at, browser):
    names = [f"s{n:02}.example" for n in range(40)]
    sites = Site.objects.bulk_create(Site(domain=name) for name in names)
    quiet = ["example.com", *names[:20], *names[25:39]]
    for n, site in enumerate(sites[20:25]):
        plan(site, TWO + (9 - n) * HOUR, TWO + 24 * HOUR)
    plan(sites[0], TWO + 15 * 24 * HOUR, TWO + 16 * 24 * HOUR)  # is not on the timeline
    plan(globex, TWO - 30 * MINUTE, FOUR)
    plan(globex, FOUR + HOUR, FOUR + 2 * HOUR)
    windows.cancel(plan(sites[1]).pk, clock=lambda: TWO - HOUR)
    at(TWO - 20 * MINUTE)
    tick()
    take_down([sites[39]])
    at(TWO)
    plan(acme, TWO - MINUTE, FOUR)  # in progress, before any tick
    near = ["globex.example", "s39.example", "acme.example", *reversed(names[20:25])]
    assert domains(browser.get(BOARD).text) == [*near, *quiet][:25]
    assert domains(browser.get(f"{BOARD}?p=2").text) == [*near, *quiet][25:]
    assert domains(browser.get(f"{BOARD}?busy=1").text) == near
    assert domains(browser.get(f"{BOARD}?q=s2").text) == [*near[3:], *names[25:30]]
    assert domains(browser.get(f"{BOARD}?q=s2&busy=1").text) == near[3:]
    at(FOUR + 2 * HOUR)  # globex is up, before any tick
    assert domains(browser.get(f"{BOARD}?busy=1").text) == ["s39.example", *near[3:]]


def test_many_matching_sites_keep_order(acme, globex, plan, browser, monkeypatch):
    monkeypatch.setattr(search, "FEW", 1)
    plan(globex)
    assert domains(browser.get(f"{BOARD}?q=.example").text) == ["globex.example", "acme.example"]
    assert domains(browser.get(f"{BOARD}?q=.example&busy=1").text) == ["globex.example"]
    assert "Page" not in browser.get(f"{BOARD}?q=.example").text


def test_pages_fill_up_with_quiet_sites(plan, at, browser):
    sites = Site.objects.bulk_create(Site(domain=f"s{n:02}.example") for n in range(60))
    for site in sites[30:]:
        plan(site)
    pages = [domains(browser.get(f"{BOARD}?p={n}").text) for n in (1, 2, 3)]
    assert [len(page) for page in pages] == [25, 25, 11]
    assert sorted(chain(*pages)) == ["example.com", *(site.domain for site in sites)]
    assert set(pages[0]) < {site.domain for site in sites[30:]}
    assert pages[2] == [site.domain for site in sites[19:30]]


def test_now_table_names_earliest_scheduled_window(acme, plan, at, browser):
    windows = [plan(acme, TWO + n * HOUR, TWO + n * HOUR + MINUTE) for n in (3, 1, 2, 1)]
    assert f"/{windows[1].pk}/change/" in browser.get(BOARD).text.split('id="board-now"')[1]
    assert "2029-11-04 03:00 UTC" in row(browser.get(BOARD).text, "acme.example")


def test_now_table_shows_state_of_each_site(acme, globex, plan, at, browser):
    plan(acme)
    assert row(browser.get(BOARD).text, "acme.example").startswith("up - - 2029-11-04 02:00 UTC")
    at(TWO)
    take_down([globex], level="read_only")
    page = browser.get(BOARD).text
    assert row(page, "acme.example").startswith(
        "down 2029-11-04 02:00 UTC 2029-11-04 04:00 UTC - +15 min +30 min +60 min End now "
        f"Window {MaintenanceWindow.objects.get().pk} would run until 2029-11-04 04:00 UTC."
    )
    assert row(page, "globex.example").startswith(
        "read-only (switched on by hand) 2029-11-04 02:00 UTC until switched off - Bring up"
    )


def test_overview_shows_scheduler_health(acme, at, browser):
    page = browser.get(BOARD).text
    assert "The scheduler has never ticked." in page
    assert "It is down." in page
    tick()
    page = browser.get(BOARD).text
    assert "The scheduler's last tick was at 2029-11-04 01:00:00 UTC." in page
    assert "It is well." in page


def test_take_down_button_holds_site_until_brought_up(acme, at, browser, visit):
    assert visit().status_code == 200
    answer = press(browser, acme, verb="on", length="", level="full", message="Back soon.")
    assert messages(answer) == "acme.example is down until further notice."
    assert answer.redirect_chain == [(f"{BOARD}?q=ac", 302)]
    assert "Back soon." in visit().text
    assert messages(press(browser, acme, verb="off")) == "acme.example is up."
    assert visit().status_code == 200
    actors = Transition.objects.values_list("actor", flat=True)
    assert set(actors) == {"alice"}
    said = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert list(said) == ["acme.example is down until further notice.", "acme.example is up."]


def test_take_down_button_changes_held_level_to_full(acme, at, browser, visit):
    take_down([acme], level="read_only")
    assert "Set an end" in row(browser.get(BOARD).text, "acme.example")
    press(browser, acme, verb="on", length="", level="full")
    assert visit().status_code == 503


def test_take_down_button_gives_held_site_an_end(acme, at, browser, visit):
    take_down([acme], message="Back soon.")
    answer = press(browser, acme, verb="on", length="2h", level="full", message="")
    assert messages(answer) == "acme.example is down until Sun 4 Nov 03:00 UTC."
    assert visit().headers["Retry-After"] == "7200"
    assert "Back soon." in visit().text
    assert "Set an end" not in row(browser.get(BOARD).text, "acme.example")


def test_take_down_button_accepts_duration(acme, at, browser, visit):
    answer = press(browser, acme, verb="on", length="2h", level="read_only", message="")
    assert messages(answer) == "acme.example is down until Sun 4 Nov 03:00 UTC."
    assert (visit().status_code, visit(method="POST").status_code) == (200, 503)
    assert visit(method="POST").headers["Retry-After"] == "7200"


def test_extend_button_moves_end(acme, plan, at, browser, visit):
    window = plan(acme)
    at(TWO)
    assert messages(press(browser, acme, extend="30")) == (
        f"Window {window.pk} of acme.example ends at Sun 4 Nov 04:30 UTC."
    )
    assert visit().headers["Retry-After"] == "9000"


def test_extend_button_moves_end_of_outage(acme, plan, at, browser, visit):
    plan(acme)
    plan(acme, TWO + 10 * MINUTE, TWO + 20 * MINUTE)
    last = plan(acme, FOUR, FOUR + HOUR)
    at(TWO + 10 * MINUTE)
    assert f"Window {last.pk} of acme.example ends at Sun 4 Nov 05:15" in messages(
        press(browser, acme, extend="15")
    )


def test_end_button_ends_windows_and_keeps_site_held(acme, plan, at, browser, visit):
    plan(acme)
    plan(acme, TWO, FOUR + HOUR)
    at(TWO)
    take_down([acme])
    assert messages(press(browser, acme, verb="end")).startswith("Ended window")
    assert visit().headers["Retry-After"] == "300"
    assert messages(press(browser, acme, verb="off")) == "acme.example is up."


def test_bring_up_button_ends_windows_and_reports_them(acme, plan, at, browser, visit):
    window = plan(acme)
    at(TWO)
    assert messages(press(browser, acme, verb="off")) == (
        f"acme.example is up. Ended window {window.pk}."
    )
    assert visit().status_code == 200


@pytest.mark.parametrize("button", [{"extend": "15"}, {"verb": "end"}])
def test_button_without_window_in_progress_gives_error(acme, at, browser, button):
    assert messages(press(browser, acme, **button)) == "No window of acme.example is in progress."


@pytest.mark.parametrize(
    "button",
    [
        {},
        {"verb": "delete"},
        {"extend": "7"},
        {"verb": "on", "length": "soon"},
        {"verb": "on", "level": "half"},
        {"verb": "off", "site": "999999"},
    ],
)
def test_invalid_submission_gives_error_and_changes_nothing(acme, at, browser, button):
    answer = press(browser, acme, **button)
    assert [message.level_tag for message in answer.context["messages"]] == ["error"]
    assert not SiteMaintenance.objects.filter(in_maintenance=True).exists()


def test_get_changes_nothing(acme, at, browser):
    answer = browser.get(OPERATE, {"site": acme.pk, "verb": "on"})
    assert answer.headers["Location"] == BOARD
    assert not SiteMaintenance.objects.get(pk=acme.pk).in_maintenance


def test_redirect_rejects_foreign_hosts(acme, at, browser):
    answer = browser.post(OPERATE, {"site": acme.pk, "verb": "off", "back": "//evil.example/"})
    assert answer.headers["Location"] == BOARD


@pytest.mark.parametrize("button", [{"verb": "end"}, {"verb": "off"}, {"extend": "15"}])
def test_stale_page_gives_error_and_keeps_windows(acme, plan, at, browser, visit, button):
    plan(acme)
    plan(acme, FOUR + MINUTE, FOUR + 24 * HOUR)
    at(TWO)
    page = form_state(browser, acme)
    at(FOUR + MINUTE)
    runtime.publish()
    answer = browser.post(OPERATE, page | button, follow=True)
    assert (
        messages(answer)
        == "The windows in progress on acme.example have changed: review them and try again."
    )
    assert visit().status_code == 503
    assert messages(press(browser, acme, **button)) != messages(answer)


def test_search_tolerates_null_characters(acme, at, browser):
    assert browser.get(f"{BOARD}?q=%00").status_code == 200
    assert "acme.example" in browser.get(f"{BOARD}?q=ac%00me").text


@pytest.mark.parametrize("zone", ["Etc/GMT+5", "Asia/Tokyo", "UTC"])
def test_pages_name_time_zone(acme, at, browser, settings, zone):
    settings.TIME_ZONE = zone
    assert f"Times in {zone}." in browser.get(BOARD).text
    add = browser.get("/admin/maintenance_windows/maintenancewindow/add/")
    assert f'<option value="{zone}" selected>' in add.text


class Windows(admin.AdminSite):
    """An admin site that registers only some of the models."""


windows_alone = Windows("windows")
windows_alone.register(MaintenanceWindow, MaintenanceWindowAdmin)
urlpatterns = [path("windows/", windows_alone.urls)]


def test_admin_site_without_all_models_has_no_overview(acme, browser, settings):
    settings.ROOT_URLCONF = __name__
    page = browser.get("/windows/maintenance_windows/").text
    assert "Windows" in page
    assert 'id="board' not in page
