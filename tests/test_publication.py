"""A window that is not public yet: nothing public names it, and it takes place all the same."""

from datetime import date, datetime, time, timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.template import engines

from maintenance_windows.core.state import Level
from maintenance_windows.exceptions import Refused
from maintenance_windows.models import CalendarToken, MaintenanceWindow, WindowSeries
from maintenance_windows.planning import series, windows
from maintenance_windows.reconcile.tick import tick
from maintenance_windows.requests import get_maintenance, get_upcoming_maintenance
from maintenance_windows.snapshot import runtime
from tests.helpers.pages import Filled
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO
from tests.helpers.waiting import until

DAY = timedelta(days=1)
CANARY = "canary-4711"
PATHS = [
    "/maintenance/",
    "/maintenance/status.json",
    "/maintenance/calendar.ics",
    "/maintenance/feed.atom",
]
BANNER = "{% load maintenance %}{% maintenance_banner %}"


@pytest.fixture
def told(acme, visit, rf):
    """Everything that visitors of the site are told now: pages with headers, banner, functions."""

    def told() -> dict[str, str]:
        runtime.publish()
        request = rf.get("/", headers={"host": "acme.example"})
        banner = engines["django"].from_string(BANNER).render({}, request)
        soon, now = get_upcoming_maintenance(request), get_maintenance(request)
        answers = {path: visit(path, accept_language="en") for path in ("/", *PATHS)}
        texts = {path: f"{one.headers} {one.text}" for path, one in answers.items()}
        return texts | {"banner": banner, "soon": repr(soon), "now": repr(now)}

    return told


def daily(site, **values) -> WindowSeries:
    template = WindowSeries(
        **{
            "rule": "FREQ=DAILY",
            "starts_on": date(2029, 11, 5),
            "start_time": time(3, 33),
            "zone": "UTC",
            "length": HOUR,
            "message": CANARY,
            **values,
        }
    )
    (change,) = series.repeat([site], template)
    return change.series


def who_names(told: dict[str, str], *texts: str) -> set[str]:
    return {name for name, text in told.items() if any(one in text for one in texts)}


def test_nothing_public_names_window_before_its_time(acme, plan, at, told):
    at(TWO - HOUR)
    plan(
        acme,
        TWO + 7 * MINUTE,
        FOUR + 7 * MINUTE,
        message=CANARY,
        title=CANARY,
        published_at=TWO - 30 * MINUTE,
        banner_lead=DAY,
    )
    times = ("02:07", "0207", "2:07", "04:07", "0407", "4:07", CANARY)
    assert not who_names(told(), *times)
    at(TWO - 30 * MINUTE)
    everything = {*PATHS, "banner", "soon"}
    assert who_names(told(), CANARY) == everything
    assert who_names(told(), "02:07", "020700Z", "2:07", "datetime(2029, 11, 4, 2, 7") == everything


def test_unpublished_window_takes_place_and_is_public_from_its_start(acme, plan, at, told, visit):
    at(TWO - HOUR)
    plan(acme, message=CANARY, published_at=TWO + DAY)
    at(TWO - MINUTE)
    assert not who_names(told(), CANARY, "02:00:00")
    at(TWO)
    answer = visit()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7200")
    assert who_names(told(), CANARY) == {"/", *PATHS, "banner", "now"}
    tick(lambda: FOUR)
    at(FOUR)
    assert who_names(told(), CANARY) == {*PATHS[2:]}  # the calendar and the feed keep what was


def test_unpublished_series_is_public_from_its_time(acme, at, told):
    at(TWO - HOUR)
    begun = daily(acme, title=CANARY, published_at=TWO)
    assert not who_names(told(), CANARY, "03:33", "0333", "3:33")
    series.skip(begun.pk, date(2029, 11, 7))
    windows.cancel(begun.windows.get(occurs_on=date(2029, 11, 8)).pk)
    series.revise(begun.pk, starts_on=date(2029, 11, 6))
    assert not who_names(told(), CANARY, "03:33", "0333", "3:33", "ancelled")
    at(TWO)
    until(lambda: "Every day" in told()["/maintenance/"])  # a busy database is not waited for
    texts = told()
    assert "20291106T033300Z" in texts["/maintenance/calendar.ics"]
    # What was dropped before is not told of as cancelled.
    dropped = [f"202911{day}T033300Z" for day in ("05", "07", "08")]
    assert not who_names(texts, "ancelled", *dropped)


def test_occurrence_that_is_public_earlier_does_not_name_its_series(acme, at, told):
    at(TWO - HOUR)
    begun = daily(acme, published_at=TWO + 9 * DAY)
    windows.revise(begun.windows.get(occurs_on=date(2029, 11, 6)).pk, published_at=None)
    page = told()["/maintenance/"]
    assert "Tuesday, November 6" in page
    assert not who_names({"page": page}, "Every day", "November 5", "November 7")


def test_unpublished_part_of_outage_is_not_announced(acme, plan, at, told, visit):
    """It counts for the end, which Retry-After keeps true."""
    at(TWO - HOUR)
    plan(acme, level=Level.READ_ONLY)
    plan(acme, FOUR - HOUR, FOUR + HOUR, message=CANARY, published_at=TWO + DAY)
    assert not who_names(told(), CANARY, "05:00:00")
    at(TWO)
    assert not who_names(told(), CANARY, "full-from", "03:00:00")
    assert visit(method="POST").headers["Retry-After"] == "10800"
    at(FOUR - HOUR)
    assert who_names(told(), CANARY) == {"/", *PATHS, "banner", "now"}


def test_staff_see_unpublished_windows(acme, plan, browser, alice):
    plan(acme, title=CANARY, published_at=TWO)
    key = CalendarToken.renew(alice)
    assert CANARY in browser.get("/maintenance/calendar.ics", {"token": key}).text
    assert CANARY in browser.get("/admin/maintenance_windows/maintenancewindow/").text


def test_public_window_cannot_be_hidden_again(acme, plan, at):
    at(TWO - HOUR)
    window = plan(acme)
    with pytest.raises(Refused, match="public already"):
        windows.revise(window.pk, published_at=TWO)
    begun = daily(acme)
    with pytest.raises(Refused, match="public already"):
        series.revise(begun.pk, published_at=TWO)


def test_publication_moves_and_is_never_dated_back(acme, plan, at):
    at(TWO - HOUR)
    window = plan(acme, published_at=TWO - MINUTE)
    begun = daily(acme, published_at=TWO + DAY)
    at(TWO - 50 * MINUTE)
    later = TWO - 30 * MINUTE
    assert windows.revise(window.pk, published_at=later).published_at == later
    assert windows.revise(window.pk, published_at=None).published_at == TWO - 50 * MINUTE
    series.revise(begun.pk, published_at=None)
    assert {one.published_at for one in begun.windows.all()} == {TWO - 50 * MINUTE}
    assert plan(acme, published_at=TWO - 3 * HOUR).published_at is None


def test_publication_changes_no_event(acme, plan, at, visit):
    """Staff have subscribed to events that are not public: nothing of them changes."""
    at(TWO - HOUR)
    window = plan(acme, published_at=TWO - 30 * MINUTE)
    before = MaintenanceWindow.objects.get(pk=window.pk)
    after = windows.revise(window.pk, published_at=None, banner_lead=DAY)
    assert (after.sequence, after.changed_at) == (before.sequence, before.changed_at)
    (change,) = window.changes_made.all()
    assert change.changes.keys() == {"published_at", "banner_lead"}


@pytest.mark.parametrize(
    ("lead", "begins"),
    [(timedelta(0), TWO), (None, TWO - HOUR), (3 * DAY, TWO - 3 * DAY), (MINUTE, TWO - MINUTE)],
)
def test_lead_of_window_sets_when_banner_appears(acme, globex, plan, at, rf, lead, begins):
    at(TWO - 8 * DAY)
    windows.schedule([acme, globex], starts_at=TWO, ends_at=FOUR, banner_lead=lead)
    windows.schedule([acme], starts_at=TWO + 12 * HOUR, ends_at=TWO + 13 * HOUR)
    request = rf.get("/", headers={"host": "acme.example"})

    def soon(now: datetime) -> datetime | None:
        at(now)
        runtime.publish()
        found = get_upcoming_maintenance(request)
        return found and found.since

    if lead != timedelta(0):
        assert soon(begins) == TWO
    assert soon(begins - timedelta(seconds=1)) is None


def test_outage_is_announced_with_the_longest_lead_of_its_windows(acme, at, rf):
    at(TWO - 3 * DAY)
    for starts_at, ends_at, lead in (
        (TWO - DAY, TWO - DAY + HOUR, None),
        (TWO, FOUR, None),
        (FOUR, FOUR + HOUR, 7 * DAY),  # one outage with the one before
    ):
        windows.schedule([acme], starts_at=starts_at, ends_at=ends_at, banner_lead=lead)
    runtime.publish()
    request = rf.get("/", headers={"host": "acme.example"})
    found = get_upcoming_maintenance(request)
    assert (found.since, found.until) == (TWO, FOUR + HOUR)
    at(TWO - DAY - MINUTE)
    runtime.publish()
    assert get_upcoming_maintenance(request).since == TWO - DAY


@pytest.mark.parametrize("lead", [timedelta(seconds=-1), 7 * DAY + MINUTE])
def test_impossible_lead_is_refused(acme, plan, at, lead):
    at(TWO - HOUR)
    with pytest.raises(Refused, match="at most 7 days"):
        plan(acme, banner_lead=lead)
    with pytest.raises(Refused, match="at most 7 days"):
        daily(acme, banner_lead=lead)
    assert not MaintenanceWindow.objects.exists()


@pytest.mark.parametrize("lead", [timedelta(seconds=-1), 8 * DAY])
def test_database_keeps_no_impossible_lead(acme, plan, at, lead):
    at(TWO - HOUR)
    window = plan(acme)
    with pytest.raises(IntegrityError), transaction.atomic():
        MaintenanceWindow.objects.filter(pk=window.pk).update(banner_lead=lead)


ADD = "/admin/maintenance_windows/maintenancewindow/add/"


def test_forms_set_and_show_publication(acme, browser, settings):
    form = {"sites": [acme.pk], "zone": "Europe/Berlin", "level": "full", "length": "1h"}
    form |= {"starts_at_0": "2029-11-06", "starts_at_1": "02:00"}
    form |= {"published_at_0": "2029-11-05", "published_at_1": "09:00", "banner_lead": "2d"}
    browser.post(ADD, form)
    window = MaintenanceWindow.objects.get()
    assert window.published_at == datetime(2029, 11, 5, 8, tzinfo=TWO.tzinfo)
    assert window.banner_lead == 2 * DAY
    url = f"/admin/maintenance_windows/maintenancewindow/{window.pk}/change/"
    shown = Filled(browser.get(url).text).fields
    assert (shown["published_at_0"], shown["published_at_1"]) == ("2029-11-05", "08:00:00")
    assert shown["banner_lead"] == "2d"
    browser.post(url, shown | {"published_at_0": "", "published_at_1": "", "banner_lead": "0"})
    window.refresh_from_db()
    assert (window.published_at, window.banner_lead) == (TWO - HOUR, timedelta(0))
    shown = Filled(browser.get(url).text).fields
    assert shown["banner_lead"] == "0"
    refused = browser.post(url, shown | {"published_at_0": "2029-11-05", "banner_lead": "8d"}).text
    assert "This window is public already" in refused
    assert "at most 7 days" in refused
    assert "public from" in browser.get(url.replace("change", "history")).text.lower()


def test_form_of_series_sets_publication(acme, browser):
    add = "/admin/maintenance_windows/windowseries/add/"
    form = {
        "site": acme.pk,
        "every": "1",
        "level": "full",
        "starts_on": "2029-11-06",
        "start_time": "02:00",
        "zone": "UTC",
        "length": "1h",
        "unit": "DAILY",
        "published_at_0": "2029-11-05",
        "published_at_1": "09:00",
        "banner_lead": "1d",
    }
    browser.post(add, form)
    made = WindowSeries.objects.get()
    assert made.published_at == datetime(2029, 11, 5, 9, tzinfo=TWO.tzinfo)
    window = made.windows.first()
    assert (window.published_at, window.banner_lead) == (made.published_at, DAY)


def test_shell_sets_publication(acme, at):
    at(TWO - HOUR)
    publish = ["--publish", "2029-11-04T01:30"]
    start = ["--start", "2029-11-05T02:00", "--for", "1h"]
    call_command("maintenance", "schedule", "acme.example", *start, *publish)
    rule = ["--rule", "FREQ=DAILY;COUNT=2", "--zone", "UTC"]
    call_command("maintenance", "repeat", "acme.example", *rule, *start, *publish)
    found = MaintenanceWindow.objects.values_list("published_at", flat=True)
    assert set(found) == {TWO - 30 * MINUTE}
    assert found.count() == 3
