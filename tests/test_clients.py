"""Real clients during a window: each obeys Retry-After or Refresh and then gets the site."""

import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import parse_headers
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from project.probe import ask
from project.processes import free_port
from tests.helpers.browsing import ARTEFACTS, LATE, chromium
from tests.helpers.fleet import Fleet, new_database
from tests.helpers.services import require_program
from tests.helpers.times import HOUR, SECOND
from tests.helpers.windows import Window, open_window

pytestmark = pytest.mark.slow

RETRYING, BROWSED, READ, HELD = (f"s{number}.example" for number in range(4))
SERVERS = ("gunicorn", "uvicorn")
LENGTH = 3  # seconds of a window
SOON = 10 * SECOND  # Retry-After rounds up to whole seconds, and a machine may be busy

# By tomorrow at a time that neither language nor zone writes in a word, such as "noon".
TOMORROW = datetime.now(UTC).replace(hour=21, minute=34, second=0, microsecond=0) + 24 * HOUR
NEW_YORK = "America/New_York"

# Of any 503 in the console, and of Django's own header on a site without TLS.
SAID = re.compile(r"status of 503|^The Cross-Origin-Opener-Policy header has been ignored")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory) -> Iterator[Fleet]:
    """Two sites that are up, and two that went down before the web servers started."""
    folder = tmp_path_factory.mktemp("clients")
    with new_database(folder) as url, Fleet(folder, url) as fleet:
        fleet.env["DJANGO_SETTINGS_MODULE"] = "project.settings"  # pytest exports its own
        fleet.migrate(sites=4)
        fleet.manage("maintenance", "on", READ, f"--until={TOMORROW.isoformat()}")
        fleet.manage("maintenance", "on", HELD)
        fleet.start_web()
        yield fleet


@pytest.fixture(scope="module")
def ports(fleet) -> Mapping[str, int]:
    """The ports of both servers; each has a refresher thread of its own."""
    port = free_port()
    fleet.start("asgi", "uvicorn", "project.asgi:application", f"--port={port}")
    deadline = time.monotonic() + 30
    while ask(port, RETRYING, "/healthz").status != 200:
        assert time.monotonic() < deadline, fleet.log("asgi")
        time.sleep(0.05)
    return dict(zip(SERVERS, (fleet.port, port), strict=True))


@dataclass(frozen=True, slots=True)
class Served:
    """The statuses that a client got in order, the last body and its time."""

    statuses: list[int]
    body: str
    at: datetime


def curl(port: int) -> Served:
    done = subprocess.run(
        [
            require_program("curl"), "--disable", "--noproxy", "*", "--verbose", "--retry", "3",
            "--resolve", f"{RETRYING}:{port}:127.0.0.1", f"http://{RETRYING}:{port}/",
        ],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    statuses = re.findall(r"^< HTTP/1\.1 (\d+)", done.stderr, re.MULTILINE)
    return Served(list(map(int, statuses)), done.stdout, datetime.now(UTC))


def urllib3(port: int) -> Served:
    retry = Retry(total=3, status_forcelist=[503], respect_retry_after_header=True)
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", HTTPAdapter(max_retries=retry))
        headers = {"Host": f"{RETRYING}:{port}"}
        answer = session.get(f"http://127.0.0.1:{port}/", headers=headers, timeout=60)
    statuses = [past.status for past in answer.raw.retries.history]
    return Served([*statuses, answer.status_code], answer.text, datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Retried:
    window: Window
    served: Mapping[tuple[str, str], Future[Served]]


@pytest.fixture(scope="module")
def retried(fleet, ports) -> Retried:
    """Both clients at both servers in one window; a failing client fails only its own test.

    On a busy machine a client may start after the window; then a longer window follows.
    """
    for length in (LENGTH, 4 * LENGTH):
        window = open_window(fleet, RETRYING, length)
        with ThreadPoolExecutor() as pool:
            served = {
                (client.__name__, server): pool.submit(client, port)
                for client in (curl, urllib3)
                for server, port in ports.items()
            }
        done = [one.result() for one in served.values() if one.exception() is None]
        if all(len(one.statuses) > 1 for one in done):
            break
    return Retried(window, served)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("client", ["curl", "urllib3"])
def test_first_retry_after_window_succeeds(retried, client, server):
    served = retried.served[client, server].result()
    assert served.statuses == [503, 200]
    assert served.body.endswith(" is up.\n")
    assert retried.window.end <= served.at < retried.window.end + SOON


def exchange(port: int, method: str, accept: str) -> tuple[str, dict[str, str], bytes]:
    """The status line, the headers and every byte that comes after them."""
    lines = (f"{method} / HTTP/1.1", f"Host: {HELD}", f"Accept: {accept}", "Connection: close")
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode())
        answer = BytesIO(connection.makefile("rb").read())
    status = answer.readline().decode()
    return status, {k.title(): v for k, v in parse_headers(answer).items()}, answer.read()


@pytest.mark.parametrize("accept", ["text/html", "application/json", "text/plain"])
@pytest.mark.parametrize("server", SERVERS)
def test_head_matches_get_without_body(ports, server, accept):
    """A held site has a constant Retry-After, so both responses are comparable."""
    status, head, nothing = exchange(ports[server], "HEAD", accept)
    again, get, body = exchange(ports[server], "GET", accept)
    assert nothing == b""
    assert status == again
    assert " 503 " in status
    assert head["Content-Length"] == str(len(body))
    assert head["Retry-After"] == "300"
    assert head.keys() == get.keys()
    differing = {name for name in head if head[name] != get[name]}
    assert differing <= {"Date", "Refresh"}  # which is spread at random


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@dataclass
class Visit:
    """A page in a browser, with its requests, statuses and console messages."""

    page: Page
    url: str
    requested: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, context: BrowserContext, site: str, port: int) -> "Visit":
        visit = cls(context.new_page(), f"http://{site}:{port}/")
        visit.page.on("request", lambda request: visit.requested.append(request.url))
        visit.page.on("response", lambda response: visit.statuses.append(response.status))
        visit.page.on("console", lambda message: visit.said.append(message.text))
        visit.page.on("pageerror", lambda error: visit.said.append(str(error)))
        return visit

    def open(self) -> Response:
        return self.page.goto(self.url)

    @property
    def text(self) -> str:
        """The visible text; Intl writes a narrow space before PM."""
        return self.page.locator("main").inner_text().replace("\u202f", " ")


@pytest.fixture(scope="module")
def waiting(browser, fleet) -> Mapping[bool, tuple[Visit, str]]:
    """Browsers with and without JavaScript in one window, and their text during it.

    Their URL has a fragment: navigating to the same URL would not reload the page.
    """
    contexts = {on: browser.new_context(java_script_enabled=on) for on in (True, False)}
    visits = {on: Visit.of(context, BROWSED, fleet.port) for on, context in contexts.items()}
    open_window(fleet, BROWSED, LENGTH)
    for visit in visits.values():
        visit.page.goto(f"{visit.url}#part")
    return {on: (visit, visit.text) for on, visit in visits.items()}


@pytest.mark.parametrize("scripts", [True, False])
def test_browser_reloads_when_window_ends(waiting, scripts):
    visit, shown = waiting[scripts]
    assert "Down for maintenance" in shown
    assert bool(re.search(r"\(in about 1 min\)|Checking…", shown)) is scripts
    expect(visit.page.get_by_text(f"{BROWSED}:")).to_have_text(re.compile("is up"), timeout=LATE)
    # The script and the Refresh may fall on one second, and then both ask.
    assert visit.statuses[:2] == [503, 200]
    assert set(visit.statuses[2:]) <= {200}
    assert set(visit.requested) == {visit.url}


def screenshot(page: Page, name: str) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"503-{name}.png")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_readable_and_accessible(browser, fleet, scheme, width):
    context = browser.new_context(
        color_scheme=scheme, timezone_id=NEW_YORK, viewport={"width": width, "height": 844}
    )
    with context:
        visit = Visit.of(context, READ, fleet.port)
        page, response = visit.page, visit.open()
        assert page.title() == f"Down for maintenance · {READ}"
        assert page.locator("html").get_attribute("lang") == "en"
        there = TOMORROW.astimezone(ZoneInfo(NEW_YORK))
        day = f"{there:%A, %B} {there.day}"
        assert f"Back on {day} at {there.hour - 12}:34 PM (in about " in visit.text
        assert "9:34 PM UTC" in visit.text
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        # Nothing is loaded and nothing refused, by a policy that would refuse anything.
        assert response.headers["content-security-policy"].startswith("default-src 'none'")
        assert visit.requested == [visit.url]
        assert [text for text in visit.said if not SAID.search(text)] == []
        screenshot(page, f"{scheme}-{width}")
        audit = Axe().run(page)
        assert audit.violations_count == 0, audit.generate_report()


def test_page_works_without_javascript(browser, fleet):
    with browser.new_context(java_script_enabled=False) as context:
        visit = Visit.of(context, READ, fleet.port)
        visit.open()
        assert "9:34 p.m. (UTC)" in visit.text
        assert "in about" not in visit.text
        expect(visit.page.get_by_role("link", name="Try now")).to_be_visible()
        screenshot(visit.page, "no-scripts")
