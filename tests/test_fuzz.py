"""Requests of any bytes: each gets a response, and none is a 500."""

import asyncio
import io
import logging
import os
from collections.abc import Iterator

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maintenance_windows.planning.sites import take_down
from maintenance_windows.snapshot import runtime
from tests.helpers.times import HOUR, TWO

pytestmark = pytest.mark.slow

# CI sends more: see noxfile.py.
REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "1000"))
BATCH = 20  # requests in a generated example

anything = st.text(st.characters(max_codepoint=255), max_size=40)
HOSTS = st.sampled_from(["acme.example", "ACME.example:80", "globex.example"]) | anything
PATHS = st.sampled_from(
    [
        "/",
        "//",
        "/maintenance/bypass/x/",
        "/hooks/x",
        "/healthz",
        "/robots.txt",
        "/contact/",
        "/x;y/%2e%2e/",
    ]
)
PATHS |= st.just("*") | anything.map("/{}".format)  # servers pass other paths with a leading slash
METHODS = st.sampled_from(["GET", "HEAD", "OPTIONS", "POST", "PUT", "get"]) | anything
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "accept",
            "cookie",
            "x-forwarded-for",
            "x-forwarded-host",
            "content-type",
            "accept-language",
            "access-control-request-method",
            "origin",
            "x-http-method-override",
        ]
    ),
    anything,
)
VISITS = st.lists(
    st.tuples(HOSTS, PATHS, anything, METHODS, HEADERS),
    min_size=BATCH,
    max_size=BATCH,
)  # fmt: skip
Visit = tuple[str, str, str, str, dict[str, str]]


@pytest.fixture
def sites_down(acme, globex, at, settings) -> Iterator[None]:
    """Acme is read-only and Globex is down, both with exempt URLs; logging is disabled."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Csrf" not in name]
    settings.MAINTENANCE_ADMIN_IGNORED_URLS = ["^contact/", "("]
    settings.MAINTENANCE_TRUSTED_PROXIES = ["203.0.113.9"]
    settings.MAINTENANCE_EXEMPT_NETWORKS = ["198.51.100.0/24"]
    settings.MAINTENANCE_EXEMPT_PREFIXES = ["/hooks"]
    take_down([acme], until=TWO + HOUR, level="read_only")
    take_down([globex], until=TWO + HOUR)
    at(TWO)
    runtime.current()
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def by_wsgi(handler: WSGIHandler, visit: Visit) -> int:
    host, path, query, method, headers = visit
    statuses: list[str] = []
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "HTTP_HOST": host,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "203.0.113.9",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }
    answer = handler(environ, lambda status, _: statuses.append(status))
    b"".join(answer)
    answer.close()
    return int(statuses[0].split()[0])


async def by_asgi(handler: ASGIHandler, visit: Visit) -> int:
    host, path, query, method, headers = visit
    statuses: list[int] = []
    lines = {"host": host, **headers}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode("latin-1"),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in lines.items()],
        "client": ("203.0.113.9", 50000),
        "scheme": "http",
    }
    bodies = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, object]:
        if bodies:
            return bodies.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await handler(scope, receive, send)
    return statuses[0]


@pytest.mark.parametrize("way", ["wsgi", "asgi"])
def test_any_request_gets_expected_status(sites_down, way):
    seen: set[int] = set()
    handler = WSGIHandler() if way == "wsgi" else ASGIHandler()

    async def all_by_asgi(visits: list[Visit]) -> set[int]:
        return {await by_asgi(handler, visit) for visit in visits}

    @settings(
        max_examples=REQUESTS // 2 // BATCH,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(VISITS)
    def ask(visits: list[Visit]) -> None:
        if way == "wsgi":
            statuses = {by_wsgi(handler, visit) for visit in visits}
        else:
            statuses = asyncio.run(all_by_asgi(visits))
        assert statuses <= {200, 204, 400, 404, 405, 503}
        seen.update(statuses)

    ask()
    assert seen >= {200, 400, 404, 503}
