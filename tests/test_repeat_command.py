"""`manage.py maintenance repeat`: previews match what visitors get, to the second."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.planning import series, windows
from maintenance_windows.snapshot import runtime
from tests.helpers.times import HOUR, SECOND, TWO

SUNDAYS = ["--rule=FREQ=WEEKLY;BYDAY=SU", "--start=2029-11-04T02:00", "--zone=UTC", "--for=2h"]


@pytest.fixture
def maintenance(at, capsys) -> Callable[..., str]:
    """Run the command at one o'clock, an hour before the windows; return its output."""

    def run(*arguments: object) -> str:
        capsys.readouterr()
        call_command("maintenance", *map(str, arguments))
        return capsys.readouterr().out

    return run


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rfc3339(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


# The time of the preview, the arguments, and each start and end in UTC.
PREVIEWS = {
    # Berlin goes from +01:00 to +02:00 on Sunday 2027-03-28 at 02:00: 02:30 is skipped.
    "a skipped hour": (
        "2027-03-10 12:00",
        ["--rule=FREQ=WEEKLY;BYDAY=SU", "--start=2027-03-14T02:30", "--zone=Europe/Berlin",
         "--for=2h"],
        [("2027-03-14 01:30", "2027-03-14 03:30"), ("2027-03-21 01:30", "2027-03-21 03:30"),
         ("2027-03-28 01:30", "2027-03-28 03:30"), ("2027-04-04 00:30", "2027-04-04 02:30")],
    ),
    # Back to +01:00 on Sunday 2027-10-31 at 03:00: 02:30 is twice.
    "a repeated hour": (
        "2027-10-29 12:00",
        ["--rule=FREQ=DAILY;COUNT=4", "--start=2027-10-29T02:30", "--zone=Europe/Berlin",
         "--for=3h30m"],
        [("2027-10-30 00:30", "2027-10-30 04:00"), ("2027-10-31 00:30", "2027-10-31 04:00"),
         ("2027-11-01 01:30", "2027-11-01 05:00")],
    ),
    # +09:00, over midnight in UTC; Friday the 5th is left out.
    "weekdays in Tokyo": (
        "2027-11-03 00:00",
        ["--rule=FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "--start=2027-11-04T08:30",
         "--zone=Asia/Tokyo", "--for=90m", "--except=2027-11-05"],
        [("2027-11-03 23:30", "2027-11-04 01:00"), ("2027-11-07 23:30", "2027-11-08 01:00"),
         ("2027-11-08 23:30", "2027-11-09 01:00")],
    ),
    # Friday 18:00 for two days, from -04:00 to -05:00 on Sunday 2027-11-07.
    "a weekend in New York": (
        "2027-11-01 00:00",
        ["--rule=FREQ=WEEKLY;BYDAY=FR", "--start=2027-11-05T18:00", "--zone=America/New_York",
         "--for=2d"],
        [("2027-11-05 22:00", "2027-11-07 22:00"), ("2027-11-12 23:00", "2027-11-14 23:00")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("now", "given", "expected"), PREVIEWS.values(), ids=PREVIEWS)
def test_preview_matches_what_visitors_get(
    acme, at, maintenance, visit, settings, now, given, expected
):
    settings.MAINTENANCE_SERIES_HORIZON = 7  # so that later windows are made as time goes on
    at(utc(now))
    spans = [(utc(start), utc(end)) for start, end in expected]
    printed = maintenance("repeat", "acme.example", *given, "--preview", len(spans), "--json")
    assert json.loads(printed) == [
        {"starts_at": rfc3339(start), "ends_at": rfc3339(end)} for start, end in spans
    ]
    assert not WindowSeries.objects.exists()
    maintenance("repeat", "acme.example", *given)
    for start, end in spans:
        for moment, left in (
            (start - SECOND, 0),
            (start, (end - start) // SECOND),
            (end - SECOND, 1),
            (end, 0),
        ):
            at(moment)
            series.materialise()
            runtime.publish()  # as the refresher thread does each second
            answer = visit()
            assert (answer.status_code, moment) == (503 if left else 200, moment)
            assert answer.headers.get("Retry-After") == (str(left) if left else None)


@pytest.mark.parametrize("time_zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_repeat_ignores_time_zone_setting(acme, maintenance, at, settings, time_zone):
    settings.TIME_ZONE = time_zone
    now, given, expected = PREVIEWS["weekdays in Tokyo"]
    at(utc(now))
    (first, *_) = json.loads(maintenance("repeat", "acme.example", *given, "--json"))
    assert (first["starts_at"], first["ends_at"]) == tuple(rfc3339(utc(t)) for t in expected[0])
    (shown, *_) = json.loads(maintenance("repeat", "acme.example", *given, "--preview=1", "--json"))
    assert shown == {"starts_at": first["starts_at"], "ends_at": first["ends_at"]}


def test_preview_shows_local_time_and_utc(acme, maintenance, at):
    _, given, _ = PREVIEWS["a skipped hour"]
    at(utc("2027-03-22 00:00"))
    assert maintenance("repeat", "acme.example", *given, "--preview=2").splitlines() == [
        "Sun 2027-03-28 03:30 CEST to Sun 2027-03-28 05:30 CEST = "
        "Sun 2027-03-28 01:30 UTC to Sun 2027-03-28 03:30 UTC",
        "Sun 2027-04-04 02:30 CEST to Sun 2027-04-04 04:30 CEST = "
        "Sun 2027-04-04 00:30 UTC to Sun 2027-04-04 02:30 UTC",
    ]
    assert not WindowSeries.objects.exists()


def test_preview_stops_at_end_of_series(acme, maintenance):
    given = [*SUNDAYS, "--rule=FREQ=WEEKLY;COUNT=2", "--preview=1000"]
    assert len(maintenance("repeat", "acme.example", *given).splitlines()) == 2


def test_repeat_creates_one_series_per_site(acme, globex, maintenance):
    printed = maintenance("repeat", "acme.example", globex.pk, *SUNDAYS, "--title=disks")
    first, second = WindowSeries.objects.order_by("pk")
    words = (
        "every week on Sunday, from 02:00 for 2h, time zone UTC, "
        "9 windows created, first at 2029-11-04 02:00:00 UTC"
    )
    assert printed.splitlines() == [
        f"acme.example: series {first.pk}, {words}",
        f"globex.example: series {second.pk}, {words}",
    ]
    assert first.created_by.endswith("(shell)")
    assert MaintenanceWindow.objects.filter(series=second, site=globex, title="disks").count() == 9
    _, line, *_ = maintenance("list", "acme.example").splitlines()
    window = first.windows.order_by("starts_at")[0].pk
    assert line.split() == [
        str(window), "acme.example", "scheduled", "full", "2029-11-04", "02:00", "04:00",
        str(first.pk), "disks",
    ]  # fmt: skip


def test_windows_as_json(acme, plan, maintenance):
    printed = maintenance(
        "repeat", "acme.example", *SUNDAYS, "--rule=FREQ=WEEKLY;COUNT=2", "--read-only",
        "--title=T", "--message=M", "--except=2029-11-18", "--json",
    )  # fmt: skip
    (repeats,) = WindowSeries.objects.all()
    records = [
        {
            "id": window.pk,
            "site": "acme.example",
            "status": "scheduled",
            "level": "read_only",
            "title": "T",
            "message": "M",
            "published_at": None,
            "starts_at": f"2029-11-{day}T02:00:00Z",
            "ends_at": f"2029-11-{day}T04:00:00Z",
            "started_at": None,
            "ended_at": None,
            "series": repeats.pk,
        }
        for window, day in zip(repeats.windows.order_by("starts_at"), ("04", "11"), strict=True)
    ]
    assert json.loads(printed) == records
    assert json.loads(maintenance("list", "--json")) == records
    assert repeats.excluded == ["2029-11-18"]
    plan(acme, TWO - HOUR / 2, TWO)
    assert [w["series"] for w in json.loads(maintenance("list", "--json"))] == [
        None, repeats.pk, repeats.pk,
    ]  # fmt: skip


def test_tick_command_creates_windows_of_series(acme, maintenance, at):
    maintenance("repeat", "acme.example", *SUNDAYS)
    at(TWO + 140 * 24 * HOUR)  # a Sunday in March; the horizon is sixty days
    maintenance("tick")
    ahead = json.loads(maintenance("list", "--json"))
    assert [w["starts_at"] for w in ahead[:2]] == ["2030-03-24T02:00:00Z", "2030-03-31T02:00:00Z"]
    assert [w["status"] for w in ahead[:2]] == ["active", "scheduled"]
    assert len(ahead) == 9


def test_overlapping_windows_give_note(acme, maintenance, capsys):
    given = [
        "repeat",
        "acme.example",
        "--rule=FREQ=DAILY",
        "--zone=UTC",
        "--start=2029-11-04T02:00",
    ]
    for length, note in (
        ("25h", "Note: These windows overlap."),
        ("1d", ""),
    ):
        call_command("maintenance", *given, f"--for={length}")
        said = capsys.readouterr()
        assert said.err.startswith(note) if note else "windows overlap" not in said.err
        assert "60 windows created" in said.out


def test_window_of_series_accepts_window_verbs(acme, maintenance, at):
    maintenance("repeat", "acme.example", *SUNDAYS)
    second = MaintenanceWindow.objects.order_by("starts_at")[1]
    assert "2029-11-11 05:00:00 UTC" in maintenance("extend", second.pk, "--by=1h")
    windows.cancel(MaintenanceWindow.objects.order_by("starts_at")[2].pk)
    maintenance("tick")
    ahead = json.loads(maintenance("list", "--json"))
    assert [w["ends_at"] for w in ahead[:3]] == [
        "2029-11-04T04:00:00Z", "2029-11-11T05:00:00Z", "2029-11-25T04:00:00Z",
    ]  # fmt: skip


@pytest.mark.parametrize("preview", [(), ("--preview=3",), ("--preview=3", "--json")], ids=len)
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("nowhere.example", "Site 'nowhere.example' does not exist."),
        ("--rule=", "Enter a rule"),
        ("--rule=weekly", "Invalid part 'WEEKLY' of the rule"),
        ("--rule=FREQ=HOURLY", "FREQ=HOURLY is too frequent"),
        ("--rule=FREQ=DAILY;BYHOUR=2,14", "is not supported: the start sets the time"),
        ("--rule=FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "produces no future windows."),
        ("--rule=FREQ=DAILY;UNTIL=20291103", "produces no future windows."),
        ("--rule=FREQ=DAILY\nFREQ=DAILY", "Enter a single rule"),
        ("--zone=Mars", "Time zone 'Mars' does not exist"),
        ("--zone=", "Time zone '' does not exist"),
        ("--start=2029-11-04", "Invalid time '2029-11-04'. Use for example 2026-11-29T02:00."),
        ("--start=soon", "Invalid time 'soon'"),
        ("--start=", "Invalid time ''"),
        ("--start=2029-11-04T02:00Z", "without an offset"),
        ("--start=2029-11-04T02:00+01:00", "without an offset"),
        ("--start=1969-11-04T02:00", "The start must be in a year from 1970 to 9899."),
        ("--start=9999-12-31T02:00", "in a year from 1970 to 9899"),
        ("--for=0m", "Invalid duration '0m'"),
        ("--for=soon", "Invalid duration 'soon'"),
        ("--except=2029-02-30", "Invalid date '2029-02-30'. Use for example 2026-12-27."),
        ("--except=Christmas", "Invalid date 'Christmas'"),
        ("--title=" + "x" * 201, "The title is longer than 200 characters."),
        ("--preview=0", "--preview takes a number from 1 to 1000."),
        ("--preview=1001", "--preview takes a number from 1 to 1000."),
        ("--preview=-1", "--preview takes a number from 1 to 1000."),
        ("--preview=many", "--preview: invalid int value: 'many'"),
    ],
)  # fmt: skip
def test_invalid_input_gives_one_sentence_and_saves_nothing(
    acme, globex, maintenance, preview, arguments, sentence
):
    with pytest.raises(CommandError) as refusal:
        maintenance("repeat", *SUNDAYS, *preview, arguments, "acme.example", "globex.example")
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not WindowSeries.objects.exists()
    assert not MaintenanceWindow.objects.exists()


@pytest.mark.parametrize("preview", [(), ("--preview=1",), ("--preview=50",)], ids=["", "1", "50"])
def test_windows_at_end_of_calendar_raise_only_command_error(acme, maintenance, preview):
    """Windows last 106 years: the first end before the year 10000, the fourth does not."""
    given = ["--rule=FREQ=YEARLY", "--start=9890-01-01T00:00", "--zone=UTC", "--for=39000d"]
    try:
        maintenance("repeat", "acme.example", *given, *preview)
    except CommandError:
        assert not WindowSeries.objects.exists()


@pytest.mark.parametrize("missing", range(4), ids=["--rule", "--start", "--zone", "--for"])
def test_rule_start_zone_and_duration_are_required(acme, maintenance, missing):
    given = [option for number, option in enumerate(SUNDAYS) if number != missing]
    with pytest.raises(
        CommandError, match=r"required: --|one of the arguments --for --end is required"
    ):
        maintenance("repeat", "acme.example", *given)
