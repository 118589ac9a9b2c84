"""`manage.py maintenance`: one line per site, or one sentence and exit code 1."""

import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from datetime import datetime
from io import StringIO

import pytest
from django.conf import settings
from django.contrib.sites.models import Site
from django.core.cache import cache
from django.core.management import CommandError, call_command, load_command_class

from maintenance_windows.models import MaintenanceWindow, SiteMaintenance, Transition
from maintenance_windows.planning.sites import take_down
from maintenance_windows.reconcile.tick import tick
from maintenance_windows.snapshot.cache import SnapshotCache
from maintenance_windows.snapshot.loader import load
from tests.helpers.times import FOUR, HOUR, MINUTE, SECOND, TWO

pytestmark = pytest.mark.usefixtures("beside_replica")


@pytest.fixture
def maintenance(at, capsys):
    """Run the command at one o'clock, an hour before the windows; return its output."""

    def run(*arguments: object) -> str:
        capsys.readouterr()
        call_command("maintenance", *map(str, arguments))
        return capsys.readouterr().out

    return run


def is_on(site: Site) -> bool:
    return SiteMaintenance.objects.get(pk=site.pk).in_maintenance


def test_schedule_and_list(acme, globex, maintenance):
    printed = maintenance(
        "schedule", "acme.example", globex.pk, "--start=2029-11-04T02:00", "--for=2h",
        "--title=database", "--read-only",
    )  # fmt: skip
    first, second = MaintenanceWindow.objects.order_by("pk")
    span = "2029-11-04 02:00:00 UTC to 2029-11-04 04:00:00 UTC"
    lines = [
        f"acme.example: window {first.pk}, {span}, scheduled, read-only, database",
        f"globex.example: window {second.pk}, {span}, scheduled, read-only, database",
    ]
    assert printed.splitlines() == lines
    # test_terminal.py covers the rest of the table.
    listed = [line.split()[:3] for line in maintenance("list").splitlines()]
    rows = [[str(w.pk), w.site.domain, "scheduled"] for w in (first, second)]
    assert listed == [["ID", "SITE", "STATUS"], *rows]
    _, line = maintenance("list", "globex.example").splitlines()
    assert line.split()[:3] == rows[1]
    assert (first.starts_at, first.ends_at, first.level) == (TWO, FOUR, "read_only")


def test_schedule_as_json(acme, maintenance):
    printed = maintenance(
        "schedule", "acme.example", "--start=2029-11-04T03:00+01:00", "--end=2029-11-04T04:00Z",
        "--title=T", "--message=M", "--json",
    )  # fmt: skip
    window = MaintenanceWindow.objects.get()
    record = {
        "id": window.pk,
        "site": "acme.example",
        "status": "scheduled",
        "level": "full",
        "title": "T",
        "message": "M",
        "published_at": None,
        "starts_at": "2029-11-04T02:00:00Z",
        "ends_at": "2029-11-04T04:00:00Z",
        "started_at": None,
        "ended_at": None,
        "series": None,
    }
    assert json.loads(printed) == [record]
    assert json.loads(maintenance("list", "--json")) == [record]


def test_schedule_with_past_start_reports_window_in_progress(acme, maintenance):
    printed = maintenance(
        "schedule", "acme.example", "--start=2029-11-04T00:30", "--for=1h", "--now", "--json"
    )
    (record,) = json.loads(printed)
    assert (record["status"], record["started_at"]) == ("active", "2029-11-04T01:00:00Z")


def test_list_past_includes_completed_windows(acme, plan, maintenance, at):
    window = plan(acme)
    at(FOUR)
    assert maintenance("list") == "No current or upcoming windows.\n"
    assert maintenance("list", "--json") == "[]\n"
    assert [w["status"] for w in json.loads(maintenance("list", "--past", "--json"))] == [
        "completed"
    ]
    assert MaintenanceWindow.objects.get(pk=window.pk).ended_at is None  # listing writes nothing


@pytest.mark.parametrize(("down", "up"), [("down", "up"), ("on", "off")])
def test_down_takes_site_down_and_up_brings_it_up(acme, globex, maintenance, down, up):
    assert maintenance(down, "acme.example", "--message=Sorry") == (
        "acme.example: down since 2029-11-04 01:00:00 UTC, until further notice\n"
    )
    assert (is_on(acme), is_on(globex)) == (True, False)
    assert maintenance(up, "acme.example") == "acme.example: up\n"
    assert not is_on(acme)


def test_help_lists_verbs_without_their_aliases():
    parser = load_command_class("maintenance_windows", "maintenance").create_parser("", "")
    listed = [line.split()[0] for line in parser.format_help().splitlines() if line.split()]
    assert {"down", "up"} <= set(listed)
    assert {"on", "off"}.isdisjoint(listed)


def test_down_with_duration_creates_window(acme, maintenance):
    maintenance("on", "acme.example", "--for=1h30m")
    assert MaintenanceWindow.objects.get().ends_at == TWO + 30 * MINUTE
    maintenance("on", "acme.example", "--until=2029-11-04T04:00")
    assert SiteMaintenance.objects.get(pk=acme.pk).until == FOUR
    printed = maintenance("off", "acme.example")
    ids = list(MaintenanceWindow.objects.order_by("pk").values_list("pk", flat=True))
    assert printed == f"acme.example: up, ended window {ids[0]}, ended window {ids[1]}\n"


def test_all_option_selects_every_site(acme, globex, maintenance):
    assert len(maintenance("on", "--all").splitlines()) == Site.objects.count()
    assert is_on(acme)
    assert is_on(globex)
    maintenance("off", "--all")
    assert not SiteMaintenance.objects.filter(in_maintenance=True).exists()


def test_only_site_is_the_default(db, maintenance):
    site = Site.objects.get()
    maintenance("on")
    assert is_on(site)


def test_window_verbs_report_new_state(acme, plan, maintenance, at):
    window = plan(acme)
    assert "02:30:00 UTC to 2029-11-04 03:00:00 UTC" in maintenance(
        "move", window.pk, "--start=2029-11-04T02:30", "--for=30m"
    )
    assert "to 2029-11-04 03:30:00 UTC" in maintenance("extend", window.pk, "--by=30m")
    assert "to 2029-11-04 04:00:00 UTC" in maintenance(
        "extend", window.pk, "--until=2029-11-04T04:00"
    )
    assert "in progress" in maintenance("start", window.pk)
    assert is_on(acme)
    assert "completed" in maintenance("end", window.pk)
    assert not is_on(acme)
    assert "cancelled" in maintenance("cancel", plan(acme).pk)


def test_tick_updates_flag(acme, plan, maintenance, at):
    plan(acme)
    at(TWO)
    maintenance("tick")
    assert is_on(acme)


def test_status_as_json_says_how_old_the_shared_snapshot_is(acme, maintenance, at):
    at(TWO)
    SnapshotCache()._write(load(TWO))
    at(TWO + MINUTE)
    try:
        record = json.loads(maintenance("status", "--json"))["snapshot"]
    finally:
        cache.clear()
    assert record == {"written_at": "2029-11-04T02:00:00Z", "age": 60}


def test_status_as_json(acme, globex, plan, maintenance, at):
    first = plan(acme, message="M")
    second = plan(acme, FOUR + HOUR, FOUR + 2 * HOUR)
    take_down([globex], clock=lambda: TWO - MINUTE)
    tick(lambda: TWO)
    at(TWO + SECOND / 2)
    assert json.loads(maintenance("status", "acme.example", "globex.example", "--json")) == {
        "at": "2029-11-04T02:00:00.500000Z",
        "scheduler": {
            "last_tick": "2029-11-04T02:00:00Z",
            "healthy": True,
            "kind": None,
            "consumed": True,
        },
        "snapshot": {"written_at": None, "age": None},
        "clock_off": 0.0,
        "passes": {
            "superusers": True,
            "staff": True,
            "is_staff": None,
            "internal_ips": [],
            "networks": [],
            "may_pass": None,
        },
        "sites": [
            {
                "site": "acme.example",
                "in_maintenance": True,
                "level": "full",
                "since": "2029-11-04T02:00:00Z",
                "until": "2029-11-04T04:00:00Z",
                "held": False,
                "window": first.pk,
                "next": {
                    "id": second.pk,
                    "starts_at": "2029-11-04T05:00:00Z",
                    "ends_at": "2029-11-04T06:00:00Z",
                },
                "retry_after": 7200,
            },
            {
                "site": "globex.example",
                "in_maintenance": True,
                "level": "full",
                "since": "2029-11-04T01:59:00Z",
                "until": None,
                "held": True,
                "window": None,
                "next": None,
                "retry_after": 300,
            },
        ],
    }
    at(FOUR)
    acme_record = json.loads(maintenance("status", "acme.example", "--json"))["sites"][0]
    unknown = ("level", "since", "until", "window", "retry_after")
    assert [acme_record[key] for key in unknown] == [None] * 5
    assert not acme_record["in_maintenance"]


def test_status_shows_current_state_without_tick(acme, plan, maintenance, at):
    plan(acme)
    at(TWO)
    _, line, _, _ = maintenance("status", "acme.example").splitlines()
    assert line.split() == [
        "acme.example", "down", "2029-11-04", "04:00", "2029-11-04", "02:00", "-",
    ]  # fmt: skip


def test_status_check_fails_when_last_tick_is_old(acme, maintenance, at, settings):
    with pytest.raises(CommandError, match="has never run"):
        maintenance("status", "--check")
    tick(lambda: TWO)
    at(TWO + 8 * SECOND)
    maintenance("status", "--check")
    at(TWO + 9 * SECOND)
    with pytest.raises(
        CommandError, match="last ran at 2029-11-04 02:00:00 UTC and appears to be down"
    ):
        maintenance("status", "--check")
    settings.MAINTENANCE_TICK_MAX_AGE = 90
    maintenance("status", "--check")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("schedule nowhere.example --start=2029-11-04T02:00 --for=1h", "Site 'nowhere"),
        ("schedule 999999999999999999999 --start=2029-11-04T02:00 --for=1h", "Site '9"),
        ("schedule acme.example --start=soon --for=1h", "Invalid time 'soon'"),
        ("schedule acme.example --start=2029-11-04 --for=1h", "Invalid time '2029-11-04'"),
        ("schedule acme.example --start=0001-01-01T00:00+14:00 --for=1h", "Invalid time"),
        ("schedule acme.example --start=2029-11-04T02:00 --for=soon", "duration 'soon'"),
        ("schedule acme.example --start=2029-11-04T02:00 --for=0m", "duration '0m'"),
        ("schedule acme.example --start=2029-11-04T02:00 --for=-1h", "duration '-1h'"),
        ("schedule acme.example --start=9999-12-31T02:00 --for=9d", "out of range"),
        ("schedule acme.example --start=2029-11-04T02:00 --end=2029-11-04T02:00", "must be after"),
        ("schedule acme.example --start=2029-11-03T02:00 --for=1h", "The end is in the past."),
        ("on acme.example --until=2029-11-04T00:59", "must be after"),
        ("schedule acme.example --start=9999-12-31T02:00 --for=1h", "out of range"),
        ("status " + "9" * 5000, "Site '9"),
        ("on acme.example --for=", "Invalid duration ''"),
        ("on acme.example --until=", "Invalid time ''"),
        ("down", "Specify a site or --all."),
        ("on --all acme.example", "not both"),
        ("end 999999999999999999999", "Window 9"),
    ],
)  # fmt: skip
def test_invalid_input_gives_one_sentence_and_saves_nothing(acme, maintenance, arguments, sentence):
    with pytest.raises(CommandError) as refusal:
        maintenance(*arguments.split())
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not MaintenanceWindow.objects.exists()
    assert not is_on(acme)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["end", "abc"],
            "manage.py maintenance end: argument ID: invalid window 'abc': use its id",
        ),
        (["nonsense"], "manage.py maintenance: argument VERB: invalid choice: 'nonsense'"),
        (["tick", "extra"], "manage.py maintenance: unrecognized arguments: extra"),
        ([], "CommandError: The database does not answer as it should: no such table: "),
        (
            ["on", "--message", b"\xff"],
            "manage.py maintenance on: argument --message: not valid UTF-8",
        ),
        (["status"], "CommandError: The database does not answer as it should: no such table: "),
    ],
)
def test_command_line_error_is_one_line_with_exit_code_1(tmp_path, arguments, sentence):
    done = subprocess.run(
        [sys.executable, "manage.py", "maintenance", *arguments],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("is_last", [True, False])
def test_django_options_stand_before_or_after_the_verb(acme, capsys, is_last):
    options = ["--settings=project.settings", "--force-color", "-v", "0", "--traceback"]
    line = ["status", *options] if is_last else [*options, "status"]
    load_command_class("maintenance_windows", "maintenance").run_from_argv(
        ["manage.py", "maintenance", *line]
    )
    assert "\x1b[" in capsys.readouterr().out


@pytest.mark.parametrize("value", ["soon", float("inf"), float("nan")])
def test_up_works_despite_invalid_settings(acme, at, settings, value):
    take_down([acme])
    settings.MAINTENANCE_RETRY_AFTER = value
    settings.MAINTENANCE_SERIES_HORIZON = value
    for arguments in (["tick"], ["up", "acme.example"]):
        command = load_command_class("maintenance_windows", "maintenance")
        command.run_from_argv(["manage.py", "maintenance", *arguments])  # with Django's checks
    assert not is_on(acme)


def test_start_with_offset_has_exact_duration(acme, maintenance, settings, at):
    at(datetime.fromisoformat("2027-01-01T00:00Z"))
    settings.TIME_ZONE = "Europe/Berlin"
    maintenance("schedule", "acme.example", "--start=2027-03-28T01:30+01:00", "--for=2h")
    assert MaintenanceWindow.objects.get().ends_at.isoformat() == "2027-03-28T02:30:00+00:00"


@pytest.mark.parametrize(
    ("moment", "sentence"),
    [
        ("2027-03-28T02:30", "does not exist in Europe/Berlin because of DST"),
        ("2027-10-31T02:30", "occurs twice in Europe/Berlin because of DST"),
    ],
)
def test_times_without_offset_use_time_zone(acme, maintenance, settings, at, moment, sentence):
    at(datetime.fromisoformat("2027-01-01T00:00Z"))
    settings.TIME_ZONE = "Europe/Berlin"
    with pytest.raises(CommandError, match=sentence):
        maintenance("schedule", "acme.example", f"--start={moment}", "--for=1h")
    maintenance("schedule", "acme.example", "--start=2027-03-28T03:00", "--for=1h")
    assert MaintenanceWindow.objects.get().starts_at.isoformat() == "2027-03-28T01:00:00+00:00"


def test_up_reports_next_window(acme, plan, maintenance):
    coming = plan(acme).pk
    take_down([acme])
    span = "2029-11-04 02:00:00 UTC to 2029-11-04 04:00:00 UTC"
    line = f"acme.example: up, next: window {coming}, {span}\n"
    assert maintenance("off", "acme.example") == line


def test_actor_without_account_name_is_shell(acme, maintenance, monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    maintenance("on", "acme.example")
    assert Transition.objects.get().actor == "shell"


def test_output_follows_redirected_stdout(acme, at):
    with redirect_stdout(StringIO()) as printed:
        command = load_command_class("maintenance_windows", "maintenance")
        command.run_from_argv(["manage.py", "maintenance", "on", "acme.example"])
    assert printed.getvalue().startswith("acme.example: down since ")
