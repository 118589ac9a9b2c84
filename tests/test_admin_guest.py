"""Our admin in a project whose own admin differs: no SiteAdmin, or an AdminSite by another name."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.contrib.sites.models import Site
from django.core.checks import run_checks
from django.urls import include, path, reverse

from maintenance_windows import admin as ours
from maintenance_windows.models import (
    MaintenanceWindow,
    Overview,
    SiteMaintenance,
    Transition,
    WindowSeries,
)
from tests.helpers.pages import times
from tests.helpers.times import FOUR, TWO

pytestmark = pytest.mark.any_database

APP = "maintenance_windows"
MODELS = {
    MaintenanceWindow: ours.MaintenanceWindowAdmin,
    Overview: ours.OverviewAdmin,
    SiteMaintenance: ours.SiteMaintenanceAdmin,
    Transition: ours.TransitionAdmin,
    WindowSeries: ours.WindowSeriesAdmin,
}

backstage = admin.AdminSite("backstage")
series_alone = admin.AdminSite("series_alone")
for model, model_admin in MODELS.items():
    backstage.register(model, model_admin)
series_alone.register(WindowSeries, ours.WindowSeriesAdmin)


class OnlyBackstage:
    urlpatterns = [
        path("backstage/", backstage.urls),
        path("series/", series_alone.urls),
        path("maintenance/", include("maintenance_windows.urls")),
    ]


class Both:
    urlpatterns = [path("admin/", admin.site.urls), *OnlyBackstage.urlpatterns]


class SiteAdminWithoutSearch(admin.ModelAdmin):
    list_display = ("domain",)


@pytest.fixture(params=[None, SiteAdminWithoutSearch], ids=["unregistered", "without search"])
def site_admin(request):
    """The project's SiteAdmin: none, or one without `search_fields`."""
    reverse("admin:index")  # other tests go on with the URLs that are made now
    usual = type(admin.site.get_model_admin(Site))
    admin.site.unregister(Site)
    if request.param:
        admin.site.register(Site, request.param)
    yield
    if request.param:
        admin.site.unregister(Site)
    admin.site.register(Site, usual)


def admin_errors() -> list[str]:
    messages = run_checks(tags=["admin"])
    return [message.id for message in messages if APP in str(message.obj)]


@pytest.mark.parametrize("model", ["maintenancewindow", "windowseries"])
def test_plans_without_site_admin_of_project(site_admin, acme, globex, browser, model):
    assert admin_errors() == []
    page = browser.get(f"/admin/{APP}/{model}/add/").text
    (url,) = re.findall(r'data-ajax--url="([^"]+)"', page)
    found = browser.get(url, {"term": "acm"}).json()
    assert found == {
        "results": [{"id": str(acme.pk), "text": "acme.example"}],
        "pagination": {"more": False},
    }
    form = {"zone": "UTC", "level": "full"}
    if model == "maintenancewindow":
        form |= {"sites": [acme.pk], **times("starts_at", TWO), **times("ends_at", FOUR)}
    else:
        form |= {"site": acme.pk, "starts_on": "2029-11-05", "start_time": "02:00"}
        form |= {"length": "2h", "unit": "DAILY", "every": "1"}
    browser.post(f"/admin/{APP}/{model}/add/", form)
    assert set(MaintenanceWindow.objects.values_list("site", flat=True)) == {acme.pk}


def test_site_search_returns_pages_in_order(browser):
    Site.objects.bulk_create(Site(domain=f"s{n:02}.example", name="Shop") for n in range(45))
    url = reverse(f"admin:{APP}_maintenancewindow_sites")

    def ask(**query: object) -> tuple[list[str], bool]:
        found = browser.get(url, query).json()
        return [one["text"] for one in found["results"]], found["pagination"]["more"]

    for page, (first, last, more) in {1: (0, 20, True), 3: (40, 45, False)}.items():
        expected = [f"s{n:02}.example" for n in range(first, last)]
        assert ask(term="shop s", page=page) == (expected, more)
    assert ask(term="s44.") == (["s44.example"], False)
    for page in ("", "0", "-1", "two", "²"):
        assert ask(term="shop", page=page)[0][0] == "s00.example"
    assert ask(term="shop", page="9" * 30)[0][0] == "s00.example"
    assert ask(term="shop", page="9999999") == ([], False)
    assert ask(term="\0") == ask()


def test_site_search_is_for_people_who_may_plan(acme, client):
    user = User.objects.create_user("planner", is_staff=True)
    client.force_login(user)
    urls = [f"/admin/{APP}/{model}/sites/" for model in ("maintenancewindow", "windowseries")]
    assert [client.get(url).status_code for url in urls] == [403, 403]
    user.user_permissions.set(Permission.objects.filter(codename="add_windowseries"))
    assert [client.get(url).status_code for url in urls] == [403, 200]


@pytest.mark.parametrize("urlconf", [OnlyBackstage, Both])
def test_own_admin_site_keeps_its_links(acme, plan, browser, settings, urlconf):
    settings.ROOT_URLCONF = urlconf
    window = plan(acme)
    form = {"site": acme.pk, "starts_on": "2029-11-05", "start_time": "02:00", "zone": "UTC"}
    form |= {"length": "2h", "unit": "DAILY", "every": "1", "level": "full"}
    assert browser.post(f"/backstage/{APP}/windowseries/add/", form).status_code == 302
    series = WindowSeries.objects.get()
    pages = {
        "": 'id="maintenance-board"',
        "overview/": 'id="maintenance-board"',
        "maintenancewindow/": "acme.example",
        "maintenancewindow/add/": f"/backstage/{APP}/maintenancewindow/sites/",
        f"maintenancewindow/{window.pk}/change/": "preview/",
        f"maintenancewindow/{window.pk}/history/": "acme.example",
        "maintenancewindow/calendar/": "Your calendar",
        "windowseries/": "acme.example",
        "windowseries/add/": f"/backstage/{APP}/windowseries/sites/",
        f"windowseries/{series.pk}/change/": f"/backstage/{APP}/maintenancewindow/?series__id",
        "sitemaintenance/": "acme.example",
        f"sitemaintenance/{acme.pk}/change/": f"/sitemaintenance/{acme.pk}/links/",
        f"sitemaintenance/{acme.pk}/links/": "Bypass links",
        "transition/": "",
    }
    for address, words in pages.items():
        answer = browser.get(f"/backstage/{APP}/{address}")
        assert answer.status_code == 200, address
        assert words in answer.text, address
        assert '"/admin/' not in answer.text, address
    button = {"site": acme.pk, "verb": "down", "length": "open"}
    answer = browser.post(f"/backstage/{APP}/sitemaintenance/operate/", button)
    assert answer.headers["Location"] == f"/backstage/{APP}/#site-{acme.pk}"
    assert SiteMaintenance.objects.get(site=acme).in_maintenance
    # Wherever it is mounted, it is open while the site is down.
    client = type(browser)()
    assert client.get("/backstage/login/", headers={"host": "acme.example"}).status_code == 200


def test_series_alone_are_shown_without_links_to_windows(acme, browser, settings):
    settings.ROOT_URLCONF = Both
    form = {"site": acme.pk, "starts_on": "2029-11-05", "start_time": "02:00", "zone": "UTC"}
    form |= {"length": "2h", "unit": "DAILY", "every": "1", "level": "full"}
    browser.post(f"/series/{APP}/windowseries/add/", form)
    page = browser.get(f"/series/{APP}/windowseries/{WindowSeries.objects.get().pk}/change/").text
    assert "upcoming or in progress" in page
    assert f"{APP}/maintenancewindow/" not in page
