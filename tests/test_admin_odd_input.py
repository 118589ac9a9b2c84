"""Pages of the admin whose address or form has values that no browser sends by itself."""

import pytest
from django import VERSION
from django.urls import reverse

from maintenance_windows.models import IgnoredURL
from tests.helpers.pages import errors, fill

ADMIN = "/admin/maintenance_windows/"


@pytest.mark.parametrize(
    "page",
    [
        "maintenancewindow/?starts_at__year=99999999999999999999",
        "maintenancewindow/?starts_at__year=9999",
        "maintenancewindow/?starts_at__year=2029&starts_at__month=99999999999999999999",
        "maintenancewindow/?level__exact=%00",
        "maintenancewindow/?site__id__exact=99999999999999999999",
        "maintenancewindow/?q=%00",
        "freeze/?length=name",
        "freeze/?live=%00",
        "freeze/add/?starts_at=name&sites=name&zone=%00",
        "freeze/add/?ends_at=9999-12-31T23:59&site=99999999999999999999",
        "maintenancewindow/add/?site=name&sites=99999999999999999999",
        "maintenancewindow/add/?published_at=name&banner_lead=name",
        "windowseries/add/?published_at=name&starts_on=name&length=name",
        "sitemaintenance/?in_maintenance__exact=name",
        "transition/?done_at__year=99999999999999999999",
        "windowseries/?level__exact=%00",
        "windowseries/?length=name",
        "windowseries/?length__gt=%00",
        "windowseries/add/?site=name",
        "windowseries/add/?site=99999999999999999999",
    ],
)
def test_page_with_odd_parameters_is_shown(acme, plan, browser, page):
    plan(acme)
    response = browser.get(ADMIN + page, follow=True)
    assert response.status_code in {200, 400}


@pytest.mark.parametrize("value", ["name", "99999999999999999999"])
def test_series_form_names_error_of_unreadable_site(browser, value):
    response = browser.post(f"{ADMIN}windowseries/add/", {"site": value})
    assert "Select a valid choice." in errors(response)


def test_ignored_url_that_site_has_already_gives_sentence(acme, browser):
    """A second click sends the form again."""
    url = reverse("admin:maintenance_windows_sitemaintenance_change", args=[acme.pk])
    form = fill(browser.get(url).text, **{"ignored_urls-0-pattern": "contact/"})
    assert browser.post(url, form).status_code == 302
    assert "This site already has that pattern." in errors(browser.post(url, form))
    assert IgnoredURL.objects.count() == 1


@pytest.mark.skipif(VERSION >= (6, 0), reason="Django itself refuses it, with the same sentence")
def test_ignored_urls_may_exchange_places_with_deleted_one(acme, browser):
    url = reverse("admin:maintenance_windows_sitemaintenance_change", args=[acme.pk])
    browser.post(url, fill(browser.get(url).text, **{"ignored_urls-0-pattern": "contact/"}))
    changes = {"ignored_urls-0-DELETE": "on", "ignored_urls-1-pattern": "contact/"}
    assert browser.post(url, fill(browser.get(url).text, **changes)).status_code == 302
    assert IgnoredURL.objects.get().pattern == "contact/"


def test_ignored_urls_that_swap_patterns_give_sentence(acme, browser):
    """The database takes one after the other."""
    url = reverse("admin:maintenance_windows_sitemaintenance_change", args=[acme.pk])
    for pattern in ("a/", "b/"):
        IgnoredURL.objects.create(maintenance=acme.maintenance, pattern=pattern)
    changes = {"ignored_urls-0-pattern": "b/", "ignored_urls-1-pattern": "a/"}
    response = browser.post(url, fill(browser.get(url).text, **changes), follow=True)
    assert "This site already has that pattern." in response.text
