"""The 503: its format for each client, Retry-After and Refresh."""

import json

import pytest
from django.core.checks import run_checks
from django.http import HttpResponse
from django.urls import path
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from maintenance_windows.core.retry import spread
from maintenance_windows.core.state import Level
from maintenance_windows.planning.sites import take_down
from maintenance_windows.reconcile.tick import tick
from maintenance_windows.snapshot import runtime
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO

pytestmark = pytest.mark.any_database

HTML, TEXT = "text/html; charset=utf-8", "text/plain; charset=utf-8"
JSON = "application/problem+json"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", HTML),
        (BROWSER, HTML),
        ("text/*", HTML),
        ("application/*", JSON),
        ("application/json", JSON),
        ("application/problem+json", JSON),
        ("application/json, text/plain, */*", JSON),
        ("application/json;q=0.5, text/html;q=0.4", JSON),
        ("application/json;q=0.4, text/html;q=0.5", HTML),
        ("text/html;q=0, */*", JSON),
        ("text/html;q=0, text/*", TEXT),
        ("text/html; level=1; q=0.0, application/json;q=0, */*", JSON),
        ("text/html;q=0, application/json", JSON),
        ("*/*;q=0.1, text/plain", TEXT),
        ("TEXT/HTML", HTML),
        ("application/vnd.api+json", JSON),
        ("application/json; version=2", JSON),
        ("text/html; charset=utf-8", HTML),
        ("text/plain", TEXT),
        ("image/png", TEXT),
        ("text/event-stream", TEXT),
        ("", TEXT),
        ("nonsense;;q=,;/", TEXT),
        ("application/json;q=many", JSON),
        ("application/json, text/x;a=" + "\\;" * 4000, JSON),
        (
            "text/x;a=" + "\\;" * 4000 + ", application/json",
            HTML,
        ),  # beyond the part of the header that is parsed
    ],
)
def test_accept_header_selects_content_type(acme, plan, at, visit, accept, kind):
    plan(acme)
    at(TWO)
    answer = visit(accept=accept)
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, kind)
    assert answer.headers["Retry-After"] == "7200"
    assert "Accept" in answer.headers["Vary"].split(", ")


def test_missing_accept_header_gives_html(acme, plan, at, visit):
    plan(acme)
    at(TWO)
    assert visit().headers["Content-Type"] == HTML


def test_json_contains_problem_details(acme, plan, at, visit):
    plan(acme, title="internal", message="A bigger database.")
    at(TWO + MINUTE)
    answer = visit(accept="application/json")
    assert json.loads(answer.text) == {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "A bigger database.",
        "retry_after": 7140,
        "starts_at": "2029-11-04T02:00:00Z",
        "ends_at": "2029-11-04T04:00:00Z",
        "site": "acme.example",
    }


def test_json_keeps_outage_start_after_first_window_ends(acme, plan, at, visit):
    plan(acme)
    plan(acme, TWO + HOUR, FOUR + HOUR)
    at(TWO)
    tick()
    at(FOUR + MINUTE)
    tick()
    runtime.publish()
    problem = json.loads(visit(accept="application/json").text)
    assert problem["starts_at"] == "2029-11-04T02:00:00Z"
    assert problem["ends_at"] == "2029-11-04T05:00:00Z"


def test_json_of_held_site_has_no_end(acme, at, visit, settings):
    at(TWO)
    take_down([acme])
    problem = json.loads(visit(accept="application/json").text)
    assert (problem["retry_after"], problem["ends_at"]) == (300, None)
    assert problem["detail"].startswith("Down for maintenance.")
    settings.MAINTENANCE_RETRY_AFTER = None
    answer = visit(accept="application/json")
    assert json.loads(answer.text)["retry_after"] is None
    assert "Retry-After" not in answer.headers


def test_json_of_forced_maintenance_has_no_times(acme, at, visit, settings):
    settings.MAINTENANCE_FORCE = "on"
    at(TWO)
    problem = json.loads(visit(accept="application/json").text)
    assert (problem["site"], problem["starts_at"], problem["ends_at"]) == (
        "acme.example",
        None,
        None,
    )


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api", JSON),
        ("/api/v1/items", JSON),
        ("/apis", HTML),
        ("/API/", HTML),
        ("/x/api/", HTML),
        ("/rest/v2", JSON),
    ],
)
def test_api_prefixes_give_json(acme, plan, at, visit, settings, path, kind):
    settings.MAINTENANCE_API_PREFIXES = ["/api/", "/rest"]
    plan(acme)
    at(TWO)
    assert visit(path, accept=BROWSER).headers["Content-Type"] == kind


@pytest.mark.parametrize("accept", [BROWSER, "application/json", "text/plain"])
def test_head_returns_headers_without_body(acme, plan, at, visit, accept):
    plan(acme)
    at(TWO)
    get, head = visit(accept=accept), visit(accept=accept, method="HEAD")
    assert (head.status_code, head.content) == (503, b"")
    assert head.headers["Content-Length"] == str(len(get.content))
    refresh = {"Refresh"}  # differs from one to the next
    assert head.headers.keys() == get.headers.keys()
    for name in get.headers.keys() - refresh:
        assert head.headers[name] == get.headers[name]


def test_plain_text_contains_message_and_end(acme, plan, at, visit):
    plan(acme, message="A <b>bigger</b> database.")
    at(TWO)
    assert visit(accept="text/plain").text == (
        "Down for maintenance\n\n"
        "A <b>bigger</b> database.\n\n"
        "We expect to be back on Nov. 4, 2029, 4 a.m. (UTC).\n"
    )


def test_page_renders_once_per_state_and_language(acme, plan, at, visit, settings):
    renderings: list[str] = []
    settings.TEMPLATES = [counting(renderings)]
    plan(acme, message="First.")
    plan(acme, FOUR + HOUR, FOUR + 2 * HOUR, message="Second.")
    at(TWO)
    assert [visit().text for _ in range(3)] == ["en First. 7200"] * 3
    at(TWO + MINUTE)
    assert visit().text == "en First. 7140"
    assert len(renderings) == 1
    assert visit(accept_language="de").text == "de First. 7140"
    assert visit(accept_language="de").text == "de First. 7140"
    assert len(renderings) == 2
    at(FOUR + HOUR)
    runtime.publish()
    assert visit().text == "en Second. 3600"
    assert len(renderings) == 3


def counting(renderings: list[str]) -> dict[str, object]:
    page = "{% load i18n %}{% get_current_language as language %}{{ language }} "
    page += "{{ maintenance.message }}{{ count }} {{ retry_after }}"
    counting.renderings = renderings
    return {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "loaders": [("django.template.loaders.locmem.Loader", {"503.html": page})],
            "context_processors": [f"{__name__}.count"],
        },
    }


def count(request: object) -> dict[str, str]:
    counting.renderings.append("once")
    return {}


def test_debug_renders_page_each_time(acme, plan, at, visit, settings):
    renderings: list[str] = []
    settings.TEMPLATES = [counting(renderings)]
    settings.DEBUG = True
    plan(acme)
    at(TWO)
    visit(), visit()
    assert len(renderings) == 2


def test_page_follows_text_direction(acme, plan, at, visit, arabic):
    plan(acme, message="New disks.")
    at(TWO)
    assert '<html lang="en">' in visit().text
    assert '<html lang="de">' in visit(accept_language="de-AT").text
    answer = visit(accept_language="ar")
    assert '<html lang="ar" dir="rtl">' in answer.text
    assert arabic in answer.text
    assert '<div dir="auto"><p>New disks.</p></div>' in answer.text


@pytest.mark.parametrize("accept", [BROWSER, "text/plain"])
def test_page_uses_one_language(acme, plan, at, visit, accept):
    """A language without a catalogue gets English sentences with English dates."""
    plan(acme)
    at(TWO)
    answer = visit(accept_language="it", accept=accept)
    assert answer.headers["Content-Language"] == "en"
    assert "back on Nov. 4, 2029" in answer.text.replace("Back", "back")
    assert visit(accept_language="fr", accept=accept).headers["Content-Language"] == "fr"


def test_page_times_ignore_active_time_zone(acme, plan, at, visit, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    settings.MIDDLEWARE = [f"{__name__}.in_tokyo", *settings.MIDDLEWARE]
    plan(acme)
    at(TWO)
    assert "Back on Nov. 4, 2029, 5 a.m.</time> <small>(<bdi>Europe/Berlin</bdi>)" in visit().text
    assert 'datetime="2029-11-04T05:00:00+01:00"' in visit().text


def in_tokyo(get_response):
    from django.utils import timezone

    def middleware(request):
        with timezone.override("Asia/Tokyo"):
            return get_response(request)

    return middleware


def test_content_security_policy_forbids_loading(acme, plan, at, visit):
    plan(acme)
    at(TWO)
    answer = visit()
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "'unsafe-inline'" not in policy


def test_refresh_header_spreads_browsers(acme, plan, at, visit, settings):
    plan(acme)
    at(FOUR - MINUTE)
    seconds = {refresh(visit()) for _ in range(40)}
    assert min(seconds) >= 66
    assert max(seconds) < 71
    assert len(seconds) > 1
    at(TWO - HOUR)
    take_down([acme])
    assert refresh(visit()) >= 306
    settings.MAINTENANCE_RETRY_AFTER = None
    assert "Refresh" not in visit().headers


def refresh(answer) -> int:
    """The seconds of the Refresh header, by which browsers without scripts reload the page."""
    seconds, address = answer.headers["Refresh"].split("; url=")
    assert address == "/"
    return int(seconds)


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/a b", "; url=/a%20b"),
        ("//evil.example/", "; url=/%2Fevil.example/"),
        ("/a\nb", "; url=/a%0Ab"),
        ("/" + 1000 * "a", ""),
    ],
)
def test_refresh_header_returns_to_same_path(acme, plan, at, visit, path, address):
    plan(acme)
    at(TWO)
    assert visit(path).headers["Refresh"].lstrip("0123456789") == address


def test_jitter_spreads_retry_after(acme, plan, at, visit, settings):
    settings.MAINTENANCE_RETRY_AFTER_JITTER = 30
    plan(acme)
    at(FOUR - MINUTE)
    answers = [visit(accept="application/json") for _ in range(40)]
    seconds = {int(answer.headers["Retry-After"]) for answer in answers}
    assert min(seconds) >= 60
    assert max(seconds) <= 90
    assert len(seconds) > 1
    assert all(
        json.loads(answer.text)["retry_after"] == int(answer.headers["Retry-After"])
        for answer in answers
    )


def test_retry_after_max_caps_retry_after(acme, plan, at, visit, settings):
    settings.MAINTENANCE_RETRY_AFTER_MAX = 3600
    plan(acme)
    at(TWO)
    assert visit().headers["Retry-After"] == "3600"
    at(FOUR - MINUTE)
    assert visit().headers["Retry-After"] == "60"


@given(
    st.integers(1, 10_000),
    st.integers(0, 100),
    st.none() | st.integers(1, 10_000),
    st.floats(0, 1, exclude_max=True),
)
def test_spread_stays_within_bounds(seconds, jitter, most, chance):
    answer = spread(seconds, jitter, most, chance)
    assert 1 <= answer <= seconds + jitter
    if most is None or seconds <= most:
        assert answer >= seconds
    else:
        assert answer >= most - jitter
    assert most is None or answer <= most


def test_cors_exposes_retry_after(acme, plan, at, visit, settings):
    plan(acme)
    at(TWO)
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "corsheaders"]
    settings.MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware", *settings.MIDDLEWARE]
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]
    answer = visit(origin="https://app.example", accept="application/json")
    assert answer.status_code == 503
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert answer.headers["Access-Control-Expose-Headers"] == "Maintenance, Retry-After"
    assert "Access-Control-Expose-Headers" not in visit().headers
    preflight = visit(
        method="OPTIONS", origin="https://app.example", access_control_request_method="PUT"
    )
    assert preflight.status_code == 200
    assert "PUT" in preflight.headers["Access-Control-Allow-Methods"]


def test_preflight_passes_without_calling_view(acme, plan, at, visit, settings):
    """Most views ignore the method, so a preflight that reached one would execute it."""
    settings.ROOT_URLCONF = Accounts
    plan(acme)
    at(TWO)
    asked = {"origin": "https://app.example", "access_control_request_method": "GET"}
    answer = visit("/login/", method="OPTIONS", **asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "X-Seen" not in answer.headers
    assert visit("/login/", method="OPTIONS").status_code == 503
    assert visit("/login/", method="GET", **asked).status_code == 503
    assert visit("/login/", method="OPTIONS", origin="https://app.example").status_code == 503
    lone = {"access_control_request_method": "GET"}
    assert visit("/login/", method="OPTIONS", **lone).status_code == 503


def loose(request):
    return HttpResponse("secret", headers={"X-Seen": "yes"})


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 200),
        ("POST", {"x_http_method_override": "GET"}, 503),
        ("GET", {"x_http_method_override": "DELETE"}, 503),
        ("GET", {"x_http_method": "put"}, 503),
        ("GET", {"x_method_override": "PATCH"}, 503),
        ("GET", {"x_http_method_override": "head"}, 200),
        ("GET", {"x_http_method_override": " "}, 503),
    ],
)
def test_read_only_considers_method_override(acme, plan, at, visit, method, headers, status):
    plan(acme, level=Level.READ_ONLY)
    at(TWO)
    assert visit(method=method, **headers).status_code == status


def rewriting(get_response):
    def middleware(request):
        request.method = "GET"
        return get_response(request)

    return middleware


def test_read_only_uses_original_method(acme, plan, at, visit, settings):
    settings.MIDDLEWARE = [f"{__name__}.rewriting", *settings.MIDDLEWARE]
    plan(acme, level=Level.READ_ONLY)
    at(TWO)
    assert visit(method="GET").status_code == 200
    assert visit(method="POST").status_code == 503


def test_read_only_sets_maintenance_header(acme, plan, at, visit, alice):
    plan(acme, level=Level.READ_ONLY, message="Disks.")
    at(TWO - MINUTE)
    assert "Maintenance" not in visit().headers
    at(TWO)
    banner = 'read-only; until="2029-11-04T04:00:00Z"'
    assert visit().headers["Maintenance"] == banner
    assert "no-store" not in visit().headers.get("Cache-Control", "")
    refusal = visit(method="POST")
    assert refusal.status_code == 503
    assert "Read-only for maintenance" in refusal.text
    assert visit(user=alice, method="PUT").headers["Maintenance"] == banner
    take_down([acme], level=Level.READ_ONLY)
    assert visit().headers["Maintenance"] == "read-only"


def test_writable_url_names_accept_posts_while_read_only(acme, plan, at, visit, settings):
    settings.MAINTENANCE_WRITABLE_URL_NAMES = ["login"]
    settings.ROOT_URLCONF = Accounts
    plan(acme, level=Level.READ_ONLY)
    plan(acme, FOUR, FOUR + HOUR)
    at(TWO)
    assert visit("/login/", method="POST").status_code == 200
    assert visit("/other/", method="POST").status_code == 503
    at(FOUR)
    assert visit("/login/", method="POST").status_code == 503


class Accounts:
    urlpatterns = [path("login/", loose, name="login"), path("other/", loose, name="other")]


def test_503_needs_no_query(acme, plan, at, visit, django_assert_num_queries):
    plan(acme)
    at(TWO)
    visit()
    for accept in (BROWSER, "application/json", "text/plain"):
        with django_assert_num_queries(0):
            assert visit(accept=accept).status_code == 503


def test_page_renders_without_active_translation(acme, plan, at, visit, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Locale" not in name]
    plan(acme)
    at(TWO)
    with translation.override(None):
        assert visit().status_code == 503


@pytest.mark.parametrize("value", ["300", "many", [], True])
def test_invalid_numbers_fall_back_to_defaults(acme, at, visit, settings, value):
    for name in ("RETRY_AFTER", "RETRY_AFTER_JITTER", "RETRY_AFTER_MAX", "BANNER_LEAD"):
        setattr(settings, f"MAINTENANCE_{name}", value)
    at(TWO)
    take_down([acme])
    assert visit().headers["Retry-After"] == "300"
    said = [message for message in run_checks() if message.id == "maintenance_windows.E002"]
    assert len(said) == 4


def test_message_appears_verbatim(acme, plan, at, visit):
    plan(acme, message="{seconds left} {{ retry_after }}")
    at(TWO)
    assert "{seconds left} {{ retry_after }}" in visit().text
