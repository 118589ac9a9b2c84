"""The overview: which sites it shows, in which order."""

import re
from itertools import chain

import pytest
from django.contrib import admin
from django.contrib.sites.models import Site
from django.urls import path

from maintenance_windows.admin import MaintenanceWindowAdmin
from maintenance_windows.models import MaintenanceWindow, search
from maintenance_windows.planning import windows
from maintenance_windows.planning.sites import take_down
from maintenance_windows.reconcile.tick import tick
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO

BOARD = "/admin/maintenance_windows/"


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
    assert "No sites match “nobody”." in browser.get(f"{BOARD}?q=nobody").text
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
    near = ["acme.example", "globex.example", "s39.example", *reversed(names[20:25])]
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
