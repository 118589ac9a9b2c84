"""`manage.py maintenance`: recurring windows are listed, skipped, restored and ended."""

import json
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command

from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.planning import series
from tests.helpers.times import HOUR, TWO
from tests.test_series import ONE, template

pytestmark = pytest.mark.any_database


@pytest.fixture
def maintenance(at, capsys) -> Callable[..., tuple[str, str]]:
    """Run the command at one o'clock; return its output and its errors."""

    def run(*arguments: object) -> tuple[str, str]:
        capsys.readouterr()
        call_command("maintenance", *map(str, arguments))
        said = capsys.readouterr()
        return said.out, said.err

    return run


@pytest.fixture
def sundays(acme, at) -> WindowSeries:
    at(ONE)
    (outcome,) = series.repeat([acme], template(title="Disks"))
    return outcome.series


def test_series_lists_recurring_windows(sundays, globex, maintenance):
    heading, row = maintenance("series")[0].splitlines()
    assert heading.split()[:3] == ["ID", "SITE", "NEXT"]
    assert "every week on Sunday, from 02:00 for 2h, time zone UTC" in row
    assert "2029-11-04 02:00 to 04:00" in row
    assert maintenance("series", "globex.example")[0] == "No recurring windows.\n"
    (record,) = json.loads(maintenance("series", "acme.example", "--json")[0])
    first = MaintenanceWindow.objects.earliest("starts_at")
    assert record == {
        "id": sundays.pk,
        "site": "acme.example",
        "rule": "FREQ=WEEKLY;BYDAY=SU",
        "words": "every week on Sunday, from 02:00 for 2h, time zone UTC",
        "start": "2029-11-04T02:00:00",
        "zone": "UTC",
        "length": 7200,
        "by_clock": False,
        "excluded": [],
        "level": "full",
        "title": "Disks",
        "message": "",
        "published_at": None,
        "ended_at": None,
        "next": {
            "id": first.pk,
            "starts_at": "2029-11-04T02:00:00Z",
            "ends_at": "2029-11-04T04:00:00Z",
        },
    }


def test_series_lists_ended_and_broken_ones(sundays, maintenance):
    WindowSeries.objects.update(rule="FREQ=NEVER")
    assert json.loads(maintenance("series", "--json")[0])[0]["next"] is None
    maintenance("series-end", sundays.pk)
    assert maintenance("series", "--json")[0] == "[]\n"
    assert "ended" in maintenance("series", "--past")[0]


def test_series_end_names_what_stays(sundays, maintenance):
    first = MaintenanceWindow.objects.earliest("starts_at")
    maintenance("extend", first.pk, "--by=1h")
    out, _ = maintenance("series-end", sundays.pk)
    assert out == (
        f"acme.example: series {sundays.pk}, ended, 8 windows cancelled, "
        f"kept because they were edited individually: {first.pk} (--with-edited cancels them)\n"
    )
    out, _ = maintenance("series-end", sundays.pk, "--with-edited")
    assert out == f"acme.example: series {sundays.pk}, ended, 1 window cancelled\n"
    assert not MaintenanceWindow.objects.live(ONE).exists()


def test_skip_and_unskip(sundays, maintenance):
    name = f"acme.example: series {sundays.pk}"
    out, _ = maintenance("skip", sundays.pk, "2029-11-11")
    assert out.startswith(f"{name}, 2029-11-11 skipped, window ")
    assert maintenance("skip", sundays.pk, "2030-08-04")[0] == f"{name}, 2030-08-04 skipped\n"
    out, _ = maintenance("unskip", sundays.pk, "2029-11-11")
    assert out.startswith(f"{name}, 2029-11-11 takes place, window ")
    assert MaintenanceWindow.objects.live(ONE).count() == 9


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("skip {id} 2029-11-12", "no window on 2029-11-12: the nearest starts on 2029-11-11."),
        ("skip {id} sunday", "Invalid date 'sunday'"),
        ("unskip {id} 2029-11-11", "does not skip 2029-11-11."),
        ("series-end 0", "Recurring window 0 does not exist."),
        ("restore 0", "Window 0 does not exist."),
        ("move 0/2029-11-11 --start=2029-11-12T02:00 --for=1h", "Recurring window 0 does not"),
        ("move {id}/2029-13-11 --start=2029-11-12T02:00 --for=1h", "Invalid date '2029-13-11'"),
        ("start {id}/2031-05-05", "the nearest starts on 2031-05-04."),
        ("end {id}/2031-05-04", "has not started: cancel it instead."),
        ("extend {id}/2031-05-04 --until=2029-12-01T00:00", "must be later than its current one."),
        ("move {id}/2031-05-04 --start=2020-01-01T00:00 --for=1h", "The end is in the past."),
        ("cancel {id}/0001-01-07", "has no window on 0001-01-07"),
        ("skip {id} 0001-01-07", "has no window on 0001-01-07"),
        ("skip {id} 9999-12-31", "has no window on 9999-12-31"),
        ("unskip {id} 9999-12-31", "does not skip 9999-12-31."),
    ],
)
def test_refusals_change_nothing(sundays, maintenance, arguments, sentence):
    before = list(MaintenanceWindow.objects.values())
    with pytest.raises(CommandError) as refusal:
        maintenance(*arguments.format(id=sundays.pk).split())
    assert sentence in str(refusal.value)
    assert list(MaintenanceWindow.objects.values()) == before


def test_restore_takes_back_cancel(sundays, maintenance):
    first = MaintenanceWindow.objects.earliest("starts_at")
    maintenance("cancel", first.pk)
    out, _ = maintenance("restore", first.pk)
    assert out.startswith(f"acme.example: window {first.pk}, 2029-11-04 02:00:00 UTC to ")
    assert ", scheduled, series " in out


def test_window_beyond_the_horizon_is_moved(sundays, maintenance):
    out, _ = maintenance("move", f"{sundays.pk}/2030-08-04", "--start=2030-08-05T02:00", "--for=3h")
    assert "2030-08-05 02:00:00 UTC to 2030-08-05 05:00:00 UTC, scheduled" in out
    assert sundays.windows.get(occurs_on="2030-08-04").edited == "times"


def test_repeat_takes_an_end_by_the_clock(acme, maintenance):
    given = ["--rule=FREQ=WEEKLY", "--start=2029-11-04T00:00", "--zone=Europe/Berlin"]
    out, _ = maintenance("repeat", "acme.example", *given, "--end=2029-11-05T00:00", "--now")
    assert "from 00:00 to 00:00 1 day later, time zone Europe/Berlin" in out
    made = WindowSeries.objects.get()
    assert (made.length, made.by_clock) == (24 * HOUR, True)
    with pytest.raises(CommandError, match="must be positive"):
        maintenance("repeat", "acme.example", *given, "--end=2029-11-03T00:00")


def test_repeat_and_schedule_warn_of_what_is_planned(sundays, acme, maintenance):
    given = ["--rule=FREQ=WEEKLY", "--start=2029-11-04T02:00", "--zone=UTC", "--for=2h"]
    note = f"Note: acme.example: recurring window {sundays.pk} has the same times.\n"
    assert maintenance("repeat", "acme.example", *given, "--preview=1")[1] == note
    assert WindowSeries.objects.count() == 1
    assert maintenance("repeat", "acme.example", *given)[1] == note
    _, err = maintenance("schedule", "acme.example", "--start=2029-11-04T03:00", "--for=2h")
    assert err.count("Note: acme.example: overlaps window ") == 2
    first = MaintenanceWindow.objects.latest("pk")
    _, err = maintenance("move", first.pk, f"--start={TWO - HOUR / 2:%Y-%m-%dT%H:%M}", "--for=1h")
    assert err.count("Note: acme.example: overlaps window ") == 2
