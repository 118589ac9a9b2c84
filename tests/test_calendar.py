"""The calendar feed: its events over a year, changes to them, and tokens."""

import logging
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from itertools import count
from urllib.parse import urlsplit

import icalendar
import pytest
import recurring_ical_events
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.contrib.sites.models import Site
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from maintenance_windows.calendar import events, ical
from maintenance_windows.calendar.ical import CalendarEvent
from maintenance_windows.core.state import Level
from maintenance_windows.models import CalendarToken, MaintenanceWindow, WindowSeries
from maintenance_windows.planning import series, windows
from maintenance_windows.planning.sites import bring_up
from maintenance_windows.reconcile.tick import tick
from tests.helpers.pages import messages
from tests.helpers.times import FOUR, HOUR, MINUTE, SECOND, TWO

DAY = 24 * HOUR
ONE = TWO - HOUR
PATH = "/maintenance/calendar.ics"
PAGE = "/admin/maintenance_windows/maintenancewindow/calendar/"


def get(host: str = "acme.example", **query: str) -> HttpResponse:
    return Client().get(PATH, query, headers={"host": host})


def vevents(answer: HttpResponse) -> list[icalendar.Event]:
    return icalendar.Calendar.from_ical(answer.content).walk("VEVENT")


def event(answer: HttpResponse) -> icalendar.Event:
    (found,) = vevents(answer)
    return found


def revision(found: icalendar.Event) -> tuple[str, int, str]:
    return str(found["UID"]), found["SEQUENCE"], str(found["STATUS"])


def span(found: icalendar.Event) -> tuple[datetime, datetime]:
    return found["DTSTART"].dt, found["DTEND"].dt


@pytest.fixture
def begin(at) -> Callable[..., WindowSeries]:
    """Create a series at one o'clock, by default each Sunday from 02:00 to 04:00 UTC."""

    def begin(site: Site, **fields: object) -> WindowSeries:
        at(ONE)
        given = {
            "rule": "FREQ=WEEKLY;BYDAY=SU",
            "starts_on": date(2029, 11, 4),
            "start_time": time(2),
            "zone": "UTC",
            "length": 2 * HOUR,
        }
        (outcome,) = series.repeat([site], WindowSeries(**(given | fields)), actor="bob")
        return outcome.series

    return begin


@pytest.fixture
def key(alice) -> str:
    return CalendarToken.renew(alice)


def test_feed_contains_windows_of_site(acme, globex, at):
    at(ONE)
    windows.schedule([acme], starts_at=TWO, ends_at=FOUR, message="New disks.")
    windows.schedule([globex], starts_at=TWO, ends_at=FOUR, level=Level.READ_ONLY)
    answer = get()
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'inline; filename="maintenance.ics"'
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "Cookie" not in answer.headers.get("Vary", "")
    uid = str(event(answer)["UID"])
    lines = answer.content.decode().split("\r\n")
    assert (lines[0], lines[-2:]) == ("BEGIN:VCALENDAR", ["END:VCALENDAR", ""])
    assert set(lines[1:-2]) == {
        "VERSION:2.0",
        "PRODID:-//django-maintenance-windows//EN",
        "METHOD:PUBLISH",
        "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
        "X-PUBLISHED-TTL:PT15M",
        "X-WR-CALNAME:Maintenance: acme.example",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        "SEQUENCE:0",
        "DTSTAMP:20291104T010000Z",
        "LAST-MODIFIED:20291104T010000Z",
        "DTSTART:20291104T020000Z",
        "DTEND:20291104T040000Z",
        "STATUS:CONFIRMED",
        "TRANSP:TRANSPARENT",
        "SUMMARY:Maintenance: acme.example",
        "DESCRIPTION:New disks.",
        "END:VEVENT",
    }
    assert event(get("globex.example"))["SUMMARY"] == "Read-only maintenance: globex.example"


def test_unchanged_feed_is_byte_identical(acme, begin, at):
    """Windows that start and end on time, and new windows of series, change no byte."""
    begin(acme)
    windows.schedule([acme], starts_at=TWO + HOUR, ends_at=FOUR + HOUR)
    at(ONE)
    first = get()
    assert (first.status_code, first.headers["ETag"][:1]) == (200, '"')
    for moment in (TWO, FOUR + SECOND, FOUR + 3 * HOUR):
        at(moment)
        tick(horizon=timedelta(0))
        series.materialise()
        assert get().content == first.content
        again = Client().get(
            PATH, headers={"host": "acme.example", "if-none-match": first.headers["ETag"]}
        )
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["Cache-Control"] == "no-cache"
    assert MaintenanceWindow.objects.filter(ended_at__isnull=False).count() == 2
    at(TWO + 4 * DAY)
    before = get().content
    (outcome,) = series.materialise()
    assert len(outcome.made) == 1
    assert get().content == before


def test_move_and_cancellation_increment_sequence(acme, plan, at):
    window = plan(acme)
    uid = str(event(get())["UID"])
    at(ONE + MINUTE)
    windows.move(window.pk, starts_at=TWO + HOUR, ends_at=FOUR + HOUR)
    at(ONE + 2 * MINUTE)
    moved = get()
    assert revision(event(moved)) == (uid, 1, "CONFIRMED")
    assert span(event(moved)) == (TWO + HOUR, FOUR + HOUR)
    assert event(moved)["DTSTAMP"].dt == event(moved)["LAST-MODIFIED"].dt == ONE + MINUTE
    windows.revise(window.pk, message="Later.")
    assert revision(event(get())) == (uid, 1, "CONFIRMED")
    assert event(get())["DTSTAMP"].dt == ONE + 2 * MINUTE
    windows.extend(window.pk, by=HOUR)
    assert revision(event(get())) == (uid, 2, "CONFIRMED")
    windows.cancel(window.pk)
    gone = get()
    assert revision(event(gone)) == (uid, 3, "CANCELLED")
    assert event(gone)["SUMMARY"] == "Cancelled: Maintenance: acme.example"
    assert span(event(gone)) == (TWO + HOUR, FOUR + 2 * HOUR)
    at(FOUR + 2 * DAY)
    assert revision(event(get())) == (uid, 3, "CANCELLED")


def test_event_shows_actual_times(acme, plan, at):
    window = plan(acme)
    at(TWO - 10 * MINUTE)
    windows.start(window.pk)
    assert span(event(get())) == (TWO - 10 * MINUTE, FOUR)
    at(TWO + HOUR)
    bring_up([acme])
    assert span(event(get())) == (TWO - 10 * MINUTE, TWO + HOUR)
    assert event(get())["SEQUENCE"] == 2


def test_zero_length_event_omits_dtend(acme, plan, at):
    window = plan(acme)
    at(ONE + 0.2 * SECOND)
    windows.start(window.pk)
    at(ONE + 0.7 * SECOND)
    windows.end(window.pk)
    assert event(get())["DTSTART"].dt == ONE
    assert "DTEND" not in event(get())


def test_feed_keeps_ninety_days(acme, at):
    at(ONE)
    windows.schedule([acme], starts_at=TWO, ends_at=FOUR)
    (ended,) = windows.schedule([acme], starts_at=TWO, ends_at=TWO + 900 * DAY)
    windows.schedule([acme], starts_at=TWO + 900 * DAY, ends_at=FOUR + 900 * DAY)
    at(FOUR)
    windows.end(ended.pk)
    at(FOUR + 90 * DAY)
    assert len(vevents(get())) == 3
    at(FOUR + 91 * DAY)
    assert [found["DTSTART"].dt for found in vevents(get())] == [TWO + 900 * DAY]


def test_public_feed_omits_internal_texts(acme, begin, key):
    (window,) = windows.schedule(
        [acme], starts_at=TWO, ends_at=FOUR, title="CANARY one", actor="CANARY two"
    )
    begun = begin(acme, title="CANARY three", created_by="CANARY four")
    windows.move(window.pk, starts_at=TWO, ends_at=FOUR + HOUR, actor="CANARY five")
    windows.revise(window.pk, title="CANARY six", actor="CANARY seven")
    series.revise(begun.pk, title="CANARY eight", actor="CANARY nine")
    windows.cancel(begun.windows.first().pk, actor="CANARY ten")
    own = get(token=key).content.decode()
    assert "Maintenance: acme.example (CANARY six)" in own
    assert own.count("(CANARY eight)") == len(vevents(get())) - 1
    assert own.count("CANARY") == len(vevents(get()))
    assert "CANARY" not in get().content.decode()
    assert "bob" not in get().content.decode() + own


def test_title_change_leaves_public_feed_unchanged(acme, begin, key, at, plan):
    begun = begin(acme)
    window = plan(acme)
    before, own = get().content, get(token=key).content
    at(ONE + MINUTE)
    windows.revise(window.pk, title="Disks")
    series.revise(begun.pk, title="Disks")
    assert get().content == before
    assert get(token=key).content != own


@pytest.mark.parametrize("host", ["acme.example", "ACME.example", "acme.example:8000"])
def test_host_selects_site(acme, globex, plan, host):
    plan(acme)
    assert len(vevents(get(host))) == 1
    assert vevents(get("globex.example")) == []


def test_host_matches_domain_case_insensitively(acme, globex, plan):
    Site.objects.filter(pk=acme.pk).update(domain="Acme.Example")
    plan(acme)
    assert len(vevents(get("acme.example"))) == 1
    assert len(vevents(get("ACME.EXAMPLE:8000"))) == 1


def test_unknown_host_gets_404(acme, plan, settings):
    window = plan(acme)
    assert get("nobody.example").status_code == 404
    settings.SITE_ID = window.site_id
    assert len(vevents(get("nobody.example"))) == 1


def test_feed_stays_available_while_site_is_down(acme, plan, at, visit):
    plan(acme)
    at(TWO)
    assert visit().status_code == 503
    answer = visit(PATH)
    assert (answer.status_code, len(vevents(answer))) == (200, 1)
    head = visit(PATH, method="HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["ETag"] == answer.headers["ETag"]
    for method in ("POST", "PUT", "DELETE"):
        assert visit(PATH, method=method).status_code == 405
    assert Client(enforce_csrf_checks=True).post(PATH).status_code == 405


def test_token_gives_feed_of_all_sites(acme, globex, plan, key):
    plan(acme, title="Disks")
    plan(globex)
    for host in ("acme.example", "globex.example", "nobody.example"):
        answer = get(host, token=key)
        names = {str(found["SUMMARY"]) for found in vevents(answer)}
        assert names == {"Maintenance: acme.example (Disks)", "Maintenance: globex.example"}
        assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "X-WR-CALNAME:Maintenance of all sites\r\n" in answer.content.decode()


def test_token_requires_staff_with_view_permission(acme, client):
    def status(key: str) -> int:
        return get(token=key).status_code

    carol = User.objects.create_user("carol", is_staff=True)
    key = CalendarToken.renew(carol)
    assert status(key) == 404
    carol.user_permissions.add(Permission.objects.get(codename="view_maintenancewindow"))
    assert status(key) == 200
    for name, value in (("is_active", False), ("is_staff", False)):
        User.objects.update(**{name: value})
        assert status(key) == 404
        User.objects.update(**{name: not value})
        assert status(key) == 200
    renewed = CalendarToken.renew(carol)
    assert (status(key), status(renewed)) == (404, 200)
    CalendarToken.objects.all().delete()
    assert status(renewed) == 404
    for nonsense in ("", "x", key[:-1], CalendarToken.digest_of(key), "\x00", "é", "x" * 5000):
        assert status(nonsense) == 404
    client.force_login(carol)
    assert client.get(PATH, {"token": ""}).status_code == 404


def test_logs_and_database_contain_no_token(acme, alice, caplog):
    caplog.set_level(logging.DEBUG)
    key = CalendarToken.renew(alice)
    assert get(token=key).status_code == 200
    assert get(token=f"{key}x").status_code == 404
    assert "Not Found: /maintenance/calendar.ics" in caplog.text
    assert key not in caplog.text
    assert key not in str(CalendarToken.objects.values())


@pytest.mark.parametrize(
    "fields",
    [
        {"zone": "Europe/Berlin", "start_time": time(2, 30)},
        {"zone": "America/New_York", "start_time": time(1, 30)},
        {
            "zone": "America/New_York",
            "start_time": time(2, 30),
            "rule": "FREQ=MONTHLY;BYDAY=2SU,1SU",
        },
        {"zone": "Australia/Lord_Howe", "rule": "FREQ=DAILY", "start_time": time(2, 10)},
    ],
)
def test_third_party_parser_reads_same_occurrences(acme, begin, fields):
    begun = begin(acme, **fields)
    stop = ONE + 365 * DAY
    expected = [(o.starts_at, o.ends_at) for o in begun.recurrence().occurrences(ONE, stop)]
    assert len({start.time() for start, _ in expected}) > 1  # both DST changes
    read = recurring_ical_events.of(icalendar.Calendar.from_ical(get().content))
    found = sorted(map(span, read.between(ONE, stop)))
    assert found == expected
    listed = begun.windows.order_by("starts_at").values_list("starts_at", "ends_at")
    assert found[: len(listed)] == list(listed)


def test_edited_occurrences_appear_once(acme, begin):
    begun = begin(acme, excluded=["2029-11-11", "2030-06-02"])
    starts = {found["DTSTART"].dt: found for found in vevents(get())}
    assert TWO + 7 * DAY not in starts
    assert datetime.fromisoformat("2030-06-02T02:00Z") not in starts
    moved, cancelled = begun.windows.order_by("starts_at")[1:3]
    windows.move(moved.pk, starts_at=TWO + 400 * DAY, ends_at=FOUR + 400 * DAY)
    windows.cancel(cancelled.pk)
    after = {found["DTSTART"].dt: found for found in vevents(get())}
    assert len(after) == len(vevents(get())) == len(starts)
    assert revision(after[TWO + 400 * DAY]) == (starts[TWO + 14 * DAY]["UID"], 1, "CONFIRMED")
    assert revision(after[TWO + 21 * DAY]) == (starts[TWO + 21 * DAY]["UID"], 1, "CANCELLED")


def test_moving_series_moves_all_events(acme, begin, at):
    begun = begin(acme)
    before = {str(found["UID"]): found for found in vevents(get())}
    for number in (1, 2):
        at(ONE + number * MINUTE)
        series.revise(begun.pk, start_time=time(2 + number))
        after = vevents(get())
        assert {str(found["UID"]) for found in after} == before.keys()
        for found in after:
            assert found["SEQUENCE"] == number
            assert found["DTSTART"].dt == before[found["UID"]]["DTSTART"].dt + number * HOUR
    at(TWO + 4 * DAY)
    unmade = get().content
    (outcome,) = series.materialise()
    assert len(outcome.made) == 1
    assert get().content == unmade


def test_restored_occurrence_keeps_uid(acme, begin, at):
    begun = begin(acme)
    before = {found["DTSTART"].dt: str(found["UID"]) for found in vevents(get())}
    for number, (excluded, status) in enumerate(
        [(["2029-11-11"], "CANCELLED"), ([], "CONFIRMED"), (["2029-11-11"], "CANCELLED")], 1
    ):
        at(ONE + number * MINUTE)
        series.revise(begun.pk, excluded=excluded)
        (found,) = (f for f in vevents(get()) if f["DTSTART"].dt == TWO + 7 * DAY)
        assert revision(found) == (before[TWO + 7 * DAY], number, status)
        assert found["DTSTAMP"].dt == ONE + number * MINUTE
        assert len(vevents(get())) == len(before)


def test_ending_series_cancels_all_its_events(acme, begin):
    begun = begin(acme)
    before = {str(found["UID"]) for found in vevents(get())}
    series.end(begun.pk)
    after = vevents(get())
    assert begun.windows.count() == 9 < len(after)
    assert {found["UID"] for found in after} == before
    assert {revision(found)[1:] for found in after} == {(1, "CANCELLED")}


def test_correction_of_zone_keeps_all_events(acme, begin, at):
    """Berlin and Paris have the same clock."""
    begun = begin(acme, zone="Europe/Berlin")
    before = {(str(found["UID"]), found["DTSTART"].dt) for found in vevents(get())}
    at(ONE + MINUTE)
    series.revise(begun.pk, zone="Europe/Paris")
    assert {(str(found["UID"]), found["DTSTART"].dt) for found in vevents(get())} == before
    assert {revision(found)[1:] for found in vevents(get())} == {(0, "CONFIRMED")}
    at(ONE + 2 * MINUTE)
    series.revise(begun.pk, rule="FREQ=WEEKLY;INTERVAL=2;BYDAY=SU")
    found = [(str(found["UID"]), found["DTSTART"].dt) for found in vevents(get())]
    assert sorted(found) == sorted(before)
    assert sorted({revision(found)[1:] for found in vevents(get())}) == [
        (0, "CONFIRMED"),
        (1, "CANCELLED"),
    ]


def test_restored_occurrence_keeps_uid_before_window_exists(acme, begin, at, settings):
    begun = begin(acme)
    far = TWO + 200 * DAY - 4 * DAY
    (before,) = (f for f in vevents(get()) if f["DTSTART"].dt == far)
    for number, (excluded, status) in enumerate(
        [([f"{far:%Y-%m-%d}"], "CANCELLED"), ([], "CONFIRMED")] * 2, 1
    ):
        at(ONE + number * MINUTE)
        series.revise(begun.pk, excluded=excluded)
        (found,) = (f for f in vevents(get()) if f["DTSTART"].dt == far)
        assert revision(found) == (before["UID"], number, status)
        assert found["DTSTAMP"].dt == ONE + number * MINUTE
    settings.MAINTENANCE_SERIES_HORIZON = 200
    series.materialise()
    assert begun.windows.filter(starts_at=far).exists()
    (made,) = (f for f in vevents(get()) if f["DTSTART"].dt == far)
    assert made == found


def test_feed_omits_windows_that_ended_early(acme, begin, at, settings):
    settings.MAINTENANCE_SERIES_HORIZON = 200
    begun = begin(acme, length=100 * DAY, rule="FREQ=DAILY;INTERVAL=150")
    first, second = begun.windows.order_by("starts_at")
    at(TWO + HOUR)
    windows.end(first.pk)
    windows.move(second.pk, starts_at=TWO + 2 * HOUR, ends_at=TWO + 3 * HOUR)
    at(TWO + 95 * DAY)
    assert [found["DTSTART"].dt for found in vevents(get())] == [TWO + 300 * DAY, TWO + 450 * DAY]


def starts(answer: HttpResponse) -> dict[datetime, str]:
    return {found["DTSTART"].dt: str(found["UID"]) for found in vevents(answer)}


BERLIN = {"zone": "Europe/Berlin", "start_time": time(0), "starts_on": date(2029, 11, 5)}
IN_UTC = {"zone": "UTC", "start_time": time(23), "starts_on": date(2029, 11, 4)}


def test_time_zone_change_keeps_uids(acme, begin, at):
    """Midnight in Berlin is the evening before in UTC, so each window gets another date."""
    begun = begin(acme, rule="FREQ=DAILY", **BERLIN)
    made = list(begun.windows.values_list("starts_at", flat=True))
    before = starts(get())
    at(ONE + MINUTE)
    series.revise(begun.pk, **IN_UTC)
    after = starts(get())
    assert len(after) == len(vevents(get())) == len(before)
    assert [after[start] for start in made] == [before[start] for start in made]
    at(TWO + 4 * DAY)
    unmade = get()
    (outcome,) = series.materialise()
    assert len(outcome.made) == 4
    assert get().content == unmade.content
    series.end(begun.pk)
    ended = starts(get())
    assert ended.items() <= starts(unmade).items()
    assert [ended[start] for start in made] == [before[start] for start in made]


def test_window_without_occurrence_date_keeps_uid(acme, begin, at):
    begun = begin(acme, rule="FREQ=DAILY", **BERLIN)
    window = begun.windows.get(occurs_on="2029-11-11")
    name = starts(get())[window.starts_at]
    for hours in (30, 60):
        windows.move(
            window.pk,
            starts_at=window.starts_at + hours * HOUR,
            ends_at=window.ends_at + hours * HOUR,
        )
    for minutes, changes in ((1, IN_UTC | {"excluded": ["2029-11-10"]}), (2, BERLIN)):
        at(ONE + minutes * MINUTE)
        series.revise(begun.pk, **changes | {"excluded": changes.get("excluded", [])})
        assert starts(get())[window.starts_at + 60 * HOUR] == name
    window.refresh_from_db()
    assert window.occurs_on is None
    assert starts(get())[window.starts_at - 60 * HOUR] != name


def test_broken_series_keeps_its_windows_in_feed(acme, begin):
    begun = begin(acme)
    WindowSeries.objects.filter(pk=begun.pk).update(rule="FREQ=NEVER")
    assert len(vevents(get())) == 9


def test_windows_stay_in_feed_when_time_zone_disappears(acme, begin):
    begun = begin(acme)
    MaintenanceWindow.objects.filter(series=begun).update(occurs_on=None)
    WindowSeries.objects.filter(pk=begun.pk).update(zone="Europe/Atlantis")
    assert len(vevents(get())) == 9


def test_query_count_is_independent_of_window_count(
    acme, globex, begin, key, django_assert_max_num_queries
):
    for number in count(1):
        with django_assert_max_num_queries(7):
            public = get()
        with django_assert_max_num_queries(10):
            get(token=key)
        if number == 3:
            break
        for site in (acme, globex):
            begun = begin(site)
            series.revise(begun.pk, message="Later.")
    assert len(vevents(public)) > 100


@pytest.fixture
def crowd(transactional_db, at) -> list[MaintenanceWindow]:
    """A window each hour on three sites: five completed and nine scheduled."""
    sites = Site.objects.bulk_create(Site(domain=f"s{n}.example") for n in range(3))
    starts = [TWO - 2 * DAY + n * HOUR for n in range(5)] + [TWO + n * HOUR for n in range(9)]
    windows = MaintenanceWindow.objects.bulk_create(
        MaintenanceWindow(site=sites[n % 3], starts_at=start, ends_at=start + HOUR)
        for n, start in enumerate(starts)
    )
    at(TWO - 2 * DAY)
    tick()
    at(ONE)
    tick()
    return windows


def few(monkeypatch, over: int, ahead: int) -> None:
    names = ("MOST_OVER", "MOST_AHEAD", "MOST")
    for name, number in zip(names, (over, ahead, over + ahead), strict=True):
        monkeypatch.setattr(events, name, number)


def test_feed_limit_keeps_nearest_windows(crowd, key, monkeypatch):
    few(monkeypatch, 2, 3)
    starts = [window.starts_at for window in crowd]
    assert [found["DTSTART"].dt for found in vevents(get(token=key))] == starts[3:8]
    assert [found["DTSTART"].dt for found in vevents(get("s0.example"))] == starts[:14:3]
    few(monkeypatch, 1, 2)
    assert [found["DTSTART"].dt for found in vevents(get("s0.example"))] == starts[3:10:3]
    few(monkeypatch, 50, 50)
    assert [found["DTSTART"].dt for found in vevents(get(token=key))] == starts


def test_feed_limit_keeps_window_in_progress(crowd, acme, key, at, monkeypatch):
    few(monkeypatch, 2, 3)
    at(TWO - 90 * DAY)
    windows.schedule([acme], starts_at=TWO - 90 * DAY, ends_at=TWO + 90 * DAY)
    at(ONE)
    summaries = [str(found["SUMMARY"]) for found in vevents(get(token=key))]
    assert summaries.count("Maintenance: acme.example") == 1
    assert len(summaries) == 5


def test_feed_limit_omits_old_date_of_moved_occurrence(crowd, acme, begin, key, at, monkeypatch):
    begun = begin(acme, rule="FREQ=DAILY", length=HOUR)
    moved = begun.windows.get(occurs_on=date(2029, 11, 5))
    windows.move(moved.pk, starts_at=TWO + 40 * DAY, ends_at=TWO + 41 * DAY)
    few(monkeypatch, 2, 12)
    found = [one for one in vevents(get(token=key)) if "acme" in one["SUMMARY"]]
    assert [one["DTSTART"].dt for one in found] == [TWO, TWO + 2 * DAY, TWO + 3 * DAY]


@pytest.mark.parametrize(
    ("message", "read"),
    [
        ("a, b; c: d\\n e \"f\" 'g'", None),
        ("First.\nSecond.\n\n\tThird.", None),
        ("Größe: 10 € \U0001f527\U0001f468\u200d\U0001f692 " * 20, None),
        ("日本語" * 50, None),
        ("x" * 500, None),
        ("BEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR", None),
        (r"Files move to \\NAS01\Nightly; run C:\New\setup.exe", None),
        (r"\n \N \\n \\N \, \; \\", None),
        ("a\r\nb\rc\x0bd\u2028e\x85f", "a\nb\nc\nd\ne\nf"),
        ("a\x00b\x1b[1mc\x7fd", "ab[1mcd"),
    ],
)
def test_any_text_survives_round_trip(message, read):
    told = CalendarEvent(
        uid="x",
        sequence=0,
        changed_at=ONE,
        starts_at=TWO,
        ends_at=FOUR,
        summary=f"Maintenance: acme.example ({message})",
        description=message,
        cancelled=False,
    )
    content = ical.render("Disks, \n and more", (told,))
    assert max(map(len, content.split(b"\r\n"))) <= 75
    assert b"\n" not in content.replace(b"\r\n", b"")
    (found,) = icalendar.Calendar.from_ical(content).walk("VEVENT")
    assert found["DESCRIPTION"] == (read or message)
    assert found["SUMMARY"] == f"Maintenance: acme.example ({read or message})"
    lines = content.decode().replace("\r\n ", "").split("\r\n")
    (description,) = (line for line in lines if line.startswith("DESCRIPTION:"))
    assert unescaped(description.removeprefix("DESCRIPTION:")) == (read or message)


def unescaped(text: str) -> str:
    """Read a TEXT by RFC 5545, section 3.3.11, from left to right."""
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], text)


def test_folding_keeps_escapes_together():
    """Google shows no event where the backslash and its letter are on two lines."""
    events = tuple(
        CalendarEvent(
            uid=f"x{length}",
            sequence=0,
            changed_at=ONE,
            starts_at=TWO,
            ends_at=FOUR,
            summary="Maintenance: acme.example",
            description="m" * length + "\nand, so; on" * 9,
            cancelled=False,
        )
        for length in range(75)
    )
    lines = ical.render("Disks", events).split(b"\r\n")
    assert sum(line.startswith(b"DESCRIPTION:") for line in lines) == len(events)
    assert not [line for line in lines if line.endswith(b"\\")]


def test_feed_address_lifecycle(acme, plan, browser, at):
    plan(acme, title="Disks")
    assert PAGE in browser.get("/admin/maintenance_windows/maintenancewindow/").text
    page = browser.get(PAGE)
    assert (page.status_code, page.context["address"]) == (200, None)
    assert "Revoke URL" not in page.text
    first = browser.post(PAGE, {"renew": "1"})
    address = first.context["address"]
    assert address.startswith("http://testserver/maintenance/calendar.ics?token=")
    assert address in first.text

    def status(address: str) -> int:
        parts = urlsplit(address)
        return Client().get(f"{parts.path}?{parts.query}").status_code

    assert status(address) == 200
    key = address.partition("token=")[2]
    assert key not in browser.get(PAGE).text
    at(ONE + MINUTE)
    second = browser.post(PAGE, {"renew": "1"}).context["address"]
    assert CalendarToken.objects.get().created_at == ONE + MINUTE
    assert (status(address), status(second)) == (404, 200)
    browser.get(f"{PAGE}?revoke=1")
    assert status(second) == 200
    assert "revoked" in messages(browser.post(PAGE, {"revoke": "1"}, follow=True))
    assert status(second) == 404
    assert not CalendarToken.objects.exists()


def test_address_page_requires_view_permission(acme, client):
    client.force_login(User.objects.create_user("carol", is_staff=True))
    for method in (client.get, client.post):
        assert method(PAGE, {"renew": "1"}).status_code == 403
    client.force_login(User.objects.create_user("dave"))
    assert client.get(PAGE).status_code == 302
    assert not CalendarToken.objects.exists()


urlpatterns = [path("admin/", admin.site.urls)]


def test_address_page_requires_url_configuration(browser, settings):
    settings.ROOT_URLCONF = __name__
    answer = browser.post(PAGE, {"renew": "1"})
    assert "Calendars need maintenance_windows.urls in the URLconf." in answer.text
    assert not CalendarToken.objects.exists()


@pytest.mark.parametrize("early", [False, True])
def test_calendars_keep_long_window_that_has_ended(acme, key, at, plan, early):
    window = plan(acme, TWO, TWO + 100 * DAY, level="read_only")
    at(TWO + 99.5 * DAY)
    tick()
    if early:
        windows.end(window.pk)
    at(TWO + 100 * DAY)
    tick()
    assert span(event(get(token=key))) == span(event(get()))
    at(TWO + 189 * DAY)
    assert len(vevents(get(token=key))) == len(vevents(get())) == 1


def test_text_of_cancelled_event_has_its_own_revision(acme, begin, at):
    begun = begin(acme)
    day = date(2030, 3, 31)
    series.skip(begun.pk, day)
    (before,) = (one for one in vevents(get()) if one["DTSTART"].dt.date() == day)
    at(TWO)
    series.revise(begun.pk, message="New disks.")
    (after,) = (one for one in vevents(get()) if one["DTSTART"].dt.date() == day)
    assert after["DESCRIPTION"] == "New disks."
    assert after["LAST-MODIFIED"].dt > before["LAST-MODIFIED"].dt
