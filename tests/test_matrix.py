"""Who may do what: each role by each entrance. What is refused says why, and writes nothing."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.sites.models import Site
from django.core.management import CommandError, call_command
from django.test import Client

from maintenance_windows.exceptions import Refused
from maintenance_windows.models import (
    Change,
    Freeze,
    MaintenanceWindow,
    SiteMaintenance,
    WindowSeries,
)
from maintenance_windows.permissions import ALL_RIGHTS, Rights
from maintenance_windows.planning import freezes, series, sites, standing, windows
from maintenance_windows.snapshot import clock
from tests.helpers.pages import errors, messages, times
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO

pytestmark = [pytest.mark.any_database, pytest.mark.slow]  # a minute

ADMIN = "/admin/maintenance_windows"
DAY = timedelta(days=1)
THREE = TWO + HOUR
NINE, TEN, NOON = TWO + 7 * HOUR, TWO + 8 * HOUR, TWO + 10 * HOUR
VIEW = {
    f"view_{model}" for model in ("maintenancewindow", "sitemaintenance", "windowseries", "freeze")
}
PLAN = {f"{verb}_{model}" for verb in ("add", "change") for model in (
    "maintenancewindow", "windowseries",
)}  # fmt: skip
OPERATE, FREEZE = "operate_sitemaintenance", "freeze_sites"
# The permissions of each role, and what its rights are worth to the verbs.
ROLES: dict[str, tuple[set[str], Rights]] = {
    "viewer": (VIEW, Rights(operate=False, freeze=False)),
    "planner": (VIEW | PLAN, Rights(operate=False, freeze=False)),
    "operator": (VIEW | PLAN | {OPERATE}, Rights(operate=True, freeze=False)),
    "freezer": (VIEW | PLAN | {FREEZE}, Rights(operate=False, freeze=True)),
    "superuser": (set(), ALL_RIGHTS),
    "shell": (set(), ALL_RIGHTS),
}
PLANNERS = {"planner", "operator", "freezer", "superuser", "shell"}
OPERATORS = {"operator", "superuser", "shell"}
FREEZERS = {"freezer", "superuser", "shell"}
AHEAD = "The start must be in the future, unless you may operate sites."
OPERATING = "This requires the permission to operate sites."
FROZEN = "acme.example is frozen (Sale)"
AT_ONCE = "would start at once, which requires the permission to operate sites"


class Night:
    """Three o'clock: one window is in progress, others are scheduled or cancelled."""

    def __init__(self, client: Client, acme: Site, plan: Callable[..., MaintenanceWindow]) -> None:
        self.client, self.acme = client, acme
        self.running = plan(acme, TWO, FOUR)
        self.coming = plan(acme, NINE, TEN)
        self.gone, self.missed = plan(acme, NINE, TEN), plan(acme, TWO, FOUR)
        nightly = {"rule": "FREQ=DAILY", "length": HOUR, "starts_on": date(2029, 11, 4)}
        template = WindowSeries(start_time=time(20), zone="UTC", **nightly)
        one = lambda: TWO - HOUR  # noqa: E731
        self.series = series.repeat([acme], template, clock=one)[0].series
        self.frozen = freezes.freeze(
            [acme], starts_at=NOON, ends_at=NOON + HOUR, reason="Sale", clock=one
        ).freeze
        for window in (self.gone, self.missed):
            windows.cancel(window.pk, clock=one)

    def facts(self) -> list[object]:
        tables = (MaintenanceWindow, SiteMaintenance, WindowSeries, Freeze, Change)
        return [row for table in tables for row in table.objects.order_by("pk").values()]

    def post(self, path: str, given: dict[str, Any]) -> str:
        answer = self.client.post(f"{ADMIN}/{path}", given)
        said = errors(answer) if answer.status_code == 200 else ""
        page = self.client.get(f"{ADMIN}/maintenancewindow/")
        return f"{answer.status_code} {said} {messages(page)}"

    def add(self, starts_at: datetime, ends_at: datetime, **more: str) -> str:
        start, end = times("starts_at", starts_at), times("ends_at", ends_at)
        given = {"sites": [self.acme.pk], "zone": "UTC", "level": "full", **start, **end}
        return self.post("maintenancewindow/add/", given | more)

    def change(self, window: MaintenanceWindow, starts_at: datetime, ends_at: datetime) -> str:
        initial = times("initial-starts_at", window.starts_at)
        initial |= times("initial-ends_at", window.ends_at)
        given = times("starts_at", starts_at) | times("ends_at", ends_at) | initial
        texts = {"level": "full", "title": "", "message": "", "start_now": "on"}
        more = {"initial-start_now": "False"}
        return self.post(f"maintenancewindow/{window.pk}/change/", given | texts | more)

    def act(self, name: str, window: MaintenanceWindow) -> str:
        given = {"action": name, "_selected_action": window.pk, "confirmed": "1"}
        return self.post("maintenancewindow/", given)

    def operate(self, **button: str) -> str:
        shown = standing.read([self.acme], clock.now())[self.acme.pk].mark
        return self.post(
            "sitemaintenance/operate/", {"site": self.acme.pk, "shown": shown, **button}
        )

    def recur(self, start: str, path: str = "add/", **more: str) -> str:
        given = {
            "site": self.acme.pk, "starts_on": "2029-11-04", "start_time": start, "zone": "UTC",
            "length": "2h", "unit": "DAILY", "every": "1", "level": "full", "start_now": "on",
        }  # fmt: skip
        return self.post(f"windowseries/{path}", given | more)

    def change_series(self, start: str) -> str:
        initial = {
            f"initial-{name}": value for name, value in {
                "starts_on": "2029-11-04", "start_time": "20:00:00", "zone": "UTC", "length": "1h",
                "unit": "DAILY", "every": "1", "level": "full", "start_now": "False",
                "rule": "FREQ=DAILY", "excluded": "",
            }.items()
        }  # fmt: skip
        return self.recur(start, f"{self.series.pk}/change/", **initial)

    def repeat(self, start: time, rights: Rights) -> object:
        nightly = {"rule": "FREQ=DAILY", "length": 2 * HOUR, "starts_on": date(2029, 11, 4)}
        template = WindowSeries(start_time=start, zone="UTC", **nightly)
        return series.repeat([self.acme], template, start_now=True, rights=rights)

    def schedule(self, starts_at: datetime, ends_at: datetime, **more: Any) -> object:
        return windows.schedule([self.acme], starts_at=starts_at, ends_at=ends_at, **more)

    def shell(self, *arguments: object) -> None:
        call_command("maintenance", *map(str, arguments))


# What is done, who may, the sentence for others who may at least plan, and how it is done in the
# admin, by a verb, and in the shell.
Way = tuple[set[str], str, Callable[[Night], str], Any, Callable[[Night], list[object]]]
NIGHTLY = ["--rule=FREQ=DAILY", "--zone=UTC", "--for=2h", "--now"]
SPAN = ["--end=2029-11-04T12:00Z"]
WAYS: dict[str, Way] = {
    "schedule ahead": (
        PLANNERS, "",
        lambda night: night.add(NINE, TEN),
        lambda night, rights: night.schedule(NINE, TEN, rights=rights),
        lambda night: ["schedule", night.acme, "--start=2029-11-04T09:00Z", "--for=1h"],
    ),
    "schedule now": (
        OPERATORS, AHEAD,
        lambda night: night.add(THREE, TEN),
        lambda night, rights: night.schedule(THREE, TEN, rights=rights),
        lambda night: ["schedule", night.acme, "--start=2029-11-04T03:00Z", "--for=1h"],
    ),
    "schedule in the past": (
        OPERATORS, AHEAD,
        lambda night: night.add(TWO, TEN, start_now="on"),
        lambda night, rights: night.schedule(TWO, TEN, rights=rights, start_now=True),
        lambda night: ["schedule", night.acme, "--start=2029-11-04T02:00Z", "--now", *SPAN],
    ),
    "move to now": (
        OPERATORS, AHEAD,
        lambda night: night.change(night.coming, TWO, TEN),
        lambda night, rights: windows.move(
            night.coming.pk, starts_at=TWO, ends_at=TEN, start_now=True, rights=rights
        ),
        lambda night: ["move", night.coming.pk, "--start=2029-11-04T02:00Z", "--now", *SPAN],
    ),
    "change what is in progress": (
        OPERATORS, OPERATING,
        lambda night: night.change(night.running, TWO, FOUR + HOUR),
        lambda night, rights: windows.revise(night.running.pk, ends_at=TEN, rights=rights),
        lambda night: ["move", night.running.pk, "--start=2029-11-04T02:00Z", *SPAN],
    ),
    "start": (
        OPERATORS, OPERATING,
        lambda night: night.act("start_now", night.coming),
        lambda night, rights: windows.start(night.coming.pk, rights=rights),
        lambda night: ["start", night.coming.pk],
    ),
    "extend": (
        OPERATORS, OPERATING,
        lambda night: night.act("extend_15", night.running),
        lambda night, rights: windows.extend(night.running.pk, by=HOUR, rights=rights),
        lambda night: ["extend", night.running.pk, "--by=1h"],
    ),
    "end": (
        OPERATORS, OPERATING,
        lambda night: night.act("end_now", night.running),
        lambda night, rights: windows.end(night.running.pk, rights=rights),
        lambda night: ["end", night.running.pk],
    ),
    "cancel": (
        PLANNERS, "",
        lambda night: night.act("cancel", night.coming),
        lambda night, _rights: windows.cancel(night.coming.pk),
        lambda night: ["cancel", night.coming.pk],
    ),
    "restore one to come": (
        PLANNERS, "",
        lambda night: night.act("restore", night.gone),
        lambda night, rights: series.restore(night.gone.pk, rights=rights),
        lambda night: ["restore", night.gone.pk],
    ),
    "restore one that starts at once": (
        OPERATORS, AHEAD,
        lambda night: night.act("restore", night.missed),
        lambda night, rights: series.restore(night.missed.pk, rights=rights),
        lambda night: ["restore", night.missed.pk],
    ),
    "repeat ahead": (
        PLANNERS, "",
        lambda night: night.recur("09:00"),
        lambda night, rights: night.repeat(time(9), rights),
        lambda night: ["repeat", night.acme, "--start=2029-11-04T09:00", *NIGHTLY],
    ),
    "repeat from an hour ago": (
        OPERATORS, AT_ONCE,
        lambda night: night.recur("02:00"),
        lambda night, rights: night.repeat(time(2), rights),
        lambda night: ["repeat", night.acme, "--start=2029-11-04T02:00", *NIGHTLY],
    ),
    "skip": (
        PLANNERS, "",
        lambda night: night.recur("20:00", f"{night.series.pk}/change/", length="1h",
                                  **{"initial-excluded": ""}, excluded="2029-11-05"),
        lambda night, rights: series.skip(night.series.pk, date(2029, 11, 5), rights=rights),
        lambda night: ["skip", night.series.pk, "2029-11-05"],
    ),
    "plan into a freeze": (
        FREEZERS, FROZEN,
        lambda night: night.add(NOON, NOON + HOUR, override="Leap second"),
        lambda night, rights: night.schedule(
            NOON, NOON + HOUR, override="Leap second", rights=rights
        ),
        lambda night: ["schedule", night.acme, "--start=2029-11-04T12:00Z", "--for=1h",
                       "--override=Leap second"],
    ),
    "take down": (
        OPERATORS, OPERATING,
        lambda night: night.operate(verb="down", length="open", level="full"),
        lambda night, rights: sites.take_down([night.acme], rights=rights),
        lambda night: ["down", night.acme],
    ),
    "bring up": (
        OPERATORS, OPERATING,
        lambda night: night.operate(verb="up"),
        lambda night, rights: sites.bring_up([night.acme], rights=rights),
        lambda night: ["up", night.acme],
    ),
    "freeze": (
        FREEZERS, "This requires the permission to freeze sites.",
        lambda night: night.post("freeze/add/", {
            "everywhere": "on", "zone": "UTC", "reason": "Sale",
            **times("starts_at", NINE), **times("ends_at", TEN),
        }),
        lambda _night, rights: freezes.freeze(
            None, starts_at=NINE, ends_at=TEN, reason="Sale", rights=rights
        ),
        lambda _night: ["freeze", "--all", "--start=2029-11-04T09:00Z", "--for=1h",
                        "--reason=Sale"],
    ),
}  # fmt: skip
# The admin does not show the button or page, and refuses whoever forges it.
HIDDEN = {"start", "extend", "end", "take down", "bring up", "freeze", "change what is in progress"}


@pytest.fixture
def night(acme, plan, at, client) -> Night:
    night = Night(client, acme, plan)
    at(TWO)
    windows.extend(night.running.pk, by=MINUTE)
    at(THREE)
    return night


def become(client: Client, role: str) -> None:
    if role == "superuser":
        user = User.objects.create_superuser(role, password="x")
    else:
        user = User.objects.create_user(role, password="x", is_staff=True)
        found = Permission.objects.filter(codename__in=ROLES[role][0])
        assert found.count() == len(ROLES[role][0])
        user.user_permissions.set(found)
    client.force_login(user)


@pytest.mark.parametrize("role", [role for role in ROLES if role != "shell"])
@pytest.mark.parametrize("way", WAYS)
def test_admin(night, role, way):
    allowed, sentence, ask, _verb, _command = WAYS[way]
    become(night.client, role)
    before = night.facts()
    said = ask(night)
    assert (night.facts() != before) is (role in allowed), said
    if role not in allowed and role != "viewer" and way not in HIDDEN:
        assert sentence in said


@pytest.mark.parametrize("role", [role for role in ROLES if role not in {"viewer", "shell"}])
@pytest.mark.parametrize("way", WAYS)
def test_verb(night, role, way):
    allowed, sentence, _ask, verb, _command = WAYS[way]
    before = night.facts()
    if role in allowed:
        verb(night, ROLES[role][1])
        assert night.facts() != before
    else:
        with pytest.raises(Refused) as refusal:
            verb(night, ROLES[role][1])
        assert sentence in str(refusal.value)
        assert night.facts() == before


@pytest.mark.parametrize("way", WAYS)
def test_shell(night, way):
    before = night.facts()
    night.shell(*(getattr(one, "domain", one) for one in WAYS[way][4](night)))
    assert night.facts() != before


@pytest.mark.parametrize("start", ["19:00", "02:00"])
def test_change_of_series_starts_a_window_for_operators_only(night, start):
    """Tonight at eight becomes three hours ago, or later today."""
    at_once = start == "02:00"
    for role in ("planner", "operator"):
        become(night.client, role)
        before = night.facts()
        said = night.change_series(start)
        assert (night.facts() != before) is (role == "operator" or not at_once), said
        assert (AT_ONCE in said) is (role == "planner" and at_once)
        if not at_once:
            return
    first = night.series.windows.earliest("pk")
    assert (first.starts_at, first.started_at) == (THREE, THREE)


PAST = [
    ["schedule", "acme.example", "--start=2028-11-04T03:00Z", "--end=2029-11-04T12:00Z"],
    ["move", "{coming}", "--start=2028-11-04T03:00Z", "--end=2029-11-04T12:00Z"],
    ["repeat", "acme.example", "--start=2028-11-04T02:00", *NIGHTLY[:-1]],
]


@pytest.mark.parametrize("given", PAST, ids=lambda given: given[0])
def test_start_in_the_past_is_confirmed_and_is_now(night, visit, given):
    given = [one.format(coming=night.coming.pk) for one in given]
    sites.bring_up([night.acme])
    before = night.facts()
    with pytest.raises(CommandError, match=r"(was 1 year ago|1 hour late): ?.*--now") as refusal:
        night.shell(*given)
    assert "Sat 4 Nov 2028 03:00 UTC" in str(refusal.value) or given[0] == "repeat"
    assert night.facts() == before
    night.shell(*given, "--now")
    (window,) = MaintenanceWindow.objects.filter(started_at=THREE)
    assert window.starts_at == THREE
    assert SiteMaintenance.objects.get(pk=night.acme.pk).since == THREE
    assert visit().headers["Retry-After"] == str(int((window.ends_at - THREE).total_seconds()))


def test_start_of_the_last_minute_needs_no_confirmation(night, at):
    at(THREE + MINUTE)
    (window,) = night.schedule(THREE, TEN)
    assert (window.starts_at, window.started_at) == (THREE, THREE + MINUTE)


def test_form_asks_to_confirm_and_keeps_what_was_typed(night):
    become(night.client, "operator")
    given = {"sites": [night.acme.pk], "zone": "Europe/Berlin", "level": "full", "title": "Disks"}
    given |= times("starts_at", THREE - DAY) | times("ends_at", TEN)
    page = night.client.get(f"{ADMIN}/maintenancewindow/add/").text
    assert "data-past" not in page
    refused = night.client.post(f"{ADMIN}/maintenancewindow/add/", given)
    assert "The start, Sat 3 Nov 03:00 CET, was 1 day, 1 hour ago" in errors(refused)
    assert "data-past" in refused.text
    assert 'value="Disks"' in refused.text
    saved = night.client.post(
        f"{ADMIN}/maintenancewindow/add/", given | {"start_now": "on"}, follow=True
    )
    assert "acme.example: Sun 4 Nov 03:00–09:00 UTC" in messages(saved)


def test_pattern_may_begin_in_the_past(night):
    become(night.client, "planner")
    before = night.facts()
    night.recur("09:00", starts_on="2020-11-04")
    assert night.facts() != before
