"""The page of a site in the admin, the list of sites and the activity: states and their causes."""

import re
from html import unescape

from django.contrib.auth.models import Permission, User
from django.urls import reverse

from maintenance_windows.models import SiteMaintenance, Transition
from maintenance_windows.planning import windows
from maintenance_windows.planning.sites import bring_up, take_down
from tests.helpers.times import FOUR, HOUR, TWO
from tests.test_admin import SITES, switch  # noqa: F401 (a fixture)

ACTIVITY = "/admin/maintenance_windows/transition/"


def offered(page: str) -> set[str]:
    """The fields of the hold that can be typed into."""
    tags = re.findall(r"<(?:select|textarea)[^>]*>", page)
    found = {re.search(r'name="([^"]*)"', tag)[1]: tag for tag in tags}
    return {name for name in ("level", "message") if "disabled" not in found[name]}


def test_page_offers_what_can_be_changed_now(acme, plan, at, browser, switch):  # noqa: F811
    assert offered(browser.get(switch.url).text) == set()
    # What a browser sends without our script: what is disabled is not sent.
    switch(on=True, level=None, message=None)
    page = browser.get(switch.url).text
    assert offered(page) == {"level", "message"}
    assert "Takes the site down until you clear this box." in page
    switch(on=False)
    window = plan(acme, level="read_only", message="Disks.")
    at(TWO)
    page = browser.get(switch.url).text
    assert offered(page) == set()
    assert f"This also ends window {window.pk}." in page
    switch(on=True, level=None, message=None)
    assert states(browser.get(switch.url)) == ["Read-only"]
    switch(on=False, level=None, message=None)
    assert not SiteMaintenance.objects.get(pk=acme.pk).in_maintenance


def told(page: str) -> str:
    found = re.search(r"field-told.*?readonly\">(.*?)</div>", page, re.DOTALL)
    return unescape(re.sub("<[^>]*>", "", found[1]))


def test_page_names_whose_message_visitors_see(acme, plan, at, browser, switch):  # noqa: F811
    assert told(browser.get(switch.url).text) == "-"
    quiet = plan(acme, TWO - HOUR, FOUR)
    at(TWO)
    text = "Visitors see the standard text: no message is set."
    assert told(browser.get(switch.url).text) == text
    window = plan(acme, TWO, FOUR, message="Disks.", title="<Disk> swap")
    expected = f"Visitors see the message of window {window.pk}, “<Disk> swap”."
    assert told(browser.get(switch.url).text) == expected
    windows.end(quiet.pk)
    take_down([acme], message="By hand.")
    windows.end(window.pk)
    assert told(browser.get(switch.url).text) == "Visitors see the message below."


def test_page_hides_title_from_readers_of_sites_alone(acme, plan, at, client, switch):  # noqa: F811
    window = plan(acme, message="Disks.", title="Secret")
    at(TWO)
    bob = User.objects.create_user("bob", is_staff=True)
    bob.user_permissions.add(Permission.objects.get(codename="view_sitemaintenance"))
    client.force_login(bob)
    page = client.get(switch.url).text
    assert told(page) == f"Visitors see the message of window {window.pk}."
    assert "Secret" not in page
    assert "icon-" not in page.partition('class="module aligned')[2].partition("</fieldset>")[0]


def test_page_says_who_took_the_site_down(acme, browser, switch):  # noqa: F811
    switch(on=True)
    page = browser.get(switch.url).text
    assert "taken down manually, by alice" in page
    assert "until further notice" in page
    switch(on=False)
    assert "brought up manually, by alice" in browser.get(switch.url).text


def states(page) -> list[str]:
    return re.findall(r'class="mw-state \w+">([^<]*)<', page.text)


def test_lists_show_and_filter_what_visitors_meet(acme, globex, plan, at, browser):
    sites, activity = reverse(f"{SITES}_changelist"), ACTIVITY
    plan(globex, level="read_only")
    take_down([acme], clock=lambda: TWO - HOUR)
    at(TWO)  # before any tick
    every = states(browser.get(sites))
    assert sorted(every) == ["Down", "Read-only", *["Up"] * (len(every) - 2)]
    for state, domain in (("down", "acme.example"), ("read_only", "globex.example")):
        page = browser.get(sites, {"state": state})
        assert [flag.site.domain for flag in page.context["cl"].result_list] == [domain]
    assert set(states(browser.get(sites, {"state": "up"}))) == {"Up"}
    bring_up([acme, globex], actor="alice")
    page = browser.get(activity)
    assert states(page) == ["Up", "Up", "Read-only", "Down"]
    assert "Sun 4 Nov 02:00:00 UTC" in page.text
    for state, number in (("down", 1), ("read_only", 1), ("up", 2)):
        assert len(states(browser.get(activity, {"state": state}))) == number
    assert "icon-yes" not in page.text
    assert "4 status changes" in " ".join(page.text.split())
    assert page.context["title"] == "Activity"
    names = [str(row) for row in Transition.objects.all()]
    assert sorted(names) == [
        "acme.example came up: Sun 4 Nov 02:00 UTC",
        "acme.example went down: Sun 4 Nov 01:00 UTC",
        "globex.example became read-only: Sun 4 Nov 02:00 UTC",
        "globex.example came up: Sun 4 Nov 02:00 UTC",
    ]


def test_first_page_lists_overview_first(browser):
    (app,) = [
        app
        for app in browser.get("/admin/").context["app_list"]
        if app["app_label"] == "maintenance_windows"
    ]
    assert app["name"] == "Maintenance"
    assert [model["name"].strip() for model in app["models"]] == [
        "Overview", "Activity", "Freezes", "Recurring windows", "Site statuses", "Windows",
    ]  # fmt: skip
