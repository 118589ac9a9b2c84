"""The overview as an entry in the admin's lists of models, from which themes make their menus."""

import pytest
from django.contrib.auth.models import Permission, User

pytestmark = pytest.mark.any_database

URL = "/admin/maintenance_windows/overview/"
READERS = ("view_maintenancewindow", "change_maintenancewindow", "operate_sitemaintenance")


@pytest.fixture
def member(client):
    """A function that logs in a staff user with these permissions."""

    def log_in(*permissions: str) -> None:
        user = User.objects.create_user("member", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client.force_login(user)

    return log_in


@pytest.mark.parametrize("page", ["/admin/", "/admin/maintenance_windows/", "/admin/auth/user/"])
def test_lists_of_models_link_to_overview(browser, page):
    assert f'href="{URL}"' in browser.get(page).text


def test_overview_entry_opens_timeline(acme, plan, browser):
    plan(acme, title="Disks")
    page = browser.get(URL)
    assert 'id="maintenance-board"' in page.text
    assert "Disks" in page.text
    assert "The scheduler has not run yet." in page.text


@pytest.mark.parametrize("permission", READERS)
def test_readers_and_operators_find_overview(acme, client, member, permission):
    member(permission)
    assert f'href="{URL}"' in client.get("/admin/").text
    assert "acme.example" in client.get(URL).text


def test_other_staff_find_no_overview(acme, client, member):
    member("view_user", "view_transition")
    assert URL not in client.get("/admin/").text
    assert client.get(URL).status_code == 403


def test_overview_offers_neither_rows_nor_permissions(acme, browser):
    assert not Permission.objects.filter(content_type__model="overview").exists()
    for page in ("add/", f"{acme.pk}/change/", f"{acme.pk}/delete/", f"{acme.pk}/history/"):
        assert browser.get(f"{URL}{page}").status_code == 404
    assert f"{URL}add/" not in browser.get("/admin/").text


def test_button_on_overview_entry_returns_to_it(acme, browser):
    sent = {"site": acme.pk, "verb": "down", "length": "open", "back": f"{URL}?q=ac"}
    answer = browser.post("/admin/maintenance_windows/sitemaintenance/operate/", sent)
    assert answer.headers["Location"] == f"{URL}?q=ac#site-{acme.pk}"
    assert f'name="back" value="{URL}?q=ac"' in browser.get(f"{URL}?q=ac").text
