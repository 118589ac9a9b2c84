"""The Atom feed: its entries, their ids and times, conditional requests, and RFC 4287."""

import re
from datetime import UTC, date, datetime, time, timedelta
from xml.etree import ElementTree as ET

import icalendar
import pytest

from maintenance_windows.core.state import Level
from maintenance_windows.models import WindowSeries
from maintenance_windows.planning import series, windows
from maintenance_windows.planning.sites import take_down
from maintenance_windows.reconcile.tick import tick
from tests.helpers.times import FOUR, HOUR, MINUTE, SECOND, TWO
from tests.test_outage import outage  # noqa: F401 (a fixture)

FEED = "/maintenance/feed.atom"
DAY = timedelta(days=1)
ATOM = "{http://www.w3.org/2005/Atom}"
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
URN = re.compile(r"urn:uuid:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def text(element: ET.Element, name: str) -> str:
    """The text of an element that is there once."""
    (found,) = element.findall(ATOM + name)
    return found.text or ""


def moment(element: ET.Element, name: str) -> datetime:
    written = text(element, name)
    assert RFC3339.fullmatch(written)
    return datetime.fromisoformat(written).astimezone(UTC)


def read(answer) -> ET.Element:
    """Parse a feed by what RFC 4287 asks of one."""
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = ET.fromstring(answer.content)
    assert feed.tag == f"{ATOM}feed"
    known = {"id", "title", "updated", "author", "link", "entry", "subtitle"}
    assert {child.tag.removeprefix(ATOM) for child in feed} <= known
    assert text(feed.find(f"{ATOM}author"), "name")
    links = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
    assert links == {
        "self": "http://acme.example/maintenance/feed.atom",
        "alternate": "http://acme.example/maintenance/",
    }
    entries = feed.findall(f"{ATOM}entry")
    for one in (feed, *entries):
        assert URN.fullmatch(text(one, "id"))
        assert text(one, "title")
        moment(one, "updated")
    ids = [text(entry, "id") for entry in entries]
    assert len(ids) == len({*ids})
    for entry in entries:
        assert moment(entry, "published") <= moment(entry, "updated")
        assert entry.find(f"{ATOM}link").get("href")
        assert all(one.get("term") for one in entry.findall(f"{ATOM}category"))
    newest = [moment(entry, "updated") for entry in entries]
    assert newest == sorted(newest, reverse=True)
    assert moment(feed, "updated") == max(newest, default=datetime(2000, 1, 1, tzinfo=UTC))
    return feed


@pytest.fixture
def entries(visit):
    """The title, time of change and text of each entry."""

    def entries() -> list[tuple[str, datetime, str]]:
        return [
            (text(one, "title"), moment(one, "updated"), text(one, "summary"))
            for one in read(visit(FEED)).findall(f"{ATOM}entry")
        ]

    return entries


def test_entry_follows_its_window(acme, globex, plan, at, entries):
    at(TWO - 2 * HOUR)
    assert entries() == []
    plan(globex, message="Other.")
    window = plan(acme, message="<b>Disks</b> & https://acme.example", title="Secret.")
    span = "Sunday 4 November 2029, 02:00 to 04:00 UTC"
    link = '<a href="https://acme.example">https://acme.example</a>'
    told = f"<p>&lt;b&gt;Disks&lt;/b&gt; &amp; {link}</p>"  # a summary is HTML
    assert entries() == [(f"Down for maintenance: {span} (scheduled)", TWO - 2 * HOUR, told)]
    at(TWO - HOUR)
    windows.revise(window.pk, message="Disks.", level=Level.READ_ONLY)
    (changed,) = entries()
    title = f"Read-only for maintenance: {span} (scheduled)"
    assert changed == (title, TWO - HOUR, "<p>Disks.</p>")
    for now, status in ((TWO, "in progress"), (FOUR, "completed")):
        at(now)
        assert entries() == [(title.replace("scheduled", status), now, "<p>Disks.</p>")]
    at(FOUR + 30 * DAY)
    assert entries() == []


def test_cancelled_window_says_so(acme, plan, at, entries):
    at(TWO - HOUR)
    window = plan(acme)
    at(TWO - MINUTE)
    windows.cancel(window.pk)
    ((title, updated, told),) = entries()
    assert title.endswith("(cancelled)")
    assert (updated, told) == (TWO - MINUTE, "<p>Duration: 2 hours.</p>")


def test_recurring_window_appears_a_day_ahead(acme, at, entries, visit):
    at(TWO - HOUR)
    template = WindowSeries(
        rule="FREQ=DAILY",
        starts_on=date(2029, 11, 10),
        start_time=time(2),
        zone="UTC",
        length=HOUR,
    )
    (change,) = series.repeat([acme], template)
    first = change.series.windows.earliest("starts_at")
    at(first.starts_at - DAY - SECOND)
    assert entries() == []
    at(first.starts_at - DAY)
    assert [updated for _, updated, _ in entries()] == [first.starts_at - DAY]
    at(first.starts_at)
    assert len(entries()) == 2
    calendar = icalendar.Calendar.from_ical(visit("/maintenance/calendar.ics").content)
    uids = {f"urn:uuid:{event['UID']}" for event in calendar.walk("VEVENT")}
    assert {text(one, "id") for one in read(visit(FEED)).findall(f"{ATOM}entry")} <= uids


def test_entry_stays_when_its_window_is_moved_away(acme, at, entries, visit):
    at(TWO - HOUR)
    template = WindowSeries(
        rule="FREQ=WEEKLY", starts_on=TWO.date(), start_time=time(2), zone="UTC", length=HOUR
    )
    (change,) = series.repeat([acme], template)
    first, second = change.series.windows.order_by("starts_at")[:2]
    ((title, _, _),) = entries()
    before = visit(FEED).headers["Last-Modified"]
    at(TWO - MINUTE)
    windows.move(first.pk, starts_at=TWO + 3 * DAY, ends_at=TWO + 3 * DAY + HOUR)
    windows.move(second.pk, starts_at=TWO + 9 * DAY, ends_at=TWO + 9 * DAY + HOUR)  # unannounced
    ((moved, updated, _),) = entries()
    assert "7 November" in moved != title
    assert updated == TWO - MINUTE
    assert visit(FEED, if_modified_since=before).status_code == 200
    at(TWO + DAY)
    series.revise(change.series.pk, start_time=time(5))
    assert [title for title, _, _ in entries()] == [moved]
    windows.cancel(first.pk)
    ((cancelled, updated, _),) = entries()
    assert cancelled.endswith("(cancelled)")


def test_unchanged_feed_gives_304(acme, plan, at, visit):
    at(TWO - HOUR)
    empty = visit(FEED)
    at(TWO - 30 * MINUTE)
    assert visit(FEED, if_none_match=empty.headers["ETag"]).status_code == 304
    window = plan(acme)
    first = visit(FEED)
    assert first.headers["Last-Modified"] == "Sun, 04 Nov 2029 01:30:00 GMT"
    known = {"if_none_match": first.headers["ETag"]}
    since = {"if_modified_since": first.headers["Last-Modified"]}
    at(TWO - MINUTE)
    for given in (known, since, known | since):
        again = visit(FEED, **given)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["Cache-Control"] == "no-cache"
    windows.extend(window.pk, by=HOUR)
    for given in (known, since):
        assert visit(FEED, **given).status_code == 200
    extended = visit(FEED).headers["Last-Modified"]
    at(TWO)  # the window starts
    assert visit(FEED, if_modified_since=extended).status_code == 200


def test_feed_is_never_down_and_in_one_language(acme, plan, at, visit, settings):
    settings.LANGUAGE_CODE = "de"
    settings.MAINTENANCE_BRAND = {"name": "Acme & Söhne"}
    plan(acme, message="[de] Platten.\n[en] Disks.")
    at(TWO)
    take_down([acme])
    assert visit().status_code == 503
    answers = [visit(FEED, accept_language=language) for language in ("en", "fr")]
    assert answers[0].content == answers[1].content
    assert answers[0].headers["Content-Language"] == "de"
    feed = read(answers[0])
    assert text(feed.find(f"{ATOM}entry"), "summary") == "<p>Platten.</p>"
    assert "Acme & Söhne" in text(feed, "title")
    assert visit(FEED, host="unknown.example").status_code == 404
    assert visit(FEED, method="POST").status_code == 405


def test_any_text_is_well_formed(acme, plan, at, entries):
    plan(acme, message="ab\x1b[1mc ]]> \ufffe <script>&amp; \U0001f527")
    at(TWO - HOUR)
    assert entries()[0][2] == "<p>ab[1mc ]]&gt;  &lt;script&gt;&amp;amp; \U0001f527</p>"


def test_feed_is_bounded(acme, at, visit, django_assert_max_num_queries):
    at(TWO - HOUR)
    for number in range(60):
        start = TWO + number * 2 * DAY
        windows.schedule([acme], starts_at=start, ends_at=start + HOUR)
    with django_assert_max_num_queries(4):
        feed = read(visit(FEED))
    assert len(feed.findall(f"{ATOM}entry")) == 50


def test_feed_is_unavailable_without_database(acme, at, visit, outage):  # noqa: F811
    at(TWO)
    visit(FEED)
    with outage():
        answer = visit(FEED)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")


def test_window_that_nobody_ticks_is_told_right(acme, plan, at, entries):
    window = plan(acme)
    at(FOUR + HOUR)
    late = entries()
    tick(lambda: FOUR + HOUR)
    assert entries() == late
    window.refresh_from_db()
    assert window.ended_at == FOUR
