"""Freezes in the shell, in files, the admin, the timeline and calendars; never for visitors."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from pathlib import Path

import icalendar
import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client

from maintenance_windows.models import (
    CalendarToken,
    Freeze,
    MaintenanceWindow,
    Transition,
    WindowSeries,
)
from maintenance_windows.planning import freezes, series, windows
from maintenance_windows.planning.sites import take_down
from tests.helpers.pages import errors, fill, messages, times
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO

ADMIN = "/admin/maintenance_windows"
CANARY = "canary-4711"
DAY = timedelta(days=1)
ESCAPE = "\x1b[31mSale\u202e"
SALE = ["--start=2029-11-04T02:00", "--end=2029-11-04T04:00", "--reason=Sale"]


@pytest.fixture
def maintenance(at, capsys) -> Callable[..., str]:
    """Runs the command at one o'clock; returns what it prints."""

    def run(*arguments: object) -> str:
        capsys.readouterr()
        call_command("maintenance", *map(str, arguments))
        return capsys.readouterr().out

    return run


@pytest.fixture
def sale(at) -> Freeze:
    """All sites are frozen from two to four."""
    return freezes.freeze(None, starts_at=TWO, ends_at=FOUR, reason=CANARY, actor="bob").freeze


def test_command_freezes_lists_and_unfreezes(acme, globex, plan, maintenance, capsys):
    window = plan(acme)
    (made,) = json.loads(maintenance("freeze", "acme.example", *SALE, "--json"))
    assert made == {
        "id": made["id"], "sites": ["acme.example"], "reason": "Sale", "rule": None, "zone": None,
        "starts_at": "2029-11-04T02:00:00Z", "ends_at": "2029-11-04T04:00:00Z", "ended_at": None,
        "created_by": made["created_by"], "windows": [window.pk],
    }  # fmt: skip
    assert made["created_by"].endswith("(shell)")
    assert f"freeze {made['id'] + 1}: all sites, " in maintenance("freeze", "--all", *SALE)
    listed = json.loads(maintenance("freezes", "--json"))
    assert [one["sites"] for one in listed] == [["acme.example"], None]
    assert "acme.example" in maintenance("freezes")
    for one in listed:
        maintenance("unfreeze", one["id"])
    assert maintenance("freezes") == "No current or upcoming freezes.\n"
    assert len(json.loads(maintenance("freezes", "--past", "--json"))) == 2


def test_command_names_windows_that_stay(acme, plan, at):
    window = plan(acme)
    said = run_aside("freeze", "--all", *SALE)
    assert f"Note: window {window.pk} is planned in this freeze and stays" in said


def run_aside(*arguments: str) -> str:
    """What the command prints to standard error."""
    aside = StringIO()
    call_command("maintenance", *arguments, stderr=aside, stdout=StringIO())
    return aside.getvalue()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--all", *SALE[:2], "--reason= "], "A freeze needs a reason."),
        (["acme.example", "--all", *SALE], "not both"),
        (["nowhere.example", *SALE], "does not exist"),
        (["--all", *SALE, "--zone=UTC"], "--zone is only for --rule"),
        (["--all", *SALE, "--rule=FREQ=DAILY", "--zone=Nowhere"], "does not exist"),
        (["--all", "--start=2027-03-28T02:30", "--for=1h", "--reason=x", "--rule=FREQ=DAILY",
          "--zone=Europe/Berlin"], "does not exist in Europe/Berlin"),
    ],
)  # fmt: skip
def test_command_refuses_in_one_line(acme, maintenance, arguments, sentence):
    with pytest.raises(CommandError, match=sentence) as refusal:
        maintenance("freeze", *arguments)
    assert "\n" not in str(refusal.value)
    assert not Freeze.objects.exists()


def test_command_freezes_by_rule_in_local_time(acme, maintenance):
    weekends = ["--start=2029-11-02T18:00", "--end=2029-11-05T09:00", "--rule=FREQ=WEEKLY"]
    more = ["--zone=Europe/Berlin", "--reason=Weekend"]
    assert "FREQ=WEEKLY in Europe/Berlin" in maintenance("freeze", "--all", *weekends, *more)
    summer = datetime(2030, 4, 1, 7, tzinfo=UTC)  # nine o'clock, after the change to summer time
    windows.schedule([acme], starts_at=summer, ends_at=summer + HOUR)
    with pytest.raises(CommandError, match=r"acme\.example is frozen \(Weekend\)"):
        maintenance("schedule", "acme.example", "--start=2030-04-01T06:59Z", "--for=30m")


def test_command_shows_rule_whose_first_freeze_is_far(acme, maintenance):
    far = ["--start=2039-11-05T18:00", "--for=2h", "--rule=FREQ=WEEKLY", "--reason=Weekend"]
    assert ": all sites, FREQ=WEEKLY in UTC, Weekend" in maintenance("freeze", "--all", *far)
    assert "FREQ=WEEKLY" in maintenance("freezes")


def test_duration_of_rule_is_local_too(acme, maintenance):
    rule = ["--start=2030-03-31T00:00", "--for=1d", "--rule=FREQ=DAILY", "--zone=Europe/Berlin"]
    maintenance("freeze", "--all", *rule, "--reason=Always")
    frozen = Freeze.objects.get()
    assert (frozen.length, str(frozen.start_time)) == (DAY, "00:00:00")  # the day has 23 hours


def test_commands_override_with_reason(acme, sale, maintenance):
    times = ["--start=2029-11-04T02:00", "--for=30m"]
    with pytest.raises(CommandError, match="next free slot starts on Sun 4 Nov 04:00 UTC"):
        maintenance("schedule", "acme.example", *times)
    (made,) = json.loads(
        maintenance("schedule", "acme.example", *times, "--override=CVE-1", "--json")
    )
    for verb in (["extend", made["id"], "--by=5m"], ["move", made["id"], *times[:1], "--for=1h"]):
        with pytest.raises(CommandError, match="is frozen"):
            maintenance(*verb)
        maintenance(*verb, "--override=CVE-2")
    kept = [
        row.changes["override"][1] for row in MaintenanceWindow.objects.get().changes_made.all()
    ]
    assert kept == ["CVE-1", "CVE-2", "CVE-2"]


def test_down_in_freeze_says_so(acme, sale, at):
    at(TWO)
    assert f"Note: acme.example is in a freeze ({CANARY})." in run_aside("down", "acme.example")


def test_extension_of_work_in_progress_says_so(acme, plan, at):
    window = plan(acme)
    freezes.freeze([acme], starts_at=FOUR, ends_at=FOUR + HOUR, reason="Sale")
    at(TWO + MINUTE)
    said = run_aside("extend", str(window.pk), "--by=5m")
    assert f"Note: window {window.pk} reaches into a freeze (Sale)." in said


def test_reasons_do_not_control_terminal_or_log(acme, plan, maintenance, caplog):
    caplog.set_level("INFO")
    plan(acme)
    said = maintenance("freeze", "--all", *SALE[:2], f"--reason={ESCAPE}")
    said += maintenance("freezes") + run_aside("freeze", "--all", *SALE[:2], f"--reason={ESCAPE}")
    with pytest.raises(CommandError) as refusal:
        maintenance("schedule", "acme.example", "--start=2029-11-04T02:00", "--for=30m")
    rule = ["--rule=FREQ=DAILY", "--start=2029-11-04T02:00", "--zone=UTC", "--for=1h"]
    said += maintenance("repeat", "acme.example", *rule, "--preview=3")
    said += maintenance("repeat", "acme.example", *rule) + caplog.text
    assert said.count("Sale") > 5
    assert not {"\x1b", "\u202e"} & set(said + str(refusal.value))


def test_preview_in_shell_shows_what_is_skipped(acme, globex, maintenance):
    freezes.freeze([acme], starts_at=TWO + DAY, ends_at=FOUR + DAY, reason="Sale")
    rule = ["--rule=FREQ=DAILY", "--start=2029-11-04T02:00", "--zone=UTC", "--for=1h"]
    lines = maintenance("repeat", "acme.example", *rule, "--preview=2").splitlines()
    assert [line.partition(", skipped: ")[2] for line in lines] == ["", "freeze Sale", ""]
    both = maintenance("repeat", "acme.example", "globex.example", *rule, "--preview=2")
    assert ", skipped on acme.example: freeze Sale" in both
    found = json.loads(maintenance("repeat", "acme.example", *rule, "--preview=2", "--json"))
    assert [one["starts_at"][8:10] for one in found] == ["04", "06"]
    assert "skipped 2029-11-05: freeze Sale" in maintenance("repeat", "acme.example", *rule)


def event(*lines: str, uid: str = "a", summary: str = "Holiday") -> str:
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{summary}", *lines, "END:VEVENT"])


CHRISTMAS = event("DTSTART;VALUE=DATE:20291224", "DTEND;VALUE=DATE:20291227")
LABOUR = event("DTSTART;VALUE=DATE:20200501", "RRULE:FREQ=YEARLY", uid="b")


@pytest.fixture
def ics(tmp_path) -> Callable[..., Path]:
    def ics(*events: str) -> Path:
        path = tmp_path / "holidays.ics"
        path.write_text("\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *events, "END:VCALENDAR"]))
        return path

    return ics


def live() -> list[tuple[object, ...]]:
    rows = Freeze.objects.filter(ended_at=None).order_by("pk")
    return [(row.starts_at or row.starts_on, row.ends_at or row.rule) for row in rows]


def test_import_makes_whole_days_of_time_zone(acme, maintenance, ics, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    past = event("DTSTART;VALUE=DATE:20200601", uid="c")
    said = maintenance("import-freezes", ics(CHRISTMAS, LABOUR, past), "--all")
    assert said.splitlines()[-1] == "3 events: 2 created, 1 in the past."
    start = datetime(2029, 12, 23, 23, tzinfo=UTC)
    assert live() == [(start, start + 3 * DAY), (date(2020, 5, 1), "FREQ=YEARLY")]
    with pytest.raises(CommandError, match=r"is frozen \(Holiday\)"):
        maintenance("schedule", "acme.example", "--start=2031-05-01T23:59", "--for=1h")


def test_second_import_changes_nothing(acme, globex, maintenance, ics):
    path = ics(CHRISTMAS, LABOUR)
    maintenance("import-freezes", path, "acme.example")
    before = list(Freeze.objects.values())
    assert "2 unchanged" in maintenance("import-freezes", path, "acme.example")
    assert list(Freeze.objects.values()) == before
    maintenance("import-freezes", path, "acme.example", "globex.example")
    assert [list(row.sites.all()) for row in Freeze.objects.order_by("pk")[2:]] == [[globex]] * 2


def test_import_follows_events_that_change(acme, globex, maintenance, ics):
    maintenance("import-freezes", ics(CHRISTMAS), "acme.example", "globex.example")
    longer = CHRISTMAS.replace("20291227", "20291228")
    assert "1 created, 1 ended" in maintenance("import-freezes", ics(longer), "acme.example")
    (row,) = Freeze.objects.filter(ended_at=None)
    assert (row.ends_at.day, row.sites.count()) == (28, 2)
    maintenance("import-freezes", ics(CHRISTMAS), "acme.example")
    (row,) = Freeze.objects.filter(ended_at=None)
    assert row.ends_at.day == 27
    cancelled = CHRISTMAS.replace("UID", "STATUS:CANCELLED\nUID")
    assert "1 ended" in maintenance("import-freezes", ics(cancelled), "acme.example")
    assert live() == []


def test_import_leaves_ended_freezes_ended(acme, maintenance, ics):
    maintenance("import-freezes", ics(CHRISTMAS), "--all")
    freezes.unfreeze(Freeze.objects.get().pk)
    assert "1 ended by hand and left so" in maintenance("import-freezes", ics(CHRISTMAS), "--all")
    assert live() == []


def test_import_skips_dates_of_rule_that_are_excluded_or_moved(acme, maintenance, ics):
    series = event("DTSTART;VALUE=DATE:20291101", "RRULE:FREQ=DAILY", "EXDATE;VALUE=DATE:20291106")
    moved = event("RECURRENCE-ID;VALUE=DATE:20291107", "DTSTART;VALUE=DATE:20300601")
    off = event("RECURRENCE-ID;VALUE=DATE:20291108", "DTSTART;VALUE=DATE:20291108",
                "STATUS:CANCELLED")  # fmt: skip
    maintenance("import-freezes", ics(series, moved, off), "--all")
    assert Freeze.objects.get(starts_on__isnull=False).excluded == [
        "2029-11-06", "2029-11-07", "2029-11-08",
    ]  # fmt: skip
    assert live()[1] == (datetime(2030, 6, 1, tzinfo=UTC), datetime(2030, 6, 2, tzinfo=UTC))


def test_dry_run_of_import_writes_nothing(acme, maintenance, ics):
    said = maintenance("import-freezes", ics(CHRISTMAS), "--all", "--dry-run")
    assert "1 created" in said
    assert not Freeze.objects.exists()


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (["DTSTART:99"], "DTSTART is invalid"),
        ([], "is invalid"),
        (["DTSTART;TZID=Nowhere/X:20291224T120000"], "Nowhere/X does not exist"),
        (["DTSTART:20291224T120000Z"], "end must be after the start"),
        (["DTSTART;VALUE=DATE:20291224", "RRULE:FREQ=HOURLY"], "too frequent"),
        (["DTSTART;VALUE=DATE:20291224", "RRULE:FREQ=SOMETIMES"], "is invalid"),
        (["DTSTART;VALUE=DATE:20291224", "RDATE;VALUE=DATE:20291225"], "RDATE is not supported"),
        (["DTSTART;VALUE=DATE:20291224", "DTEND;VALUE=DATE:20291223"], "is invalid|after"),
    ],
)
def test_broken_event_is_named_and_nothing_written(acme, maintenance, ics, broken, sentence):
    path = ics(CHRISTMAS, event(*broken, uid="b", summary=f"Bad {ESCAPE}"))
    with pytest.raises(CommandError, match=sentence) as refusal:
        maintenance("import-freezes", path, "--all")
    assert "Bad" in str(refusal.value)
    assert not {"\x1b", "\u202e", "\n"} & set(str(refusal.value))
    assert not Freeze.objects.exists()


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04\xff", b"<html>", b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n",
                b"BEGIN:VCALENDAR\nEND:VCALENDAR\n", b"BEGIN:VEVENT\nEND:VEVENT\n"]
)  # fmt: skip
def test_malformed_file_gets_one_sentence(acme, maintenance, tmp_path, content):
    (tmp_path / "bad.ics").write_bytes(content)
    with pytest.raises(CommandError, match="iCalendar file"):
        maintenance("import-freezes", tmp_path / "bad.ics", "--all")
    with pytest.raises(CommandError, match="Is a directory"):
        maintenance("import-freezes", tmp_path, "--all")


def freeze_form(**more: object) -> dict[str, object]:
    given = {"reason": "Sale", "zone": "UTC", "rule": "", **more}
    return times("starts_at", TWO) | times("ends_at", FOUR) | given


def test_admin_adds_and_ends_freezes(acme, globex, plan, browser):
    window = plan(acme)
    add = f"{ADMIN}/freeze/add/"
    assert browser.get(add).status_code == 200
    answer = browser.post(add, freeze_form(sites=[acme.pk]), follow=True)
    assert f"Window {window.pk} is planned in this freeze and stays" in messages(answer)
    frozen = Freeze.objects.get()
    assert (list(frozen.sites.all()), frozen.everywhere) == ([acme], False)
    assert (frozen.starts_at, frozen.ends_at, frozen.created_by) == (TWO, FOUR, "alice")
    browser.post(add, freeze_form(everywhere="on", rule="FREQ=YEARLY", zone="Europe/Berlin"))
    rule = Freeze.objects.latest("pk")
    assert (rule.everywhere, str(rule.start_time), rule.zone) == (True, "02:00:00", "Europe/Berlin")
    listed = browser.get(f"{ADMIN}/freeze/").text
    assert "acme.example" in listed
    assert "every year" in listed
    assert browser.get(f"{ADMIN}/freeze/{frozen.pk}/change/").status_code == 200
    action = {"action": "end_freezes", "_selected_action": [frozen.pk, rule.pk]}
    browser.post(f"{ADMIN}/freeze/", action)
    assert set(Freeze.objects.values_list("ended_by", flat=True)) == {"alice"}
    history = browser.get(f"{ADMIN}/freeze/{frozen.pk}/history/").text
    assert f"Freeze {frozen.pk} ended" in history
    assert "Sale" not in browser.get(f"{ADMIN}/freeze/?live=yes").text.partition("<form")[2]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({}, "Select sites"),
        ({"everywhere": "on", "reason": ""}, "This field is required"),
        ({"everywhere": "on", "rule": "FREQ=HOURLY"}, "too frequent"),
        ({"everywhere": "on", **times("ends_at", TWO)}, "end must be after the start"),
        ({"everywhere": "on", **times("starts_at", TWO - 3 * HOUR), **times("ends_at", TWO - HOUR)},
         "no time in the future"),
    ],
)  # fmt: skip
def test_admin_refuses_invalid_freeze(acme, browser, more, sentence):
    assert sentence in errors(browser.post(f"{ADMIN}/freeze/add/", freeze_form(**more)))
    assert not Freeze.objects.exists()


def test_frozen_site_can_be_deleted(acme, browser):
    freezes.freeze([acme], starts_at=TWO, ends_at=FOUR, reason="Sale")
    browser.post(f"/admin/sites/site/{acme.pk}/delete/", {"post": "yes"})
    assert not Freeze.objects.get().sites.exists()


def become(client: Client, *codenames: str) -> None:
    user = User.objects.create_user(f"user{User.objects.count()}", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)


PLANNER = ("add_maintenancewindow", "change_maintenancewindow", "view_maintenancewindow")


def window_form(acme, **more: object) -> dict[str, object]:
    given = {"sites": [acme.pk], "zone": "UTC", "length": "", "level": "full", **more}
    return times("starts_at", TWO) | times("ends_at", FOUR) | given


def test_only_people_who_can_freeze_override_in_admin(acme, sale, client):
    add = f"{ADMIN}/maintenancewindow/add/"
    become(client, *PLANNER)
    assert "override" not in client.get(add).text
    refused = client.post(add, window_form(acme, override="CVE-1"))
    assert "next free slot starts on Sun 4 Nov 04:00 UTC" in errors(refused)
    assert not MaintenanceWindow.objects.exists()
    become(client, *PLANNER, "freeze_sites")
    page = client.get(add).text
    assert 'name="override"' in page
    assert "is frozen" in errors(client.post(add, window_form(acme)))
    answer = client.post(add, window_form(acme, override="CVE-1"), follow=True)
    assert f"This is in a freeze: {CANARY}." in messages(answer)
    window = MaintenanceWindow.objects.get()
    history = client.get(f"{ADMIN}/maintenancewindow/{window.pk}/history/").text
    assert f"freeze {CANARY}; overridden because CVE-1" in history


def test_window_form_refuses_move_into_freeze(acme, sale, plan, client):
    window = plan(acme, FOUR, FOUR + HOUR)
    change = f"{ADMIN}/maintenancewindow/{window.pk}/change/"
    become(client, *PLANNER)
    form = fill(client.get(change).text, **times("starts_at", TWO))
    assert "is frozen" in errors(client.post(change, form))
    become(client, *PLANNER, "freeze_sites")
    form = fill(client.get(change).text, **times("starts_at", TWO), override="CVE-1")
    assert client.post(change, form).status_code == 302
    window.refresh_from_db()
    assert window.starts_at == TWO


def pressed(client: Client, url: str, **sent: str) -> HttpResponse:
    """The answer to a button, and if it asks for a reason, to the reason that is then given."""
    answer = client.post(url, sent, follow=True)
    if 'name="override"' not in answer.text:
        return answer
    assert "is frozen" in answer.text
    assert "is frozen" in client.post(url, fill(answer.text, override=" ")).text  # asks again
    return client.post(url, fill(answer.text, override="CVE-1"), follow=True)


@pytest.mark.parametrize("verb", ["restore", "undo_cancel"])
def test_restoring_window_in_freeze_asks_for_reason(acme, plan, at, client, verb):
    window = plan(acme)
    seen = windows.cancel(window.pk).cancelled_at
    sent = {"verb": verb, "seen": f"{seen:%Y-%m-%dT%H:%M:%S.%f%z}", "back": "/admin/"}
    freezes.freeze(None, starts_at=TWO, ends_at=FOUR, reason=CANARY)
    url = f"{ADMIN}/maintenancewindow/{window.pk}/verb/"
    become(client, *PLANNER)
    assert "is frozen" in messages(pressed(client, url, **sent, override="CVE-1"))
    window.refresh_from_db()
    assert window.cancelled_at
    become(client, *PLANNER, "freeze_sites")
    answer = pressed(client, url, **sent)
    assert f"restored. This is in a freeze: {CANARY}." in messages(answer)
    assert answer.request["PATH_INFO"] == "/admin/"
    window.refresh_from_db()
    assert window.cancelled_at is None
    history = client.get(f"{ADMIN}/maintenancewindow/{window.pk}/history/").text
    assert f"freeze {CANARY}; overridden because CVE-1" in history


def test_restoring_date_in_freeze_asks_for_reason(acme, sale, client):
    nights = WindowSeries(
        rule="FREQ=DAILY", starts_on=TWO.date(), start_time=time(2), zone="UTC", length=2 * HOUR
    )
    made = series.repeat([acme], nights)[0].series
    url, day = f"{ADMIN}/windowseries/{made.pk}/verb/", TWO.date().isoformat()
    rights = ("change_windowseries", "view_windowseries")
    become(client, *rights)
    page = f"{ADMIN}/windowseries/{made.pk}/change/"
    restore = 'value="restore" aria-label="Restore Sun 4 Nov'
    assert restore not in client.get(page).text
    assert "is frozen" in messages(pressed(client, url, verb="restore", date=day))
    assert not made.windows.filter(occurs_on=day).exists()
    become(client, *rights, "freeze_sites")
    assert restore in client.get(page).text
    assert "takes place" in messages(pressed(client, url, verb="restore", date=day))
    assert made.windows.get(occurs_on=day).cancelled_at is None


def test_preview_of_window_names_freeze(acme, sale, browser):
    preview = f"{ADMIN}/maintenancewindow/preview/"
    said = browser.post(preview, window_form(acme), headers={"X-Requested-With": "fetch"}).text
    assert CANARY in said


def test_preview_of_series_shows_what_is_skipped(acme, sale, browser):
    form = {
        "site": acme.pk, "starts_on": "2029-11-04", "start_time": "02:00", "zone": "UTC",
        "length": "1h", "unit": "DAILY", "every": "1", "level": "full",
    }  # fmt: skip
    preview = f"{ADMIN}/windowseries/preview/"
    said = browser.post(preview, form, headers={"X-Requested-With": "fetch"}).text
    assert said.count(f"skipped: freeze {CANARY}") == 1
    answer = browser.post(f"{ADMIN}/windowseries/add/", form, follow=True)
    assert f"1 skipped: freeze {CANARY}" in messages(answer)


@pytest.mark.parametrize(
    ("codenames", "sees", "adds"),
    [
        ((), False, False),
        (("operate_sitemaintenance",), False, False),
        (("view_freeze",), True, False),
        (("view_maintenancewindow",), True, False),
        (("add_maintenancewindow",), True, False),
        (("freeze_sites",), True, True),
    ],
)
def test_pages_of_freezes_by_permission(acme, sale, client, codenames, sees, adds):
    become(client, *codenames)
    assert (client.get(f"{ADMIN}/freeze/").status_code == 200) is sees
    assert (client.get(f"{ADMIN}/freeze/{sale.pk}/change/").status_code == 200) is sees
    client.post(f"{ADMIN}/freeze/add/", freeze_form(everywhere="on"))
    assert (Freeze.objects.count() == 2) is adds
    client.post(f"{ADMIN}/freeze/", {"action": "end_freezes", "_selected_action": sale.pk})
    sale.refresh_from_db()
    assert (sale.ended_at is not None) is adds
    assert client.post(f"{ADMIN}/freeze/{sale.pk}/delete/").status_code == 403


def test_overview_shows_freezes_to_people_who_see_windows(acme, sale, browser, client):
    page = browser.get(f"{ADMIN}/").text
    assert f"Freeze, Sun 4 Nov 02:00\u201304:00 UTC: {CANARY}" in page
    become(client, "operate_sitemaintenance")
    assert CANARY not in client.get(f"{ADMIN}/").text


def test_overview_says_that_site_is_taken_down_in_freeze(acme, sale, browser, at):
    at(TWO)
    sent = {"site": acme.pk, "verb": "down", "shown": "", "length": "open", "level": "full"}
    answer = browser.post(f"{ADMIN}/sitemaintenance/operate/", sent, follow=True)
    assert f"This is in a freeze: {CANARY}." in messages(answer)


def test_calendar_of_staff_has_freezes(acme, sale, alice):
    freezes.freeze([acme], starts_at=FOUR, ends_at=FOUR + HOUR, reason="R", rule="FREQ=WEEKLY",
                   zone="UTC")  # fmt: skip
    content = Client(HTTP_HOST="acme.example").get(
        "/maintenance/calendar.ics", {"token": CalendarToken.renew(alice)}
    )
    found = icalendar.Calendar.from_ical(content.content).walk("VEVENT")
    (once,) = [one for one in found if CANARY in one["SUMMARY"]]
    assert once["SUMMARY"] == f"Freeze: {CANARY} (all sites)"
    assert (once["DTSTART"].dt, once["DTEND"].dt, once["TRANSP"]) == (TWO, FOUR, "TRANSPARENT")
    weekly = [one for one in found if one["SUMMARY"] == "Freeze: R (acme.example)"]
    assert len(weekly) == 53
    assert len({str(one["UID"]) for one in found}) == len(found)


def test_visitors_do_not_see_freezes(acme, sale, at, visit):
    """Neither a freeze nor an override, in whatever state the site is."""
    public = ("", "status.json", "calendar.ics", "feed.atom")

    def pages() -> str:
        return "".join(visit(f"/maintenance/{name}").content.decode() for name in public)

    def seen() -> str:
        return pages() + visit("/").content.decode()

    nothing = seen()
    assert CANARY not in nothing
    windows.schedule([acme], starts_at=TWO, ends_at=FOUR, override=f"{CANARY}-2", message="Disks.")
    assert CANARY not in seen()
    at(TWO)
    take_down([acme], level="full")
    answer = visit("/")
    assert answer.status_code == 503
    assert CANARY not in seen() + str(answer.headers)
    assert Transition.objects.filter(site=acme).exists()


NIGHTLY = ["--rule=FREQ=DAILY", "--start=2029-11-04T02:00", "--zone=UTC", "--for=1h"]
FAR = TWO + 100 * DAY
HOLIDAY = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:test
BEGIN:VEVENT
UID:1
DTSTART:20300212T020000Z
DTEND:20300212T030000Z
SUMMARY:Sale
END:VEVENT
END:VCALENDAR
"""


def night_of(visit: Callable[..., HttpResponse], start: datetime = FAR) -> dict[str, object]:
    """The event of a night in the public calendar."""
    content = visit("/maintenance/calendar.ics").content
    found = icalendar.Calendar.from_ical(content).walk("VEVENT")
    named = ("UID", "SEQUENCE", "STATUS", "SUMMARY", "DTSTAMP")
    (event,) = [one for one in found if one["DTSTART"].dt == start] or [{}]
    return {name: getattr(event[name], "dt", event[name]) for name in named if name in event}


@pytest.mark.parametrize("imported", [False, True])
def test_freeze_cancels_nights_beyond_the_horizon(acme, maintenance, visit, at, tmp_path, imported):
    """Made ahead or not, a night that subscribers know is cancelled, and returns."""
    maintenance("repeat", "acme.example", *NIGHTLY)
    before = night_of(visit)
    others = night_of(visit, FAR + DAY)
    at(TWO - 30 * MINUTE)
    if imported:
        file = tmp_path / "holidays.ics"
        file.write_text(HOLIDAY)
        maintenance("import-freezes", file, "--all")
        (freeze,) = Freeze.objects.all()
    else:
        freeze = freezes.freeze([acme], starts_at=FAR, ends_at=FAR + HOUR, reason="Sale").freeze
    cancelled = night_of(visit)
    assert cancelled == before | {
        "SEQUENCE": 1,
        "STATUS": "CANCELLED",
        "SUMMARY": "Cancelled: Maintenance: acme.example",
        "DTSTAMP": TWO - 30 * MINUTE,
    }
    assert night_of(visit, FAR + DAY) == others
    at(TWO - 20 * MINUTE)
    freezes.unfreeze(freeze.pk)
    returned = before | {"SEQUENCE": 2, "DTSTAMP": TWO - 20 * MINUTE}
    assert night_of(visit) == returned
    at(FAR - DAY)
    series.materialise()
    assert MaintenanceWindow.objects.filter(starts_at=FAR).exists()
    assert night_of(visit) == returned


def test_freeze_cancels_nothing_that_nobody_saw(acme, maintenance, visit):
    freezes.freeze([acme], starts_at=FAR, ends_at=FAR + HOUR, reason="Sale")
    maintenance("repeat", "acme.example", *NIGHTLY)
    assert night_of(visit) == {}
    assert night_of(visit, FAR + DAY)["STATUS"] == "CONFIRMED"


@pytest.mark.parametrize(
    ("verb", "days"),
    [
        ("restore {id}/{date}", 100), ("unskip {id} {date}", 100), ("restore {id}/{date}", 1),
        ("unskip {id} {date}", 1), ("move {id}/{date} {times}", 100),
    ],
)  # fmt: skip
def test_override_brings_a_night_back(acme, maintenance, visit, verb, days):
    """It stays then, whatever becomes of its series and its freeze."""
    maintenance("repeat", "acme.example", *NIGHTLY)
    night = TWO + days * DAY
    begun, before = WindowSeries.objects.get(), night_of(visit, night)
    freeze = freezes.freeze([acme], starts_at=night, ends_at=night + HOUR, reason="Sale").freeze
    cancelled = night_of(visit, night)
    times = f"--start={night:%Y-%m-%dT%H:%M} --for=1h"
    words = verb.format(id=begun.pk, date=night.date(), times=times).split()
    with pytest.raises(CommandError, match=r"acme.example is frozen \(Sale\)"):
        maintenance(*words)
    assert night_of(visit, night) == cancelled
    maintenance(*words, "--override=CVE-1")
    window = MaintenanceWindow.objects.get(starts_at=night)
    kept = window.changes_made.latest("pk").changes
    assert (kept["freeze"][1], kept["override"][1]) == ("Sale", "CVE-1")
    series.revise(begun.pk, message="x")
    series.materialise()
    freezes.unfreeze(freeze.pk)
    again = night_of(visit, night)
    assert (again["UID"], again["STATUS"]) == (before["UID"], "CONFIRMED")
    assert again["SEQUENCE"] > cancelled["SEQUENCE"]


def test_restored_cancellation_stays_in_freeze(acme, maintenance):
    maintenance("repeat", "acme.example", *NIGHTLY)
    window = MaintenanceWindow.objects.get(starts_at=TWO + DAY)
    windows.cancel(window.pk)
    freezes.freeze([acme], starts_at=TWO, ends_at=TWO + 9 * DAY, reason="Sale")
    with pytest.raises(CommandError, match=r"acme\.example is frozen"):
        maintenance("restore", window.pk)
    maintenance("restore", window.pk, "--override=CVE-1")
    series.materialise()
    window.refresh_from_db()
    assert window.cancelled_at is None


def test_calendar_of_staff_cancels_ended_freeze(acme, alice, at):
    """What was still to come is cancelled, what is in progress ends."""
    url = {"token": CalendarToken.renew(alice)}

    def freeze_events() -> list[tuple[object, ...]]:
        content = Client(HTTP_HOST="acme.example").get("/maintenance/calendar.ics", url).content
        found = icalendar.Calendar.from_ical(content).walk("VEVENT")
        names = ("UID", "SEQUENCE", "STATUS", "SUMMARY")
        return [(*(str(one[name]) for name in names), one["DTEND"].dt) for one in found]

    begun = freezes.freeze(
        [acme], starts_at=TWO, ends_at=FOUR, reason="R", rule="FREQ=WEEKLY;COUNT=2", zone="UTC"
    ).freeze
    (first, _, _, summary, _), (second, *_, end) = freeze_events()
    at(TWO + HOUR)
    freezes.unfreeze(begun.pk)
    assert freeze_events() == [
        (first, "1", "CONFIRMED", summary, TWO + HOUR),
        (second, "1", "CANCELLED", f"Cancelled: {summary}", end),
    ]
