"""The status page: recurring windows, what was, the brand, and the reader's time zone."""

import re
from datetime import date, time, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.sites.models import Site
from django.test import Client

from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.planning import series, windows
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.reconcile.tick import tick
from maintenance_windows.snapshot import runtime
from tests.helpers.browsing import chromium
from tests.helpers.tabs import Answer, tabs
from tests.helpers.times import FOUR, HOUR, TWO

PAGE = "/maintenance/"
URL = f"https://acme.example{PAGE}"
DAY = timedelta(days=1)
CANARY = "canary-4711"
BRAND = {
    "name": "<Acme>",
    "logo": "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E",
    "accent": "#e2007a",
    "home": "https://www.acme.example/",
    "contact": "help@acme.example",
}


def begin(site: Site, **values: object) -> WindowSeries:
    """A recurring window, by default each night in Berlin, read-only."""
    template = WindowSeries(
        **{
            "rule": "FREQ=DAILY",
            "starts_on": date(2029, 10, 1),
            "start_time": time(4),
            "zone": "Europe/Berlin",
            "length": HOUR / 2,
            "level": "read_only",
            **values,
        }
    )
    (change,) = series.repeat([site], template)
    return change.series


def entries(text: str) -> list[str]:
    """The words of each entry of the lists."""
    found = re.findall(r'<li class="entry".*?</li>', text, re.DOTALL)
    words = (re.sub(r"<[^>]*\bhidden>.*?</\w+>|<[^>]+>", " ", one) for one in found)
    return [" ".join(one.split()) for one in words]


def test_recurring_window_is_one_line(acme, at, visit, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    at(TWO - HOUR)
    begun = begin(acme)
    assert entries(visit(PAGE).text) == [
        "Every day 4 a.m. \u2013 4:30 a.m. Read-only Next: Sunday, November 4, 4 a.m."
    ]
    moved = begun.windows.get(occurs_on=date(2029, 11, 6))
    windows.move(moved.pk, starts_at=TWO + 2 * DAY, ends_at=TWO + 2 * DAY + HOUR)
    windows.cancel(begun.windows.get(occurs_on=date(2029, 11, 4)).pk)
    assert entries(visit(PAGE).text) == [
        "Tuesday, November 6 3 a.m. \u2013 4 a.m. Read-only",
        "Every day 4 a.m. \u2013 4:30 a.m. Read-only Next: Monday, November 5, 4 a.m.",
    ]


def test_recurring_windows_that_adjoin_are_one_outage(acme, at, visit):
    at(TWO - HOUR)
    begin(acme, zone="UTC")
    begin(acme, zone="UTC", start_time=time(4, 30), level="full")
    windows.schedule([acme], starts_at=TWO + DAY, ends_at=FOUR + DAY)
    assert entries(visit(PAGE).text) == [
        "Monday, November 5 2 a.m. \u2013 4 a.m. Down 4 a.m. \u2013 4:30 a.m. Read-only "
        "4:30 a.m. \u2013 5 a.m. Down",
        "Every day 4 a.m. \u2013 4:30 a.m. Read-only 4:30 a.m. \u2013 5 a.m. Down "
        "Next: Sunday, November 4, 4 a.m.",
    ]


def test_days_of_a_rule_are_those_of_its_zone(acme, at, visit, settings):
    settings.TIME_ZONE = "America/New_York"
    at(TWO - HOUR)
    begin(acme, rule="FREQ=WEEKLY;BYDAY=MO", start_time=time(0, 30))
    begin(acme, rule="FREQ=WEEKLY;BYDAY=TU", start_time=time(12))
    assert entries(visit(PAGE).text) == [
        "Every week on Monday 12:30 a.m. \u2013 1 a.m. Read-only Time zone: Europe/Berlin "
        "Next: Sunday, November 4, 6:30 p.m.",
        "Every week on Tuesday 6 a.m. \u2013 6:30 a.m. Read-only Next: Tuesday, November 6, 6 a.m.",
    ]


def test_rule_written_with_sql_does_not_break_page(acme, at, visit):
    at(TWO - HOUR)
    begun = begin(acme, zone="UTC", length=HOUR)
    WindowSeries.objects.filter(pk=begun.pk).update(zone="Europe/Atlantis")
    found = entries(visit(PAGE).text)
    assert found[0].startswith("Sunday, November 4 4 a.m. \u2013 5 a.m. Read-only")


def test_history_shows_past_outages_if_the_project_wants(acme, globex, plan, at, visit, settings):
    settings.MAINTENANCE_BRAND = {"name": "Acme"}
    at(TWO - HOUR)
    plan(acme, message="Disks.", title=CANARY, level="read_only")
    plan(acme, FOUR, FOUR + HOUR, title=CANARY)
    plan(globex)
    windows.cancel(plan(acme, FOUR + 2 * HOUR, FOUR + 3 * HOUR).pk)
    MaintenanceWindow.objects.update(created_by=CANARY)
    at(FOUR + 4 * HOUR)
    tick()
    take_down([acme], message=CANARY, actor=CANARY)
    at(FOUR + 5 * HOUR)
    bring_up([acme], actor=CANARY)
    at(FOUR + 6 * HOUR)
    take_down([acme], actor=CANARY)  # the present one is none of the past
    runtime.publish()
    assert "Last 30 days" not in visit(PAGE).text
    settings.MAINTENANCE_PUBLIC_HISTORY = True
    page = visit(PAGE).text
    assert entries(page) == [
        "Sunday, November 4 8 a.m. \u2013 9 a.m. Maintenance",
        "2 a.m. \u2013 5 a.m. Down Disks.",
    ]
    assert CANARY not in page
    at(FOUR + HOUR + 30 * DAY)
    assert entries(visit(PAGE).text)[0].startswith("Sunday, November 4 8 a.m.")
    assert len(entries(visit(PAGE).text)) == 1


def test_history_knows_windows_that_nobody_ticks(acme, plan, at, visit, settings):
    settings.MAINTENANCE_PUBLIC_HISTORY = True
    plan(acme, level="read_only")
    at(FOUR)
    found = ["Sunday, November 4 2 a.m. \u2013 4 a.m. Read-only"]
    assert entries(visit(PAGE).text) == found
    tick()
    assert entries(visit(PAGE).text) == found
    at(FOUR + 30 * DAY)
    assert "There was no maintenance." in visit(PAGE).text


def test_page_has_the_brand(acme, at, visit, settings):
    settings.MAINTENANCE_BRAND = BRAND
    at(TWO)
    take_down([acme])
    page = visit(PAGE)
    for part in (
        "&lt;Acme&gt; is down</h1>",
        '<a href="https://www.acme.example/"><img src="data:image/svg',
        "--accent: #e2007a; --on: #fff;",
        '<a href="mailto:help@acme.example">help@acme.example</a>',
        '<a class="button" href="/maintenance/calendar.ics">Add to calendar</a>',
        '<a href="/maintenance/feed.atom">Atom feed</a>',
    ):
        assert part in page.text
    assert "<Acme>" not in page.text
    assert "img-src data:;" in page.headers["Content-Security-Policy"]


def ask(path: str = PAGE, language: str = "en") -> Answer:
    headers = {"host": "acme.example", "accept-language": language}
    answer = Client().get(path, headers=headers, secure=True)
    return answer.status_code, dict(answer.headers), answer.text


@pytest.mark.slow
def test_month_of_windows_fits_three_screens_of_a_phone(acme, globex, at, settings):
    """As a recurring window it is one line, and one by one they fit, too."""
    settings.TIME_ZONE = "Europe/Berlin"
    at(TWO - HOUR)
    begin(acme)
    found = [ask()]
    WindowSeries.objects.all().delete()
    runtime.publish()
    found.append(ask())
    assert "Every day" in found[0][2]
    assert found[1][2].count('class="entry"') == 30
    with chromium() as browser, tabs(browser) as open_tab:
        for answer, screens in zip(found, (1, 3), strict=True):
            size = {"width": 390, "height": 844}
            page = open_tab(answer, URL, now=TWO - HOUR, viewport=size).page
            height = page.evaluate("document.documentElement.scrollHeight")
            assert height <= screens * 844
            assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.slow
def test_page_is_in_zone_of_reader_and_follows_changes(acme, plan, at, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    settings.MAINTENANCE_PUBLIC_HISTORY = True
    at(TWO - HOUR)
    begin(acme)
    begin(acme, rule="FREQ=WEEKLY;BYDAY=MO", start_time=time(0, 30))
    plan(acme, TWO + 12 * HOUR, TWO + 13 * HOUR)
    plan(acme, TWO + 20 * HOUR, TWO + 21 * HOUR)
    before = ask()
    at(TWO + 12 * HOUR)
    runtime.publish()
    after = ask()

    def words(page, part: str) -> list[str]:
        shown = [one.inner_text() for one in page.locator(part).all() if one.is_visible()]
        return [" ".join(one.split()) for one in shown]

    with chromium() as browser, tabs(browser) as open_tab:
        tab = open_tab(before, URL, now=TWO - HOUR)
        page = tab.page
        assert words(page, ".zones, .in") == [
            "Time zone: America/New_York",
            "Time zone: Europe/Berlin",
        ]
        assert words(page, ".entry .when") == [
            "9:00 \u2013 10:00 AM Down",
            "5:00 \u2013 6:00 PM Down",
            "11:00 \u2013 11:30 PM Read-only",  # a daily one is daily everywhere
            "12:30 \u2013 1:00 AM Read-only",  # Monday in Berlin
        ]
        assert words(page, ".day") == ["Sunday, November 4"]
        assert words(page, ".next:not(.in)") == [
            "Next: Saturday, November 3 at 11:00 PM",
            "Next: Sunday, November 4 at 6:30 PM",
        ]
        tab.answer = after
        tab.wait(80)
        assert words(page, "h1") == ["acme.example is down until Sunday, November 4 at 10:00 AM"]
        assert words(page, ".zones") == ["Time zone: America/New_York"]
        assert Axe().run(page).violations_count == 0
        assert tab.said == []
