"""Permissions: each verb for each role, in the pages and by forged POSTs."""

from collections.abc import Callable
from datetime import datetime

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from maintenance_windows.models import MaintenanceWindow, SiteMaintenance, WindowSeries
from maintenance_windows.planning import standing, windows
from tests.helpers.pages import times
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO

pytestmark = pytest.mark.any_database

ADMIN = "/admin/maintenance_windows"
VIEW = ["view_maintenancewindow", "view_sitemaintenance", "view_windowseries", "view_transition"]
PLAN = ["add_maintenancewindow", "change_maintenancewindow", "add_windowseries"]
ROLES = {
    "nobody": [],
    "viewer": VIEW,
    "planner": [*VIEW, *PLAN],
    "operator": [*VIEW, "operate_sitemaintenance"],
    "both": [*VIEW, *PLAN, "operate_sitemaintenance"],
}


class Night:
    """Acme has a window in progress and a scheduled one; nothing else is down."""

    def __init__(self, client: Client, acme, plan) -> None:
        self.client, self.acme = client, acme
        self.running = plan(acme, TWO, FOUR)
        self.coming = plan(acme, FOUR + HOUR, FOUR + 2 * HOUR)

    def facts(self) -> list[object]:
        windows = MaintenanceWindow.objects.order_by("pk").values()
        sites = SiteMaintenance.objects.order_by("pk").values("in_maintenance", "bypass", "until")
        return [*windows, *sites, *WindowSeries.objects.values("pk")]

    def action(self, name: str, window: MaintenanceWindow) -> object:
        given = {"action": name, "_selected_action": window.pk, "confirmed": "1"}
        return self.client.post(f"{ADMIN}/maintenancewindow/", given)

    def operate(self, **button: str) -> object:
        shown = standing.read([self.acme], TWO + MINUTE)[self.acme.pk].mark
        given = {"site": self.acme.pk, "shown": shown, **button}
        return self.client.post(f"{ADMIN}/sitemaintenance/operate/", given)

    def add_window(self, starts_at: datetime = FOUR + 5 * HOUR) -> object:
        start, end = times("starts_at", starts_at), times("ends_at", FOUR + 6 * HOUR)
        given = {"sites": [self.acme.pk], "zone": "UTC", "level": "full", **start, **end}
        return self.client.post(f"{ADMIN}/maintenancewindow/add/", given)

    def change_window(self, starts_at: datetime = FOUR + HOUR) -> object:
        start, end = times("starts_at", starts_at), times("ends_at", FOUR + 3 * HOUR)
        initial = times("initial-starts_at", FOUR + HOUR) | times(
            "initial-ends_at", FOUR + 2 * HOUR
        )
        given = {"level": "full", "title": "", "message": "", **start, **end, **initial}
        return self.client.post(f"{ADMIN}/maintenancewindow/{self.coming.pk}/change/", given)

    def change_what_runs(self) -> object:
        end, initial = times("ends_at", TWO + 2 * MINUTE), times("initial-ends_at", FOUR)
        given = {"level": "full", "title": "", "message": "", **end, **initial}
        return self.client.post(f"{ADMIN}/maintenancewindow/{self.running.pk}/change/", given)

    def toggle(self) -> object:
        formset = {f"ignored_urls-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
        given = {"initial-in_maintenance": "True", "level": "full", "message": "", **formset}
        return self.client.post(f"{ADMIN}/sitemaintenance/{self.acme.pk}/change/", given)

    def links(self, **button: str) -> object:
        return self.client.post(f"{ADMIN}/sitemaintenance/{self.acme.pk}/links/", button)

    def begin_series(self) -> object:
        given = {
            "site": self.acme.pk, "starts_on": "2029-11-05", "start_time": "02:00", "zone": "UTC",
            "length": "2h", "unit": "DAILY", "every": "1", "level": "full",
        }  # fmt: skip
        return self.client.post(f"{ADMIN}/windowseries/add/", given)


VERBS: dict[str, tuple[Callable[[Night], object], set[str]]] = {
    "schedule": (Night.add_window, {"planner", "both"}),
    "move": (Night.change_window, {"planner", "both"}),
    "schedule at once": (lambda night: night.add_window(TWO), {"both"}),
    "move to now": (lambda night: night.change_window(TWO), {"both"}),
    "change what runs": (Night.change_what_runs, {"both"}),
    "cancel": (lambda night: night.action("cancel", night.coming), {"planner", "both"}),
    "begin a series": (Night.begin_series, {"planner", "both"}),
    "start": (lambda night: night.action("start_now", night.coming), {"operator", "both"}),
    "end": (lambda night: night.action("end_now", night.running), {"operator", "both"}),
    "extend": (lambda night: night.action("extend_15", night.running), {"operator", "both"}),
    "toggle": (Night.toggle, {"operator", "both"}),
    "take down": (lambda night: night.operate(verb="down", length="open"), {"operator", "both"}),
    "bring up": (lambda night: night.operate(verb="up"), {"operator", "both"}),
    "extend on the overview": (
        lambda night: night.operate(verb="extend", minutes="15"),
        {"operator", "both"},
    ),
    "revoke links": (lambda night: night.links(revoke="1"), {"operator", "both"}),
}


@pytest.fixture
def night(acme, plan, at, client) -> Night:
    at(TWO)
    night = Night(client, acme, plan)
    at(TWO + MINUTE)
    return night


def become(client: Client, role: str) -> None:
    user = User.objects.create_user(role, password="x", is_staff=True)
    codenames = ROLES[role]
    found = Permission.objects.filter(codename__in=codenames)
    assert found.count() == len(codenames)
    user.user_permissions.set(found)
    client.force_login(user)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("verb", VERBS)
def test_role_performs_only_permitted_verbs(night, role, verb):
    ask, allowed = VERBS[verb]
    become(night.client, role)
    before = night.facts()
    answer = ask(night)
    assert (night.facts() != before) is (role in allowed), answer.content.decode()
    assert answer.status_code in {200, 302, 403}


@pytest.mark.parametrize("role", ROLES)
def test_pages_offer_only_permitted_actions(night, role):
    become(night.client, role)
    board = night.client.get(f"{ADMIN}/")
    if role == "nobody":
        assert board.status_code in {403, 404}
        return
    plans, operates = role in {"planner", "both"}, role in {"operator", "both"}
    assert ("maintenancewindow/add/?sites=" in board.text) is plans
    assert ('value="down"' in board.text, 'value="extend"' in board.text) == (operates, operates)
    listed = night.client.get(f"{ADMIN}/maintenancewindow/").text
    for action in ("start_now", "end_now", "extend_15", "extend_30", "extend_60"):
        assert (f'value="{action}"' in listed) is operates
    assert ('value="cancel"' in listed) is plans
    site = night.client.get(f"{ADMIN}/sitemaintenance/{night.acme.pk}/change/").text
    assert ('name="in_maintenance"' in site, "/links/" in site) == (operates, operates)
    history = f"{ADMIN}/maintenancewindow/{night.running.pk}/history/"
    assert night.client.get(history).status_code == 200


GETS = [
    "/maintenancewindow/?action=end_now&_selected_action={window}",
    "/sitemaintenance/operate/?verb=on&site={site}",
    "/sitemaintenance/{site}/links/?revoke=1&make=1&length=1h",
    "/sitemaintenance/{site}/change/?in_maintenance=on",
    "/maintenancewindow/add/?sites={site}&starts_at=2029-11-05T02:00Z&_save=1",
]


@pytest.mark.parametrize("address", GETS)
def test_get_changes_nothing(night, alice, address):
    night.client.force_login(alice)
    before = night.facts()
    night.client.get(ADMIN + address.format(site=night.acme.pk, window=night.running.pk))
    assert night.facts() == before


def test_post_without_csrf_token_gets_403(night, alice):
    night.client = Client(enforce_csrf_checks=True)
    night.client.force_login(alice)
    before = night.facts()
    for ask, _ in VERBS.values():
        assert ask(night).status_code == 403
    assert night.facts() == before


def test_titles_require_view_permission_on_windows(night, acme):
    windows.revise(night.coming.pk, title="CANARY")
    become(night.client, "viewer")
    history = f"{ADMIN}/sitemaintenance/{acme.pk}/history/"
    assert "CANARY" in night.client.get(f"{ADMIN}/").text
    assert "CANARY" in night.client.get(history).text
    user = User.objects.create_user("switcher", password="x", is_staff=True)
    own = ["operate_sitemaintenance", "view_sitemaintenance"]
    user.user_permissions.set(Permission.objects.filter(codename__in=own))
    night.client.force_login(user)
    board = night.client.get(f"{ADMIN}/").text
    assert 'value="up"' in board
    assert "CANARY" not in board
    assert "CANARY" not in night.client.get(history).text


@pytest.mark.parametrize("minutes", [15, 30, 60])
def test_extend_action_adds_its_minutes(night, minutes):
    become(night.client, "operator")
    end = night.running.ends_at
    night.action(f"extend_{minutes}", night.running)
    night.running.refresh_from_db()
    assert night.running.ends_at == end + minutes * MINUTE
