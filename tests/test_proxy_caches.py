"""Real caches in front, nginx and Varnish: what a maintenance leaves in them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from project.processes import free_port
from tests.helpers.fleet import Fleet, new_database
from tests.helpers.nginx import running, running_varnish
from tests.helpers.times import SECOND
from tests.helpers.windows import open_window

pytestmark = pytest.mark.slow

UP, HELD, NGINX_SITE, VARNISH_SITE = (f"s{number}.example" for number in range(4))
OFFICE = "198.51.100.7"

# Like Varnish, it stores each response that does not forbid it.
CONFIGURATION = """
    proxy_cache_path cache keys_zone=cache:1m;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    server {{
        listen 127.0.0.1:{port};
        proxy_cache cache;
        proxy_cache_valid any 1m;
        proxy_cache_key $http_host$request_uri;
        location / {{ proxy_pass http://127.0.0.1:{web}; }}
    }}
"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory) -> Iterator[Fleet]:
    """A fleet that trusts its proxy, which believes each client here."""
    folder = tmp_path_factory.mktemp("fleet")
    with new_database(folder) as url, Fleet(folder, url) as fleet:
        fleet.env |= {
            "DJANGO_SETTINGS_MODULE": "tests.helpers.proxied",
            "PROXIED_EXEMPT_NETWORKS": OFFICE,
            "PROXIED_TRUSTED_PROXIES": "127.0.0.1",
        }
        fleet.migrate(sites=4)
        fleet.manage("maintenance", "on", HELD)
        fleet.start_web()
        yield fleet


@pytest.fixture(scope="module", params=["nginx", "varnish"])
def cache(request, fleet, tmp_path_factory) -> Iterator["Cache"]:
    folder, port = tmp_path_factory.mktemp(request.param), free_port()
    if request.param == "nginx":
        proxy = running(folder, CONFIGURATION.format(port=port, web=fleet.port))
    else:
        proxy = running_varnish(folder, port, fleet.port)
    with proxy:
        cache = Cache(request.param, port)
        cache.wait(folder)
        yield cache


class Cache:
    def __init__(self, name: str, port: int) -> None:
        self.name, self.port = name, port

    def get(self, host: str, path: str = "/aged", **headers: str) -> requests.Response:
        url = f"http://127.0.0.1:{self.port}{path}"
        return requests.get(url, headers={"Host": host, **headers}, timeout=20)

    def wait(self, folder: Path) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                if self.get(UP, "/healthz").status_code == 200:
                    return
            except requests.ConnectionError:
                pass
            if time.monotonic() > deadline:
                pytest.fail((folder / "log").read_text())
            time.sleep(0.05)


@pytest.mark.parametrize("path", ["/", "/aged"])
def test_ordinary_pages_are_stored(cache, path):
    """Proves that the caches work, so that the tests below mean something."""
    first, second = cache.get(UP, path), cache.get(UP, path)
    assert first.text == second.text
    if cache.name == "varnish":
        assert len(second.headers["X-Varnish"].split()) == 2  # a hit names both requests


def test_what_those_who_pass_get_is_not_stored(cache):
    pages = set()
    for _ in range(3):
        inside = cache.get(HELD, "/aged", **{"X-Forwarded-For": OFFICE})
        assert inside.status_code == 200
        assert inside.headers["Cache-Control"] == "private, no-store"
        assert not {"Surrogate-Control", "X-Accel-Expires"} & inside.headers.keys()
        pages.add(inside.text)
        others = cache.get(HELD, "/aged")
        assert (others.status_code, others.headers["Maintenance"]) == (503, "full")
    assert len(pages) == 3


def test_read_only_does_not_outlive_its_end(fleet, cache):
    """Requests go on past the end; with and without an age of the page's own."""
    site = NGINX_SITE if cache.name == "nginx" else VARNISH_SITE
    window = open_window(fleet, site, 4, level="read_only")
    # Varnish would serve this to the first who asks after its age.
    assert "Maintenance" in cache.get(site, "/aged?once").headers
    seen = {"/": [], "/aged": []}
    while (now := datetime.now(UTC)) < window.end + 3 * SECOND:
        for path, told in seen.items():
            told.append((now, "Maintenance" in cache.get(site, path).headers))
        time.sleep(0.02)
    for told in seen.values():
        assert True in {is_told for now, is_told in told if now < window.end}
        assert {is_told for now, is_told in told if now > window.end} == {False}
    assert "Maintenance" not in cache.get(site, "/aged?once").headers
