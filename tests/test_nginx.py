"""A real nginx with a cache in front: it stores no 503 and spoofs no address."""

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message
from http.client import HTTPConnection
from http.cookies import Morsel, SimpleCookie
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from project.probe import RIGHT, ask
from project.processes import free_port
from tests.helpers.fleet import Fleet, new_database
from tests.helpers.nginx import running
from tests.helpers.times import SECOND
from tests.helpers.windows import open_window

pytestmark = pytest.mark.slow

WINDOW, HELD, UP = (f"s{number}.example" for number in range(3))
# The address of nginx, that of ordinary clients, and two exempt ones.
NGINX, ANYBODY, TESTER, OFFICE = "127.0.0.2", "127.0.0.1", "127.0.0.3", "198.51.100.7"
CACHES = ("default", "minute")

# The second cache stores every response that does not forbid it.
CONFIGURATION = """
    proxy_cache_path default keys_zone=default:1m;
    proxy_cache_path minute keys_zone=minute:1m;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_bind {nginx};
    add_header X-Cache $upstream_cache_status always;
    server {{
        listen 127.0.0.1:{default};
        proxy_cache default;
        location / {{ proxy_pass http://127.0.0.1:{web}; }}
    }}
    server {{
        listen 127.0.0.1:{minute};
        proxy_cache minute;
        proxy_cache_valid any 1m;
        location / {{ proxy_pass http://127.0.0.1:{web}; }}
    }}
    server {{
        listen 127.0.0.1:{believed};
        proxy_cache default;
        location / {{ proxy_pass http://127.0.0.1:{believing}; }}
    }}
"""


class Answer(NamedTuple):
    status: int
    headers: Message
    body: bytes


def fetch(
    port: int, host: str, path: str = "/", *, source: str = ANYBODY, **headers: str
) -> Answer:
    """GET a page as the client at `source`. Headers are written as keywords, `x_forwarded_for`."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20, source_address=(source, 0))
    try:
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", host)
        for name, value in headers.items():
            for line in value.split("\n"):
                connection.putheader(name.replace("_", "-"), line)
        connection.endheaders()
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory) -> Iterator[Fleet]:
    """A fleet that trusts no X-Forwarded-For and treats local clients as internal."""
    folder = tmp_path_factory.mktemp("fleet")
    with new_database(folder) as url, Fleet(folder, url) as fleet:
        fleet.env |= {
            "DJANGO_SETTINGS_MODULE": "tests.helpers.proxied",
            "PROXIED_INTERNAL_IPS": ANYBODY,
            "PROXIED_EXEMPT_NETWORKS": "198.51.100.0/24",
        }
        fleet.migrate(sites=3)
        fleet.manage("maintenance", "on", HELD)
        fleet.start_web()
        yield fleet


@pytest.fixture(scope="module")
def believing(fleet) -> int:
    """The port of a server that trusts nginx, and exempts testers and the office."""
    fleet.env |= {
        "PROXIED_INTERNAL_IPS": "",
        "PROXIED_EXEMPT_NETWORKS": f"198.51.100.0/24,{TESTER}",
        "PROXIED_TRUSTED_PROXIES": NGINX,
    }
    port = free_port()
    fleet.start("believing", "gunicorn", f"--bind=127.0.0.1:{port}", "project.wsgi")
    wait(port)
    return port


def wait(port: int) -> None:
    deadline = time.monotonic() + 30
    while ask(port, UP, "/healthz").status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def nginx(fleet, believing, tmp_path_factory) -> Iterator[dict[str, int]]:
    """The ports of nginx's servers, by name."""
    if sys.platform != "linux":
        pytest.skip("127.0.0.2 and 127.0.0.3 are there by themselves on Linux only")
    folder = tmp_path_factory.mktemp("nginx")
    ports = {name: free_port() for name in (*CACHES, "believed")}
    configuration = CONFIGURATION.format(
        nginx=NGINX,
        web=fleet.port,
        believing=believing,
        **ports,
    )
    with running(folder, configuration):
        try:
            wait(ports["default"])
        except AssertionError:
            pytest.fail((folder / "log").read_text())
        yield ports


def test_caches_store_ordinary_pages(nginx):
    """Proves that the caches work, so that the tests below mean something."""
    style, page = "/static/admin/css/base.css", "/?up"
    for port, host, path in ((nginx["default"], UP, style), (nginx["minute"], UP, page)):
        seen = [fetch(port, host, path) for _ in range(2)]
        assert [answer.status for answer in seen] == [200, 200]
        assert [answer.headers["X-Cache"] for answer in seen] == ["MISS", "HIT"]


def test_first_request_after_end_reaches_site(fleet, nginx):
    """Requests go on until the last moment before the end."""
    window = open_window(fleet, WINDOW, 2)
    seen = {cache: [] for cache in CACHES}
    while datetime.now(UTC) < window.end + SECOND / 2:
        for cache, answers in seen.items():
            answers.append(ask(nginx[cache], WINDOW))
        time.sleep(0.002)
    for answers in seen.values():
        assert {answer.status for answer in answers} == {503, 200}
        assert max(answer.off_by(window.start, window.end) for answer in answers) == RIGHT
    for cache in CACHES:
        assert fetch(nginx[cache], WINDOW, "/?after").body == f"{WINDOW} is up.\n".encode()


@pytest.fixture(scope="module")
def link(fleet) -> str:
    printed = fleet.manage("maintenance", "bypass", HELD, "--for", "1h")
    return urlsplit(printed.strip()).path


def follow(port: int, link: str) -> Morsel:
    """Follow a bypass link and return its cookie."""
    answer = fetch(port, HELD, link)
    assert answer.status == 302
    assert answer.headers["Location"] == "/"
    assert answer.headers["Cache-Control"] == "no-store"
    (morsel,) = SimpleCookie(answer.headers["Set-Cookie"]).values()
    return morsel


@pytest.mark.parametrize("cache", CACHES)
def test_caches_keep_tester_pages_private(nginx, link, cache):
    """Visitors never get a tester's page, and testers never the 503; all over plain HTTP."""
    port = nginx[cache]
    cookie = follow(port, link)
    assert cookie.key == "maintenance_bypass"
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/", True, "Lax")
    assert not cookie["secure"]
    for _ in range(2):
        seen = fetch(port, HELD, "/?page", cookie=f"{cookie.key}={cookie.value}")
        assert (seen.status, seen.headers["X-Cache"]) == (200, "MISS")
        assert seen.headers["Cache-Control"] == "private, no-store"
        assert seen.body == f"{HELD} is up.\n".encode()
        others = fetch(port, HELD, "/?page")
        assert (others.status, others.headers["X-Cache"]) == (503, "MISS")
        assert others.headers["Retry-After"] == "300"
        assert "maintenance_bypass" not in str(others.headers)


SPOOFS = (
    ANYBODY,
    NGINX,
    TESTER,
    OFFICE,
    f"{OFFICE}, {NGINX}",
    f"{NGINX}, {OFFICE}, {NGINX}",
    f"{OFFICE}\n{TESTER}",  # two lines
    f"{OFFICE},",
    f"[{OFFICE}]:80",
    f"::ffff:{OFFICE}",
)


@pytest.mark.parametrize("spoof", SPOOFS, ids=repr)
def test_spoofed_header_gets_503(nginx, spoof):
    """The header has no effect, whether nginx is a trusted proxy or not."""
    assert fetch(nginx["default"], HELD, x_forwarded_for=spoof).status == 503
    assert fetch(nginx["believed"], HELD, x_forwarded_for=spoof).status == 503
    assert fetch(nginx["believed"], HELD, x_real_ip=spoof, client_ip=spoof).status == 503


def test_exempt_address_passes_as_sender_only(fleet, nginx, believing):
    """The addresses above are exempt when they are the sender's own."""
    assert fetch(fleet.port, HELD).status == 200
    assert fetch(nginx["default"], HELD).status == 503
    assert fetch(nginx["believed"], HELD, source=TESTER).status == 200
    assert fetch(nginx["believed"], HELD, source=TESTER, x_forwarded_for="10.0.0.1").status == 200
    assert fetch(nginx["believed"], HELD).status == 503
    # Clients that bypass nginx cannot claim its address: the connection shows theirs.
    assert fetch(believing, HELD, x_forwarded_for=TESTER).status == 503
    assert fetch(believing, HELD, source=NGINX, x_forwarded_for=OFFICE).status == 200
