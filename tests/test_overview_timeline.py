"""The timeline of the overview: bars and their actions, other times, and the list by day."""

import re
from datetime import UTC, date, datetime
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.http import HttpResponse, QueryDict
from django.urls import include, path
from django.utils.translation import override

from maintenance_windows.models import WindowSeries
from maintenance_windows.overview.scale import Scale
from maintenance_windows.planning import freezes, series, windows
from maintenance_windows.planning.sites import take_down
from maintenance_windows.reconcile.tick import tick
from tests.helpers.times import FOUR, HOUR, MINUTE, SECOND, TWO

BOARD = "/admin/maintenance_windows/"
BERLIN = ZoneInfo("Europe/Berlin")
DAY = 24 * HOUR
VERB = "maintenance_windows_maintenancewindow_verb"


def lane(page: str, domain: str) -> str:
    """The timeline of one site."""
    start = page.index(f'<span class="site">{domain}')
    return page[start : page.index("</svg>", start)]


def agenda(page: str) -> list[str]:
    """The headings and lines of the list by day."""
    found = page[page.index('<div class="agenda">') :]
    found = found[: found.index("</div>")]
    parts = re.findall(r"<(?:h3|li|p)[^>]*>(.*?)</(?:h3|li|p)>", found, re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]+>", "", part)).split()) for part in parts]


def links(page: str) -> dict[str, str]:
    """The addresses of the other times, by their text."""
    nav = page[page.index('<nav aria-labelledby="board-timeline">') :]
    found = re.findall(r"<a ([^>]*)>(.*?)</a>", nav[: nav.index("</nav>")], re.DOTALL)
    return {
        (re.findall(r'aria-label="([^"]*)"', attributes) or [text])[0]: unescape(
            re.search(r'href="([^"#]*)#board-timeline"', attributes)[1]
        )
        for attributes, text in found
    }


def test_window_is_linked_bar_with_status(acme, globex, plan, at, browser):
    coming = plan(acme, title="Disks")
    plan(acme, FOUR, FOUR + HOUR, level="read_only")
    over = plan(globex, TWO - HOUR, TWO - 30 * MINUTE)
    off = plan(globex, TWO + 5 * HOUR, TWO + 6 * HOUR)
    windows.cancel(off.pk, clock=lambda: TWO - HOUR)
    at(TWO - 10 * MINUTE)
    page = browser.get(BOARD).text
    acmes, globexs = lane(page, "acme.example"), lane(page, "globex.example")
    assert re.findall(r'class="bar ([^"]*)"', acmes) == ["scheduled full", "scheduled read_only"]
    assert re.findall(r'class="bar ([^"]*)"', globexs) == ["completed full", "cancelled full"]
    label = "acme.example: Sun 4 Nov 02:00\u201304:00 UTC, scheduled, "
    assert re.search(f'aria-label="{label}[^"]*: Disks"', acmes)
    assert f"<title>{label}" in acmes
    assert "<span>Disks</span>" in acmes
    assert "<span>Read-only</span>" in acmes
    for window, where in ((coming, acmes), (over, globexs)):
        assert f"/admin/maintenance_windows/maintenancewindow/{window.pk}/change/" in where
    at(TWO)
    assert 'class="bar active full"' in lane(browser.get(BOARD).text, "acme.example")


def bodies(drawing: str) -> list[tuple[float, float, float]]:
    """Left edge, width and top of each bar."""
    bars = re.findall(r'class="body" x="([\d.]+)%" y="(\d+)" width="([\d.]+)%"', drawing)
    return [(float(left), float(width), float(top)) for left, top, width in bars]


def test_bar_is_as_long_as_its_window(acme, plan, at, browser):
    plan(acme, TWO, TWO + MINUTE)
    plan(acme, TWO + 30 * MINUTE, TWO + 150 * MINUTE)
    plan(acme, TWO + 150 * MINUTE, TWO + 210 * MINUTE)
    drawing = lane(browser.get(BOARD).text, "acme.example")
    minute, two_hours, hour = sorted(bodies(drawing), key=lambda bar: bar[0])
    assert minute[1] == pytest.approx(100 / (36 * 60), abs=0.001)
    assert (two_hours[1], hour[1]) == pytest.approx((200 / 36, 100 / 36), abs=0.001)
    assert two_hours[0] + two_hours[1] == pytest.approx(hour[0], abs=0.002)
    # What can be hit of the short one is not covered; windows that touch may share a row.
    assert minute[2] == hour[2] != two_hours[2]
    assert re.findall(r'class="hit" x="[\d.]+%" y="\d+" width="24" height="26"', drawing)


def test_svg_numbers_ignore_locale(acme, plan, at, browser):
    plan(acme)
    page = browser.get(BOARD, headers={"accept-language": "de"}).text
    assert re.findall(r'(?:x|x1|width)="([^"]*,[^"]*)%"', page) == []
    timeline = re.search(r'<section class="mw-timeline[^>]*>', page)[0]
    assert "data-mirrored" not in timeline
    page = browser.get(BOARD, headers={"accept-language": "ar"}).text
    assert "data-mirrored" in re.search(r'<section class="mw-timeline[^>]*>', page)[0]


def test_free_slot_links_to_add_form(acme, at, browser):
    add = f"/admin/maintenance_windows/maintenancewindow/add/?sites={acme.pk}"
    assert lane(browser.get(BOARD).text, "acme.example").count(add) == 2


def test_add_form_takes_start_and_end_from_link(acme, at, browser):
    times = "starts_at=2029-11-05T02:00:00.000Z&ends_at=2029-11-05T04:30:00.000Z"
    add = "/admin/maintenance_windows/maintenancewindow/add/"
    form = browser.get(f"{add}?sites={acme.pk}&{times}").text
    values = [re.search(rf'name="ends_at_{n}" value="([^"]*)"', form)[1] for n in (0, 1)]
    assert values == ["2029-11-05", "04:30:00"]


@pytest.mark.parametrize("level", ["full", "read_only"])
def test_held_site_has_bar(acme, at, browser, level):
    assert 'class="hold' not in lane(browser.get(BOARD).text, "acme.example")
    take_down([acme], level=level)
    page = browser.get(BOARD).text
    assert f'class="hold {level}"' in lane(page, "acme.example")
    words = {"full": "held", "read_only": "held read-only"}
    assert f"from 01:00 acme.example {words[level]}" in agenda(page)
    assert 'class="hold' not in lane(browser.get(f"{BOARD}?from=2029-11-01").text, "acme.example")


def test_hold_during_window_starts_now(acme, plan, at, browser):
    plan(acme)
    at(TWO + HOUR)
    take_down([acme])
    page = browser.get(BOARD).text
    hold = re.search(r'class="hold full"><rect class="body" x="([^"]*)%"', page)[1]
    assert hold == re.search(r'class="now"[^>]*><line x1="([^"]*)%"', page)[1]


def test_freeze_is_drawn_and_listed(acme, globex, at, browser):
    freezes.freeze([acme], starts_at=FOUR, ends_at=FOUR + HOUR, reason="Launch <1>")
    freezes.freeze(None, starts_at=TWO + DAY, ends_at=FOUR + DAY, reason="Sale")
    page = browser.get(BOARD).text
    acmes = lane(page, "acme.example")
    assert "Freeze, Sun 4 Nov 04:00\u201305:00 UTC: Launch &lt;1&gt;" in acmes
    assert "Launch" not in lane(page, "globex.example")
    assert "Freeze: Sale" in lane(page, "globex.example")
    assert "04:00\u201305:00 acme.example, Launch <1> freeze" in agenda(page)
    assert "02:00\u201304:00 3 sites, Sale freeze" in agenda(page)


def test_bar_has_actual_end_of_window(acme, plan, at, browser):
    window = plan(acme, TWO, TWO + 10 * DAY)
    at(TWO)
    tick()
    windows.end(window.pk, clock=lambda: TWO + HOUR)
    at(TWO + 4 * HOUR)
    assert "bar completed" in lane(browser.get(BOARD).text, "acme.example")
    at(TWO + 6 * HOUR)
    assert "bar completed" not in lane(browser.get(BOARD).text, "acme.example")


def test_many_windows_on_a_day_prefer_latest(acme, plan, at, browser):
    for n in range(120):
        plan(acme, TWO + n * MINUTE, TWO + n * MINUTE + 30 * SECOND)
    at(TWO + 119 * MINUTE)
    drawing = lane(browser.get(BOARD).text, "acme.example")
    assert (drawing.count("bar completed"), drawing.count("bar active")) == (99, 1)


def test_many_windows_of_a_week_are_counted(acme, plan, at, browser):
    for n in range(9):
        plan(acme, TWO + DAY + n * MINUTE, FOUR + DAY)
    plan(acme, TWO + 2 * DAY, FOUR + 2 * DAY)
    page = browser.get(f"{BOARD}?days=7&q=acme").text
    drawing = lane(page, "acme.example")
    assert drawing.count('class="bar') == 5
    count = re.search(r'class="count" href="([^"#]*)#[^"]*".*?<text[^>]*>(.*?)</text>', drawing)
    assert count[2] == "+5"
    shown = browser.get(BOARD + unescape(count[1])).text
    assert lane(shown, "acme.example").count('class="bar') == 10
    assert len(agenda(page)) == 12  # two days, ten windows


def repeat_daily(site) -> None:
    first = {"starts_on": date(2029, 11, 5), "start_time": TWO.time(), "zone": "UTC"}
    template = WindowSeries(rule="FREQ=DAILY", length=HOUR, title="Nightly", **first)
    series.repeat([site], template)


# Other times


def axis(query: str, now: datetime = TWO, zone=UTC):
    return Scale.read(QueryDict(query), now, zone).axis()


def test_default_is_a_night_around_now():
    shown = axis("", TWO + 59 * MINUTE)
    assert (shown.start, shown.end) == (TWO - 4 * HOUR, TWO + 32 * HOUR)
    kolkata = ZoneInfo("Asia/Kolkata")  # 02:00 is 07:30 there
    assert axis("", TWO, kolkata).start == TWO - 4 * HOUR - 30 * MINUTE


@pytest.mark.parametrize(
    ("query", "hours"),
    [
        ("from=2029-11-04", 36),
        ("from=2029-10-28", 37),  # the day of 25 hours
        ("from=2029-03-25", 35),
        ("from=2029-10-24&days=7", 7 * 24 + 1),
        ("from=2029-03-24&days=7", 7 * 24 - 1),
        ("days=31", 31 * 24),
    ],
)
def test_axis_follows_days_of_the_zone(query, hours):
    shown = axis(query, TWO, BERLIN)
    assert (shown.end - shown.start) / HOUR == hours
    assert f"{shown.start.astimezone(BERLIN):%H:%M}" == "00:00"


@pytest.mark.parametrize(
    "query",
    [
        "from=",
        "from=soon",
        "from=9999-12-31",
        "from=0001-01-01",
        "from=2029-02-30",
        "from=%00",
        "days=2",
        "days=-1",
    ],
)
def test_nonsense_in_link_is_ignored(acme, at, browser, query):
    page = browser.get(f"{BOARD}?{query}")
    assert page.context["timeline"]["first"] == TWO - 5 * HOUR
    assert page.context["timeline"]["line"] is not None


def test_ticks_name_hours_that_exist():
    """On the day of 23 hours 02:00 is skipped; every hour has a line."""
    shown = Scale.read(QueryDict("from=2029-03-25"), TWO, BERLIN)
    labels = [tick.label for tick in shown.minor(shown.axis())]
    assert labels[:5] == ["00:00", "03:00", "06:00", "09:00", "12:00"]
    assert shown.minor(shown.axis())[1].at == pytest.approx(2 / 35 * 100, abs=0.001)
    assert len(shown.lines(shown.axis())) == 34


def test_ticks_of_week_and_month():
    week = Scale.read(QueryDict("from=2029-11-05&days=7"), TWO, UTC)
    assert [tick.label for tick in week.major(week.axis())][:2] == ["Mon 5 Nov", "Tue 6 Nov"]
    assert [tick.label for tick in week.minor(week.axis())][:4] == ["00", "06", "12", "18"]
    month = Scale.read(QueryDict("from=2029-11-05&days=31"), TWO, UTC)
    assert month.major(month.axis())[0].label == "Sun 11 Nov"
    with override("de"):
        assert len(month.major(month.axis())) == 5  # weeks start on Monday
    assert [tick.label for tick in month.minor(month.axis())][:2] == ["5", "6"]
    assert not month.nights(month.axis())
    assert len(month.weekends(month.axis())) == 8


def test_pages_follow_each_other_without_a_gap():
    for query in ("", "from=2029-11-04", "days=7", "days=31&from=2029-10-20"):
        shown = Scale.read(QueryDict(query), TWO, BERLIN)
        days = QueryDict(query).get("days", "1")
        later = axis(f"from={shown.later()}&days={days}", TWO, BERLIN)
        earlier = axis(f"from={shown.earlier()}&days={days}", TWO, BERLIN)
        assert later.start <= shown.axis().end < later.end
        assert earlier.start < shown.axis().start <= earlier.end


def test_links_move_and_keep_all_else(acme, at, browser):
    found = links(browser.get(f"{BOARD}?q=acme&busy=1&days=7&from=2029-11-05").text)
    kept = "q=acme&busy=1&days=7"
    assert found["Earlier"] == f"?{kept}&from=2029-10-29"
    assert found["Later"] == f"?{kept}&from=2029-11-12"
    assert found["Today"] == f"?{kept}"
    assert found["Day"] == "?q=acme&busy=1&from=2029-11-05"
    assert found["Month"] == "?q=acme&busy=1&from=2029-11-05&days=31"
    assert found["List"] == f"?{kept}&from=2029-11-05&view=list"


def test_other_times_show_windows_of_then(acme, plan, at, browser):
    plan(acme, TWO + 20 * DAY, FOUR + 20 * DAY)
    assert 'class="bar' not in browser.get(BOARD).text
    page = browser.get(f"{BOARD}?from=2029-11-24")
    assert 'class="bar scheduled full"' in page.text
    assert page.context["timeline"]["line"] is None
    assert 'class="now"' not in page.text.partition("board-timeline-end")[0]
    assert 'class="bar' in browser.get(f"{BOARD}?days=31").text


def test_month_needs_no_more_queries(acme, globex, at, browser, django_assert_max_num_queries):
    for site in (acme, globex):
        repeat_daily(site)
    with django_assert_max_num_queries(20):
        browser.get(f"{BOARD}?days=31")


# The list by day


def test_list_has_windows_by_day(acme, globex, plan, at, browser):
    plan(acme, TWO, FOUR, title="Disk swap")
    plan(globex, TWO + 20 * HOUR, TWO + 26 * HOUR, level="read_only")
    page = browser.get(BOARD).text
    assert agenda(page) == [
        "Sun 4 Nov",
        "02:00\u201304:00 acme.example, Disk swap scheduled",
        "22:00 \u2013 Mon 5 Nov 04:00 globex.example scheduled, Read-only",
    ]
    assert agenda(browser.get(f"{BOARD}?from=2029-11-05&q=globex").text)[1].startswith(
        "Sun 4 Nov 22:00 \u2013 04:00 globex.example"
    )
    assert agenda(browser.get(f"{BOARD}?from=2029-10-05").text) == ["No windows in these days."]


def test_list_folds_recurring_window(acme, at, browser):
    repeat_daily(acme)
    assert agenda(browser.get(f"{BOARD}?days=7").text) == [
        "Mon 5 Nov",
        "02:00\u201303:00 acme.example, Nightly scheduled, ↻ and 5 more",
    ]


def test_list_is_a_choice(acme, at, browser):
    assert 'class="mw-timeline"' in browser.get(BOARD).text
    page = browser.get(f"{BOARD}?view=list").text
    assert 'class="mw-timeline as-list"' in page
    assert 'class="lanes"' not in page


# Actions


def buttons(page: str) -> set[str]:
    popover = page.partition('<div class="mw-popover"')[2].partition("</form>")[0]
    return set(re.findall(r"<(?:a|button)[^>]*>(.*?)</", popover))


def verb(request, pk):
    return HttpResponse()


# As the admin is where a window's page has verbs.
with_verbs = [
    path("maintenance_windows/maintenancewindow/<int:pk>/verb/", verb, name=VERB),
    *admin.site.get_urls(),
]
urlpatterns = [path("admin/", include((with_verbs, "admin"), namespace="admin"))]


def test_popover_offers_verbs_where_window_page_has_them(acme, at, browser, settings, client):
    settings.ROOT_URLCONF = __name__
    all_verbs = {"Extend by 30 min", "Cancel window"}
    assert buttons(browser.get(BOARD).text) == {"Open", "Plan again"} | all_verbs
    viewer(client)
    assert buttons(client.get(BOARD).text) == {"Open"}


def test_viewer_is_offered_no_action(acme, at, client):
    viewer(client)
    page = client.get(BOARD).text
    assert buttons(page) == {"Open"}
    assert "Click or drag" not in page


def viewer(client) -> None:
    """Log in somebody who may only look."""
    vera = User.objects.create_user("vera", is_staff=True)
    vera.user_permissions.add(Permission.objects.get(codename="view_maintenancewindow"))
    client.force_login(vera)
