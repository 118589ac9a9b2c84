"""The admin's pages, requested in turn."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from http import HTTPStatus
from threading import current_thread
from time import perf_counter
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.contrib.sites.models import Site
from django.db import connections
from django.db.backends.signals import connection_created
from django.test import Client
from django.utils import timezone

from maintenance_windows.models import CalendarToken, WindowSeries
from tests.benchmarks.admin import history
from tests.helpers.pages import times

APP = "/admin/maintenance_windows"
WINDOWS, SITES = f"{APP}/maintenancewindow", f"{APP}/sitemaintenance"
SERIES, TRANSITIONS = f"{APP}/windowseries", f"{APP}/transition"
AUTOCOMPLETE = "/admin/autocomplete/?app_label=maintenance_windows&field_name=site&model_name="
LINK = re.compile(r'href="(\?[^"]*)"')
DATE = re.compile(r"\?(&?\w+__(year|month|day)=\d+)+")
NUMBER = re.compile(r"\b(p|\w+__(?:year|month|day))=\d+")
# Filters, dates and words at once.
TOGETHER = {
    "windows": (
        "level__exact=read_only&status=completed",
        "level__exact=read_only&series__isempty=0",
        "q=disks&level__exact=read_only",
        "q=disks&starts_at__year=2025",
        "starts_at__month=3&starts_at__year=2025&status=cancelled",
    ),
    "transitions": ("q=alice&in_maintenance__exact=1", "done_at__year=2025&q=s4711"),
}
GOOD = {HTTPStatus.OK, HTTPStatus.FOUND}

DAY = timedelta(days=1)
SLOW = 2000  # milliseconds: a slower page is not repeated

executed: list[str] = []  # statements, by all threads


@dataclass(frozen=True, slots=True)
class Page:
    name: str
    path: str
    data: Mapping[str, Any] | None = None  # what is posted


class Answer(NamedTuple):
    """The cost of a page: statements, and milliseconds of the first and the best time."""

    page: str
    queries: int
    cold: float
    best: float


class Reader:
    """A client that requests pages and counts their statements."""

    def __init__(self, username: str, host: str, times: int) -> None:
        self.times = times
        self.client = Client(headers={"host": host})
        self.client.force_login(User.objects.get(username=username))
        self.text = ""

    def answer(self, page: Page) -> Answer:
        executed.clear()
        cold = self.milliseconds(page)
        queries = len(executed)
        more = 0 if cold > SLOW else self.times
        best = min([cold, *(self.milliseconds(page) for _ in range(more))])
        return Answer(page.name, queries, cold, best)

    def milliseconds(self, page: Page) -> float:
        begun = perf_counter()
        if page.data is None:
            response = self.client.get(page.path, secure=True)
        else:
            response = self.client.post(page.path, page.data, secure=True)
        took = 1000 * (perf_counter() - begun)
        if response.status_code not in GOOD or "?e=1" in response.headers.get("Location", ""):
            raise SystemExit(f"{page.name}: {page.path}: {response.status_code}")
        self.text = response.text
        return took


def count_on(connection: Any, **_: Any) -> None:
    if count not in connection.execute_wrappers:  # it may have been closed meanwhile
        connection.execute_wrappers.append(count)


def count(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
    if current_thread().name != "maintenance-windows":
        executed.append(sql)
    return execute(sql, *args)


def answers(times: int) -> Iterator[Answer]:
    connection_created.connect(count_on)  # of each thread
    connections.close_all()
    host = Site.objects.order_by("pk")[1].domain
    alice = Reader("alice", host, times)
    for page in [*board(), *lists()]:
        yield from followed(alice, page)
    for page in [*forms(), *histories(), *others()]:
        yield alice.answer(page)
    for username in ("planner", "viewer"):
        reader = Reader(username, host, times)
        for page in (Page("board", f"{APP}/"), Page("windows", f"{WINDOWS}/")):
            yield reader.answer(Page(f"{page.name}, as {username}", page.path))


def followed(reader: Reader, page: Page) -> Iterator[Answer]:
    """A list and the pages it links to: filters, orders, pages and dates, down to one day."""
    yield reader.answer(page)
    path, _, query = page.path.partition("?")
    # Years, months and days are like others of their kind, and so are pages: the last of each.
    links = {NUMBER.sub(r"\1", link): unescape(link) for link in LINK.findall(reader.text)}
    for link in links.values():
        is_deeper = DATE.fullmatch(link) and link.count("=") > query.count("=")
        if is_deeper if query else link != "?":
            yield from followed(reader, Page(f"{page.name.partition(' ')[0]} {link}", path + link))


def board() -> Iterator[Page]:
    yield Page("board", f"{APP}/")
    for query in ("p=2", "p=100", "busy=1", "busy=1&p=3", "q=s4711", "q=example", "q=nobody"):
        yield Page(f"board ?{query}", f"{APP}/?{query}")


def lists() -> Iterator[Page]:
    found = {
        "windows": (
            WINDOWS,
            ("s4711", "s471", "example", "disks", "Disks+4711", "s4711+disks", "nobody"),
        ),
        "sites": (SITES, ("s4711", "example", "Site+471", "nobody")),
        "series": (SERIES, ("s299", "nightly", "nobody")),
        "transitions": (TRANSITIONS, ("s4711", "example", "alice", "nobody")),
    }
    for name, (path, texts) in found.items():
        yield Page(name, f"{path}/")
        for query in (*(f"q={text}" for text in texts), *TOGETHER.get(name, ())):
            yield Page(f"{name} ?{query}", f"{path}/?{query}")


def forms() -> Iterator[Page]:
    now = timezone.now()
    ids = [site.pk for site in Site.objects.order_by("-pk")[:3]]
    start, end = times("starts_at", now + 3 * DAY), times("ends_at", now + 4 * DAY)
    texts = {"level": "full", "title": "T", "message": "M"}
    plan = {"sites": ids, "zone": "UTC", **texts, **start, **end}
    weekly = {
        "site": ids[0], "starts_on": "2029-11-05", "start_time": "02:00", "zone": "UTC",
        "length": "2h", "unit": "DAILY", "every": "1", "level": "full",
    }  # fmt: skip
    one = WindowSeries.objects.latest("pk")
    yield Page("form of a new window", f"{WINDOWS}/add/?sites={','.join(map(str, ids))}")
    yield Page("its preview", f"{WINDOWS}/preview/", plan)
    yield Page("a window for each of 3 sites", f"{WINDOWS}/add/", plan)
    for kind, window in history.one_of_each().items():
        yield Page(f"form of a window: {kind}", f"{WINDOWS}/{window.pk}/change/")
    yield Page("form of a new series", f"{SERIES}/add/")
    yield Page("form of a series", f"{SERIES}/{one.pk}/change/")
    yield Page("its preview", f"{SERIES}/preview/?series={one.pk}", weekly)
    yield Page("a new series", f"{SERIES}/add/", weekly)
    yield Page("form of a site", f"{SITES}/{ids[0]}/change/")
    yield Page("bypass links of a site", f"{SITES}/{ids[0]}/links/")
    yield Page(
        "a site is taken down",
        f"{SITES}/operate/",
        {"site": ids[1], "verb": "down", "length": "open"},
    )
    for model in ("maintenancewindow", "windowseries"):
        for term in ("", "s4711", "example", "nobody"):
            name = f"sites found for {term or 'nothing'}, {model}"
            yield Page(name, f"{AUTOCOMPLETE}{model}&term={term}")


def histories() -> Iterator[Page]:
    for kind, window in history.one_of_each().items():
        yield Page(f"history of a window: {kind}", f"{WINDOWS}/{window.pk}/history/")
    for site in (Site.objects.earliest("pk"), Site.objects.latest("pk")):
        yield Page(f"history of {site}", f"{SITES}/{site.pk}/history/")
    one = WindowSeries.objects.latest("pk")
    yield Page("history of a series", f"{SERIES}/{one.pk}/history/")


def others() -> Iterator[Page]:
    key = CalendarToken.renew(User.objects.get(username="alice"))
    yield Page("your calendar", f"{WINDOWS}/calendar/")
    yield Page("public page", "/maintenance/")
    yield Page("status.json", "/maintenance/status.json")
    yield Page("calendar of a site", "/maintenance/calendar.ics")
    yield Page("calendar of all sites", f"/maintenance/calendar.ics?token={key}")
