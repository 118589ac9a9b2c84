"""Tabs of a browser whose clock and network a test holds, on a site that is down."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import time_machine
from django.test import Client
from playwright.sync_api import Browser, Page, Route

from maintenance_windows.core.state import Level
from maintenance_windows.testing import maintenance
from tests.helpers.times import FOUR, TWO

SITE = "https://acme.example"
HERE = f"{SITE}/orders/?page=2"
FORM = f"{SITE}/form/"
SUBMIT = f"{SITE}/submit/"
A_FORM = """<!doctype html><title>Form</title>
<form action="/submit/" method="post"><textarea name="text" aria-label="Text"></textarea>
<button>Send</button></form>"""
# A status, headers and a body; None is no network.
Answer = tuple[int, dict[str, str], str]
UP: Answer = (200, {"Content-Type": "text/html"}, "<!doctype html><title>Up</title>The site is up.")


@dataclass
class Tab:
    """A tab, and what it asked for; `answer` is what the site says to each request.

    `pages` has what stays the same at some addresses.
    """

    page: Page
    answer: Answer | None
    pages: dict[str, Answer]
    asked: list[tuple[str, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    pending: int = 0  # requests without an answer

    def __post_init__(self) -> None:
        self.page.on("request", lambda _: self._count(1))
        self.page.on("requestfinished", lambda _: self._count(-1))
        self.page.on("requestfailed", lambda _: self._count(-1))

    def _count(self, by: int) -> None:
        self.pending += by

    @property
    def line(self) -> str:
        """The largest line; Intl writes a narrow space before PM."""
        return self.page.locator(".back").inner_text().replace("\u202f", " ").strip()

    def wait(self, seconds: float) -> None:
        """Let time pass, with all that should happen in it: an answer may cause a request."""
        had = len(self.asked)
        self.page.clock.run_for(round(1000 * seconds))
        for _ in range(100):
            self.page.wait_for_timeout(100)
            if not self.pending and had == len(self.asked):
                break
            had = len(self.asked)

    def respond(self, route: Route) -> None:
        request = route.request
        self.asked.append((request.method, request.url))
        answer = self.answer
        if request.method == "GET":
            answer = self.pages.get(request.url, answer)
        if answer is None:
            route.abort()
        else:
            status, headers, body = answer
            sent = body if request.method != "HEAD" else ""
            route.fulfill(status=status, headers=headers, body=sent)


@contextmanager
def tabs(browser: Browser) -> Iterator[Callable[..., Tab]]:
    """Opens tabs at two o'clock, in New York; the form is there although the site is down."""
    contexts = []

    def open_tab(
        answer: Answer,
        url: str = HERE,
        *,
        now: datetime = TWO,
        hidden: bool = False,
        pages: dict[str, Answer] | None = None,
        **options: Any,
    ) -> Tab:
        options = {"locale": "en-US", "timezone_id": "America/New_York", **options}
        context = browser.new_context(**options)
        contexts.append(context)
        if options.get("java_script_enabled", True):
            context.clock.install(time=now)
        if hidden:
            context.add_init_script(
                "Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' })"
            )
        form = 200, {"Content-Type": "text/html"}, A_FORM
        tab = Tab(context.new_page(), answer, {FORM: form, **(pages or {})})
        tab.page.on("console", lambda message: tab.said.append(message.text))
        tab.page.on("pageerror", lambda error: tab.said.append(str(error)))
        tab.page.route("**", tab.respond)
        tab.page.goto(url)
        return tab

    yield open_tab
    for context in contexts:
        context.close()


def ask(
    until: datetime | None = FOUR,
    *,
    method: str = "get",
    level: Level = Level.FULL,
    message: str = "",
    language: str = "en",
    **headers: str,
) -> Answer:
    """The 503 at two o'clock for a GET of HERE, or for a POST from FORM."""
    sent = {"host": "acme.example", "accept-language": language, "referer": FORM, **headers}
    with (
        time_machine.travel(TWO, tick=False),
        maintenance("acme.example", until=until, level=level, message=message),
    ):
        answer = getattr(Client(), method)("/orders/", headers=sent, secure=True)
    # The browser's clock stands still, but not for Refresh.
    kept = {name: value for name, value in answer.headers.items() if name != "Refresh"}
    return answer.status_code, kept, answer.text


def head(until: datetime | None, now: datetime, level: str = "full") -> Answer:
    """What the site answers while it is down."""
    mark = f'{level}; until="{until:%Y-%m-%dT%H:%M:%SZ}"' if until else level
    date = f"{now:%a, %d %b %Y %H:%M:%S} GMT"
    return 503, {"Maintenance": mark, "Retry-After": "300", "Date": date}, ""
