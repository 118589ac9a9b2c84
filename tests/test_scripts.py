"""What scripts get: htmx, Turbo, fetch, XMLHttpRequest, and requests that only read."""

import json
from functools import partial

import pytest
from django.http import HttpResponse
from django.urls import path

from maintenance_windows.core.state import Level
from maintenance_windows.planning.sites import take_down
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO

pytestmark = pytest.mark.any_database

HTML, PROBLEM = "text/html; charset=utf-8", "application/problem+json"
FETCH = {"sec_fetch_dest": "empty", "sec_fetch_mode": "cors", "sec_fetch_site": "same-origin"}
XHR = {"x_requested_with": "XMLHttpRequest"}
NAVIGATION = {"sec_fetch_dest": "document", "sec_fetch_mode": "navigate"}


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"accept": "*/*", **FETCH}, PROBLEM),
        ({"accept": "*/*", **XHR}, PROBLEM),
        (FETCH, PROBLEM),
        ({"accept": "*/*", "content_type": "application/json"}, PROBLEM),
        ({"accept": "*/*", "content_type": "application/vnd.api+json; charset=utf-8"}, PROBLEM),
        ({"accept": "text/html, */*; q=0.01", **XHR}, HTML),  # jQuery's load()
        ({"accept": "text/html, application/xhtml+xml", **FETCH}, HTML),  # Turbo
        ({"accept": "text/vnd.turbo-stream.html, text/html", **FETCH, "turbo_frame": "a"}, HTML),
        ({"accept": "*/*", **FETCH, "hx_request": "true"}, HTML),
        ({"accept": "*/*", **NAVIGATION}, HTML),
        ({"accept": "*/*", "sec_fetch_dest": "empty", "sec_fetch_mode": "navigate"}, HTML),
        ({"accept": "*/*", "content_type": "application/x-www-form-urlencoded"}, HTML),
        ({"accept": "text/*", **FETCH}, HTML),
        ({"accept": "*/*"}, HTML),
    ],
)
def test_scripts_get_what_they_can_read(acme, plan, at, visit, headers, kind):
    plan(acme)
    at(TWO)
    answer = visit(method="POST" if "content_type" in headers else "GET", **headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, kind)
    if kind == PROBLEM:
        assert json.loads(answer.text)["retry_after"] == 7200
    names = {name.lower() for name in answer.headers["Vary"].split(", ")}
    named = {name.replace("_", "-") for name in headers} - {"turbo-frame", "sec-fetch-site"}
    assert named <= names


def test_htmx_is_told_to_reload_page_that_is_down(acme, plan, at, visit):
    plan(acme)
    at(TWO)
    for method in ("GET", "POST"):
        assert visit(method=method, hx_request="true").headers["HX-Refresh"] == "true"
    assert "HX-Refresh" not in visit().headers


def test_htmx_keeps_page_that_is_read_only(acme, plan, at, visit):
    """Reloading would lose what was typed."""
    plan(acme, level=Level.READ_ONLY)
    at(TWO)
    answer = visit(method="POST", hx_request="true")
    assert answer.status_code == 503
    assert "HX-Refresh" not in answer.headers
    assert answer.headers["Maintenance"].startswith("read-only; ")


def test_turbo_leaves_frame(acme, plan, at, visit):
    plan(acme)
    at(TWO)
    assert '<meta name="turbo-visit-control" content="reload">' in visit(turbo_frame="menu").text


ORIGIN = {"origin": "https://app.example"}


@pytest.mark.parametrize("accept", ["text/html", "application/json", "text/event-stream"])
def test_each_503_names_its_maintenance(acme, plan, at, visit, settings, accept):
    plan(acme)
    at(TWO)
    answer = visit(accept=accept, **ORIGIN)
    assert answer.headers["Maintenance"] == 'full; until="2029-11-04T04:00:00Z"'
    assert answer.headers["Access-Control-Expose-Headers"] == "Maintenance, Retry-After"
    assert "Access-Control-Expose-Headers" not in visit(accept=accept).headers
    settings.MAINTENANCE_RETRY_AFTER = None
    take_down([acme])
    answer = visit(accept=accept, **ORIGIN)
    assert "Retry-After" not in answer.headers
    assert answer.headers["Maintenance"] == "full"


def test_forced_503_names_its_maintenance(acme, at, visit, settings):
    settings.MAINTENANCE_FORCE = "on"
    assert visit().headers["Maintenance"] == "full"


def test_read_only_header_is_exposed(acme, plan, at, visit, settings):
    settings.ROOT_URLCONF = __name__
    plan(acme, level=Level.READ_ONLY)
    at(TWO)
    assert visit("/exposing", **ORIGIN).headers["Access-Control-Expose-Headers"] == (
        "X-Count, Maintenance"
    )
    assert visit("/", **ORIGIN).headers["Access-Control-Expose-Headers"] == "Maintenance"
    assert "Access-Control-Expose-Headers" not in visit("/").headers


# Requests that only read


def graphql(request):
    return HttpResponse("data")


def exposing(request):
    return HttpResponse("data", headers={"Access-Control-Expose-Headers": "X-Count"})


urlpatterns = [path("graphql", graphql), path("exposing", exposing), path("", graphql)]


def is_query(request) -> bool:
    return request.headers.get("X-Operation") == "query"


async def ais_query(request) -> bool:
    return is_query(request)


def failing(request) -> bool:
    raise LookupError(request.headers.get("X-Operation"))


@pytest.fixture
def api(settings, acme):
    settings.ROOT_URLCONF = __name__
    settings.MAINTENANCE_ONLY_READS = is_query
    return acme


def ask(visit, operation, **headers):
    return visit("/graphql", method="POST", x_operation=operation, **headers)


@pytest.mark.parametrize(
    "function",
    [is_query, ais_query, f"{__name__}.is_query", partial(ais_query)],
    ids=["sync", "async", "dotted", "partial"],
)
def test_request_that_only_reads_passes_while_read_only(api, plan, at, visit, settings, function):
    settings.MAINTENANCE_ONLY_READS = function
    plan(api, level=Level.READ_ONLY)
    plan(api, FOUR, FOUR + HOUR)
    at(TWO)
    answer = ask(visit, "query")
    assert (answer.status_code, answer.text) == (200, "data")
    assert answer.headers["Maintenance"].startswith("read-only; ")
    assert "private" not in answer.headers.get("Cache-Control", "")
    assert ask(visit, "mutation").status_code == 503
    assert ask(visit, "query", x_http_method_override="DELETE").status_code == 503
    at(FOUR)
    assert ask(visit, "query").status_code == 503


def test_request_that_only_reads_is_served_when_full_part_ends(api, plan, at, visit):
    plan(api, TWO, FOUR, level=Level.READ_ONLY)
    plan(api, TWO, TWO + HOUR)
    at(TWO)
    assert ask(visit, "query").headers["Retry-After"] == "3600"
    assert ask(visit, "mutation").headers["Retry-After"] == "7200"


def test_only_reads_is_asked_while_site_may_be_read(api, plan, at, visit, settings):
    """A function that fails shows that nobody asks it."""
    settings.MAINTENANCE_ONLY_READS = failing
    plan(api)
    at(TWO - MINUTE)
    assert ask(visit, "query").status_code == 200
    at(TWO)
    assert ask(visit, "query").status_code == 503


@pytest.mark.parametrize("function", [failing, "nowhere.at_all", 7])
def test_failing_only_reads_gives_503(api, plan, at, visit, settings, caplog, function):
    settings.MAINTENANCE_ONLY_READS = function
    plan(api, level=Level.READ_ONLY)
    at(TWO)
    assert [ask(visit, "query").status_code for _ in range(2)] == [503, 503]
    assert visit("/graphql").status_code == 200


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("http://evil.example/a b", "/a%20b"),
        ("HTTPS://evil.example:8000", "/"),
        ("http://evil.example//b", "/%2Fb"),
        ("http://", "/"),
        ("*", "/*"),
        ("/a:b", "/a:b"),
        ("/http://evil.example/", "/http://evil.example/"),
    ],
)
def test_refresh_names_path_of_absolute_target(acme, plan, at, visit, target, address):
    """ASGI servers pass the target of `GET http://acme.example/ HTTP/1.1` as the path."""
    plan(acme)
    at(TWO)
    _seconds, url = visit(target).headers["Refresh"].split("; url=")
    if visit.is_async or target.startswith("/"):
        assert url == address
    else:  # WSGI servers pass its path, and Django adds a slash to anything else
        assert url.startswith("/")
        assert not url.startswith("//")
