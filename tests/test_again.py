"""Plan again, relative times, and what is said of unusual windows without refusing them."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client

from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.planning import windows
from maintenance_windows.planning.sites import extend
from tests.helpers.pages import Filled, errors, fill, messages, times
from tests.helpers.times import FOUR, HOUR, MINUTE, SECOND, TWO

ADD = "/admin/maintenance_windows/maintenancewindow/add/"
PREVIEW = "/admin/maintenance_windows/maintenancewindow/preview/"
DAY = timedelta(days=1)
ONE = TWO - HOUR
CRAWLERS = (
    "This takes longer than a day: search engines may drop pages that answer 503 for more than a"
    " day."
)
UNUSUAL = "acme.example: this takes 7 hours, and the longest window of the past year took 2 hours."


@pytest.fixture
def maintenance(at, capsys) -> Callable[..., tuple[str, str]]:
    """Runs the command at one o'clock; returns what it prints, and its notes."""

    def run(*arguments: object) -> tuple[str, str]:
        capsys.readouterr()
        call_command("maintenance", *map(str, arguments))
        captured = capsys.readouterr()
        return captured.out, captured.err

    return run


@pytest.fixture
def disks(acme, plan) -> MaintenanceWindow:
    return plan(acme, title="Disks", message="New disks.", level="read_only")


def test_shell_plans_a_window_again(disks, globex, maintenance):
    again = ["schedule", "--like", disks.pk, "--json"]
    (record,) = json.loads(maintenance(*again, "--start=2029-11-11T02:00Z")[0])
    assert record | {"id": 0} == {
        "id": 0, "site": "acme.example", "status": "scheduled", "level": "read_only",
        "title": "Disks", "message": "New disks.", "starts_at": "2029-11-11T02:00:00Z",
        "ends_at": "2029-11-11T04:00:00Z", "started_at": None, "ended_at": None, "series": None,
        "published_at": None,
    }  # fmt: skip
    given = ["globex.example", "--for=30m", "--full", "--title=", "--message=Short."]
    (record,) = json.loads(maintenance(*again, *given, "--start=2029-11-11T02:00Z")[0])
    assert (record["site"], record["level"], record["title"]) == ("globex.example", "full", "")
    assert (record["ends_at"], record["message"]) == ("2029-11-11T02:30:00Z", "Short.")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["--like=999", "--start=+1h"], "Window 999 does not exist."),
        (["--start=+1h", "--for=1h"], "Specify a site, or --like ID."),
        (["acme.example", "--start=+1h"], "Specify --end or --for, or --like ID."),
        (["acme.example", "--start=+x", "--for=1h"], r"Invalid time '\+x'. Use for example"),
        (["acme.example", "--start=+", "--for=1h"], "Invalid time"),
        (["acme.example", "--start=+0m", "--for=1h"], "Invalid time"),
        (["acme.example", "--start=+-5m", "--for=1h"], "Invalid time"),
        (["acme.example", "--start=+2h", "--end=+1h"], "The end must be after the start."),
    ],
)
def test_incomplete_or_odd_arguments_are_refused(acme, globex, maintenance, given, sentence):
    with pytest.raises(CommandError, match=sentence):
        maintenance("schedule", *given)
    assert not MaintenanceWindow.objects.exists()


def test_times_may_be_relative_to_now(acme, maintenance, at):
    maintenance("schedule", "acme.example", "--start=+30m", "--end=+1d2h")
    window = MaintenanceWindow.objects.get()
    assert (window.starts_at, window.ends_at) == (ONE + 30 * MINUTE, ONE + DAY + 2 * HOUR)
    maintenance("move", window.pk, "--start=+2h", "--for=1h")
    window.refresh_from_db()
    assert (window.starts_at, window.ends_at) == (ONE + 2 * HOUR, ONE + 3 * HOUR)
    maintenance("extend", window.pk, "--until=+4h")
    window.refresh_from_db()
    assert window.ends_at == ONE + 4 * HOUR
    maintenance("down", "acme.example", "--until=+90s")
    assert MaintenanceWindow.objects.latest("pk").ends_at == ONE + 90 * SECOND
    (freeze,) = json.loads(
        maintenance("freeze", "--all", "--start=+10d", "--for=1d", "--reason=Sale", "--json")[0]
    )
    assert freeze["starts_at"] == "2029-11-14T01:00:00Z"


def test_link_plans_a_window_again_for_people_who_may_view_it(disks, client, at):
    user = User.objects.create_user("planner", password="x", is_staff=True)
    mine = Permission.objects.filter(content_type__app_label="maintenance_windows")
    user.user_permissions.set(mine.filter(codename="add_maintenancewindow"))
    client.force_login(user)
    assert "Disks" not in client.get(f"{ADD}?like={disks.pk}").text
    user.user_permissions.set(mine.filter(codename__endswith="_maintenancewindow"))
    page = client.get(f"{ADD}?like={disks.pk}&message=Again.").text
    shown = Filled(page).fields
    assert (shown["title"], shown["level"], shown["length"]) == ("Disks", "read_only", "2h")
    assert (shown["sites"], shown["message"]) == (str(disks.site_id), "Again.")
    assert (shown["starts_at_0"], shown["ends_at_0"]) == ("", "")
    client.post(ADD, fill(page, **times("starts_at", TWO + 7 * DAY)))
    again = MaintenanceWindow.objects.latest("pk")
    assert (again.starts_at, again.ends_at) == (TWO + 7 * DAY, FOUR + 7 * DAY)
    for odd in ("999", "x", "9" * 30):
        assert client.get(f"{ADD}?like={odd}").status_code == 200


@pytest.mark.parametrize(
    ("length", "level", "expected"),
    [
        (2 * DAY, "read_only", []),
        (DAY, "full", []),
        (DAY + MINUTE, "full", [CRAWLERS]),
    ],
)
def test_full_level_beyond_a_day_is_said(acme, browser, maintenance, length, level, expected):
    end = TWO + length
    given = {"sites": [acme.pk], "zone": "UTC", "level": level, **times("starts_at", TWO)}
    given |= times("ends_at", end)
    previewed = browser.post(PREVIEW, given, headers={"X-Requested-With": "fetch"}).text
    assert ("search engines" in previewed) is bool(expected)
    said = messages(browser.post(ADD, given, follow=True))
    assert ("search engines" in said) is bool(expected)
    MaintenanceWindow.objects.all().delete()
    options = ["--read-only"] if level == "read_only" else []
    out, notes = maintenance(
        "schedule",
        "acme.example",
        "--start=2029-11-04T02:00Z",
        f"--end={end.isoformat()}",
        *options,
    )
    assert notes.splitlines() == [f"Note: {one}" for one in expected]
    assert len(out.splitlines()) == 1


def test_window_far_longer_than_any_before_is_said(acme, globex, plan, maintenance, at):
    one, two = plan(acme, TWO, TWO + HOUR), plan(acme, TWO + 2 * HOUR, FOUR + 2 * HOUR)
    plan(globex, TWO, TWO + 20 * HOUR)
    for moment in (one.starts_at, one.ends_at, two.starts_at, two.ends_at):
        at(moment)
        call_command("maintenance", "tick")
    given = ["acme.example", "globex.example", "--start=2029-11-11T02:00Z"]
    assert maintenance("schedule", *given, "--for=6h")[1] == ""
    said = maintenance("schedule", *given[:1], "--start=2029-11-12T02:00Z", "--for=7h")[1]
    assert said == f"Note: {UNUSUAL}\n"
    pattern = ["--rule=FREQ=WEEKLY", "--start=2029-11-20T02:00", "--zone=UTC", "--for=7h"]
    assert UNUSUAL in maintenance("repeat", "acme.example", *pattern, "--preview=1")[1]


def test_extend_after_the_end_says_what_works(acme, plan, at):
    window = plan(acme)
    at(FOUR + MINUTE)
    sentence = (
        f"Window {window.pk} of acme.example ended at Sun 4 Nov 04:00 UTC: to take the site down"
        " again, use manage.py maintenance down acme.example --for "
    )
    with pytest.raises(CommandError) as refusal:
        call_command("maintenance", "extend", window.pk, "--by=45m")
    assert str(refusal.value) == f"{sentence}45m"
    with pytest.raises(CommandError) as refusal:
        call_command("maintenance", "extend", window.pk, "--until=2029-11-04T06:00Z")
    assert str(refusal.value) == f"{sentence}30m"
    with pytest.raises(ValueError, match=r"No window of acme\.example is in progress"):
        extend(acme, by=HOUR)


ZONES = [
    ("UTC", "America/New_York", "02:00", "06:00–07:00 UTC"),
    ("Europe/Berlin", "America/New_York", "02:00", "08:00–09:00 CEST"),
    ("UTC", "Europe/Berlin", "09:00", "07:00–08:00 UTC"),
]


@pytest.mark.parametrize(("current", "chosen", "start", "span"), ZONES)
def test_pair_of_times_is_in_one_zone(
    acme, client: Client, alice, at, settings, current, chosen, start, span
):
    settings.TIME_ZONE = current
    at(datetime(2029, 7, 1, tzinfo=ZoneInfo("UTC")))
    client.force_login(alice)
    given = {"sites": [acme.pk], "zone": chosen, "length": "1h", "level": "full"}
    given |= {"starts_at_0": "2029-07-04", "starts_at_1": start}
    said = f"acme.example: Wed 4 Jul {span}"
    assert said in messages(client.post(ADD, given, follow=True))
    window = MaintenanceWindow.objects.get()
    assert str(window) == said
    assert LogEntry.objects.get().object_repr == said
    url = f"/admin/maintenance_windows/maintenancewindow/{window.pk}/change/"
    page = client.get(url).text
    response = client.post(url, fill(page, ends_at_1="23:00:00"), follow=True)
    assert not errors(response)
    window.refresh_from_db()
    zone = span.rsplit(" ", 1)[1]
    changed = f"acme.example: Wed 4 Jul {span[:5]}–23:00 {zone}"
    assert changed in messages(response)
    assert LogEntry.objects.latest("pk").object_repr == str(window) == changed


def test_span_across_dst_change_names_both_offsets(acme, settings):
    settings.TIME_ZONE = "America/New_York"
    start = datetime(2029, 11, 4, 5, 30, tzinfo=ZoneInfo("UTC"))
    window = MaintenanceWindow(site=acme, starts_at=start, ends_at=start + HOUR)
    assert str(window) == "acme.example: Sun 4 Nov 2029 01:30 EDT – 01:30 EST"


def test_like_gives_what_a_window_is(disks, acme):
    windows.cancel(disks.pk, clock=lambda: ONE)
    assert windows.like(disks.pk) == (acme, 2 * HOUR, "read_only", "Disks", "New disks.")
