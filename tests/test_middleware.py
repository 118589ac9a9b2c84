"""The middleware in the whole stack, sync and async (the `visit` fixture)."""

import threading
from collections.abc import Callable
from datetime import datetime

import pytest
from asgiref.sync import async_to_sync
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sites.models import Site
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils.functional import SimpleLazyObject

from maintenance_windows.core.state import Level
from maintenance_windows.exceptions import Refused
from maintenance_windows.middleware import MaintenanceModeMiddleware
from maintenance_windows.models import IgnoredURL, MaintenanceWindow, Transition
from maintenance_windows.planning import windows
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.snapshot import runtime
from tests.helpers.times import FOUR, HOUR, MINUTE, SECOND, TWO

MILLISECOND = SECOND / 1000


@pytest.fixture
def bob(transactional_db: None) -> User:
    return User.objects.create_user("bob", password="secret", is_staff=True)


@pytest.fixture
def visitor(transactional_db: None) -> User:
    return User.objects.create_user("visitor", password="secret")


@pytest.mark.parametrize(
    ("moment", "status", "retry_after"),
    [
        (TWO - MILLISECOND, 200, None),
        (TWO, 503, "7200"),
        (TWO + MILLISECOND, 503, "7200"),
        (TWO + SECOND, 503, "7199"),
        (FOUR - SECOND - MILLISECOND, 503, "2"),
        (FOUR - SECOND, 503, "1"),
        (FOUR - MILLISECOND, 503, "1"),
        (FOUR, 200, None),
    ],
)
def test_a_window_is_half_open(acme, plan, at, visit, moment, status, retry_after):
    plan(acme)
    at(moment)
    answer = visit()
    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == retry_after


def test_window_starts_and_ends_from_memory(acme, plan, at, visit):
    plan(acme)
    at(TWO - MINUTE)
    assert visit().status_code == 200
    snapshot = runtime.current()
    MaintenanceWindow.objects.all().delete()  # from now on only memory knows of the window
    at(TWO)
    assert runtime.current() is snapshot
    assert visit().status_code == 503
    at(FOUR)
    assert visit().status_code == 200


def test_503_forbids_caching_and_shows_message(acme, plan, at, visit):
    plan(acme, title="internal", message="A bigger <b>database</b>.")
    at(TWO)
    answer = visit()
    assert answer.headers["Cache-Control"] == "no-store"
    assert "A bigger &lt;b&gt;database&lt;/b&gt;." in answer.text
    assert "internal" not in answer.text


def test_other_sites_stay_up(acme, globex, plan, at, visit):
    plan(acme)
    at(TWO)
    assert visit(host="acme.example").status_code == 503
    assert visit(host="ACME.example:8000").status_code == 503
    assert visit(host="globex.example").status_code == 200
    assert visit(host="nobody.example").status_code == 200


def test_disallowed_host_gets_400(acme, plan, at, visit):
    plan(acme)
    at(TWO)
    assert visit(host="evil.invalid").status_code == 400


def test_exempt_path_serves_disallowed_host(acme, plan, at, visit, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Common" not in name]
    plan(acme)
    at(TWO)
    assert visit("/healthz", host="evil.invalid").status_code == 200


def test_domain_with_port_is_its_own_site(acme, plan, at, visit):
    Site.objects.create(domain="acme.example:9999")
    plan(acme)
    at(TWO)
    assert visit(host="acme.example:8000").status_code == 503
    assert visit(host="acme.example:9999").status_code == 200


def test_site_id_overrides_host(acme, plan, at, visit, settings):
    plan(acme)
    at(TWO)
    settings.SITE_ID = acme.pk
    assert visit(host="globex.example").status_code == 503
    settings.SITE_ID = acme.pk + 1
    assert visit(host="acme.example").status_code == 200


def test_touching_windows_are_one_outage(acme, plan, at, visit):
    plan(acme, TWO, FOUR)
    plan(acme, FOUR, FOUR + HOUR)
    at(TWO)
    assert visit().headers["Retry-After"] == "10800"
    at(FOUR)
    assert visit().headers["Retry-After"] == "3600"


def test_long_chain_of_windows_is_one_outage(acme, plan, at, visit):
    for hours in range(0, 60, 2):
        plan(acme, TWO + hours * HOUR, TWO + (hours + 2) * HOUR)
    at(TWO)
    assert visit().headers["Retry-After"] == str(60 * 3600)


def test_end_of_inner_window_keeps_site_down(acme, plan, at, visit):
    plan(acme)
    plan(acme, TWO + 10 * MINUTE, TWO + 20 * MINUTE)
    at(TWO + 20 * MINUTE)
    assert visit().headers["Retry-After"] == "6000"


def test_held_site_uses_default_retry_after(acme, at, visit, settings):
    at(TWO)
    take_down([acme], message="Back when it is back.")
    answer = visit()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "300")
    assert "Back when it is back." in answer.text
    for seconds, header in ((1.5, "2"), (0, "1"), (-5, "300")):
        settings.MAINTENANCE_RETRY_AFTER = seconds
        assert visit().headers["Retry-After"] == header
    settings.MAINTENANCE_RETRY_AFTER = None
    assert "Retry-After" not in visit().headers


@pytest.mark.parametrize("level", ["full", "read_only"])
def test_held_site_gets_an_end_without_coming_up(acme, globex, at, visit, level):
    at(TWO)
    take_down([acme], message="Back soon.", actor="bob")
    take_down([acme, globex], until=FOUR, level=level, actor="alice")
    assert visit(method="POST").headers["Retry-After"] == "7200"
    assert visit().status_code == (503 if level == "full" else 200)
    assert "Back soon." in visit(method="POST").text
    assert "Back soon." not in visit(method="POST", host="globex.example").text
    took_down = Transition.objects.get(site=acme)
    assert (took_down.in_maintenance, took_down.actor) == (True, "bob")
    at(FOUR)
    assert visit().status_code == visit(method="POST").status_code == 200


def test_refused_end_leaves_site_held(acme, at, visit):
    at(TWO)
    take_down([acme])
    with pytest.raises(Refused):
        take_down([acme], until=TWO - HOUR)
    at(FOUR + HOUR)
    assert visit().headers["Retry-After"] == "300"


def test_take_down_and_bring_up_apply_to_next_request(acme, at, visit):
    at(TWO)
    assert visit().status_code == 200
    take_down([acme])
    assert visit().status_code == 503
    bring_up([acme])
    assert visit().status_code == 200


@pytest.mark.parametrize(
    ("method", "status"),
    [("GET", 200), ("HEAD", 200), ("OPTIONS", 200), ("POST", 503), ("PUT", 503), ("BREW", 503)],
)
def test_read_only_refuses_writes(acme, plan, at, visit, method, status):
    plan(acme, level=Level.READ_ONLY)
    at(TWO)
    assert visit(method=method).status_code == status


def test_the_strictest_level_wins(acme, plan, at, visit):
    plan(acme, level=Level.READ_ONLY)
    plan(acme, TWO + HOUR, FOUR + HOUR)
    at(TWO)
    assert visit().status_code == 200
    assert visit(method="POST").headers["Retry-After"] == "10800"
    at(TWO + HOUR)
    assert visit().status_code == 503


def test_staff_and_superusers_pass(acme, plan, at, visit, alice, bob):
    plan(acme)
    at(TWO)
    assert visit(user=alice).status_code == 200
    assert visit(user=bob).status_code == 200


def test_other_users_get_503(acme, plan, at, visit, visitor, bob):
    plan(acme)
    at(TWO)
    assert visit(user=visitor).status_code == 503
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert visit(user=bob).status_code == 503


def test_inactive_staff_get_503_with_any_backend(acme, plan, at, visit, bob, settings):
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.AllowAllUsersModelBackend"]
    User.objects.filter(pk=bob.pk).update(is_active=False)
    plan(acme)
    at(TWO)
    assert visit(user=bob).status_code == 503


def test_block_staff_blocks_staff_but_not_superusers(acme, plan, at, visit, alice, bob, settings):
    settings.MAINTENANCE_BLOCK_STAFF = True
    plan(acme)
    at(TWO)
    assert visit(user=bob).status_code == 503
    assert visit(user=alice).status_code == 200


def test_internal_ips_pass(acme, plan, at, visit, settings):
    settings.INTERNAL_IPS = ["192.0.2.7"]
    plan(acme)
    at(TWO)
    assert visit(address="192.0.2.7").status_code == 200
    assert visit(address="192.0.2.77").status_code == 503


@pytest.mark.parametrize(
    ("kind", "pattern", "open_path", "closed_path"),
    [
        ("route", "contact/", "/contact/", "/contact/us/"),
        ("route", "contact/", "/contact/", "//contact/"),
        ("route", "api/<path:rest>", "/api/v1/items", "/apis/v1"),
        ("route", "item/<int:pk>/", "/item/7/", "/item/seven/"),
        ("regex", r"^api/", "/api/v1", "/v1/api/"),
        ("regex", r"^$", "/", "/x"),
        ("regex", r"^item/\d+/$", "/item/7/", "/item/7/edit"),
    ],
)
def test_ignored_urls_pass(acme, plan, at, visit, kind, pattern, open_path, closed_path):
    IgnoredURL.objects.create(maintenance=acme.maintenance, kind=kind, pattern=pattern)
    plan(acme)
    at(TWO)
    assert visit(open_path).status_code in {200, 404}
    assert visit(closed_path).status_code == 503


def test_ignored_urls_apply_to_their_site_only(acme, globex, plan, at, visit):
    IgnoredURL.objects.create(maintenance=globex.maintenance, pattern="contact/")
    plan(acme)
    at(TWO)
    assert visit("/contact/").status_code == 503


def test_broken_pattern_in_database_leaves_others_working(acme, plan, at, visit):
    IgnoredURL.objects.create(maintenance=acme.maintenance, kind="regex", pattern="(")
    IgnoredURL.objects.create(maintenance=acme.maintenance, kind="regex", pattern="^contact/$")
    plan(acme)
    at(TWO)
    assert visit("/contact/").status_code == 404
    assert visit("/").status_code == 503


def test_admin_ignored_urls_setting_exempts_paths(acme, plan, at, visit, settings):
    settings.MAINTENANCE_ADMIN_IGNORED_URLS = [r"^backstage/"]
    plan(acme)
    at(TWO)
    assert visit("/backstage/").status_code == 404
    settings.MAINTENANCE_ADMIN_IGNORED_URLS = r"^backstage/"
    assert visit("/backstage/").status_code == 404
    assert visit("/news/").status_code == 503
    assert visit("/stage/backstage/").status_code == 503


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/admin/", 302),
        ("/admin/login/", 200),
        ("/admin/no/such/page/", 302),
        ("/admin", 301),
        ("/adminfoo", 503),
        ("/adminfoo/", 503),
        ("//admin/", 503),
        ("/ADMIN/", 503),
        ("/x/admin/", 503),
    ],
)
def test_admin_stays_reachable(acme, plan, at, visit, path, status):
    plan(acme)
    at(TWO)
    assert visit(path).status_code == status


class Translated:
    urlpatterns = i18n_patterns(path("backstage/", admin.site.urls))


@pytest.mark.parametrize(
    ("path", "status"),
    [("/en/backstage/", 302), ("/backstage/", 302), ("/en/", 503), ("/", 503)],
)
def test_admin_under_language_prefix_stays_reachable(acme, plan, at, visit, settings, path, status):
    settings.ROOT_URLCONF = Translated
    settings.MIDDLEWARE = [*settings.MIDDLEWARE]
    settings.MIDDLEWARE.insert(3, "django.middleware.locale.LocaleMiddleware")
    plan(acme)
    at(TWO)
    assert visit(path).status_code == status


def test_broken_pattern_in_settings_leaves_others_working(acme, plan, at, visit, settings):
    settings.MAINTENANCE_ADMIN_IGNORED_URLS = ["(", None, "^backstage/"]
    plan(acme)
    at(TWO)
    assert visit("/backstage/").status_code == 404
    assert visit("/").status_code == 503
    assert visit("/admin/login/").status_code == 200


class Elsewhere:
    urlpatterns = [path("backstage/", admin.site.urls)]


def test_admin_at_other_path_stays_reachable(acme, plan, at, visit, settings):
    settings.ROOT_URLCONF = Elsewhere
    plan(acme)
    at(TWO)
    assert visit("/backstage/login/").status_code == 200
    assert visit("/admin/login/").status_code == 503


@pytest.mark.parametrize(
    "path", ["/healthz", "/livez", "/robots.txt", "/.well-known/acme-challenge/x"]
)
def test_health_checks_and_robots_txt_stay_reachable(acme, plan, at, visit, path):
    plan(acme)
    at(TWO)
    assert visit(path).status_code in {200, 404}


@pytest.mark.parametrize("path", ["/robots.txt/", "/healthzz", "/.well-known/other", "/x/healthz"])
def test_lookalikes_of_health_checks_get_503(acme, plan, at, visit, path):
    plan(acme)
    at(TWO)
    assert visit(path).status_code == 503


def test_site_that_is_up_needs_no_query_and_no_vary(
    acme, globex, plan, at, visit, visitor, settings
):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Locale" not in name]
    plan(globex)  # windows of other sites change nothing
    at(TWO)
    visit(user=visitor)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = visit()
    assert answer.status_code == 200
    assert len(queries) == 0
    assert "Vary" not in answer.headers


def test_503_without_session_needs_no_query(acme, plan, at, visit):
    plan(acme)
    at(TWO)
    visit()
    with CaptureQueriesContext(connection) as queries:
        assert visit().status_code == 503
    assert len(queries) == 0


BEHIND = {"HTTP_HOST": "globex.example", "HTTP_X_FORWARDED_HOST": "acme.example"}


@pytest.mark.parametrize(
    ("trusted", "environ", "status"),
    [
        (False, BEHIND, 200),
        (True, BEHIND, 503),
        (True, {"HTTP_HOST": "acme.example"}, 503),
        (False, {"SERVER_NAME": "acme.example"}, 503),
        (False, {"SERVER_NAME": "acme.example", "SERVER_PORT": "8000"}, 503),
        (True, {"HTTP_HOST": "acme.example", "HTTP_X_FORWARDED_HOST": ""}, 400),
    ],
)
def test_host_follows_use_x_forwarded_host(
    acme, globex, plan, at, client, settings, trusted, environ, status
):
    settings.USE_X_FORWARDED_HOST = trusted
    plan(acme)
    at(TWO)
    assert client.get("/", **environ).status_code == status


def test_maintenance_503_stays_out_of_error_log(acme, plan, at, visit, caplog):
    plan(acme)
    at(TWO)
    assert visit().status_code == 503
    assert "django.request" not in {record.name for record in caplog.records}


def test_other_503_reaches_error_log(transactional_db, visit, caplog):
    assert visit("/readyz").status_code == 503
    errors = [record for record in caplog.records if record.name == "django.request"]
    assert [record.getMessage() for record in errors] == ["Service Unavailable: /readyz"]


def test_project_template_overrides_default(acme, plan, at, visit, settings):
    pages = {"503.html": "theirs {{ retry_after }}", "own/503.html": "their other one"}
    settings.TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {"loaders": [("django.template.loaders.locmem.Loader", pages)]},
        }
    ]
    plan(acme)
    at(TWO)
    assert visit().text == "theirs 7200"
    settings.MAINTENANCE_503_TEMPLATE = "own/503.html"
    assert visit().text == "their other one"


def test_page_contains_no_data_of_visitor(acme, plan, at, visit, visitor, settings):
    """The page is rendered once for all visitors, so context processors see no real visitor."""
    page = (
        "{{ user.is_anonymous }} {{ request.session.secret }} {{ request.get_host }}{{ messages }}"
    )
    settings.TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "loaders": [("django.template.loaders.locmem.Loader", {"503.html": page})],
                "context_processors": [
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                    "django.template.context_processors.request",
                ],
            },
        }
    ]
    plan(acme)
    at(TWO)
    assert visit(user=visitor).text == "True  acme.example[]"


def test_staff_get_503_while_sessions_are_unreadable(acme, plan, at, visit, alice):
    plan(acme)
    at(TWO)
    assert visit(user=alice).status_code == 200

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_session RENAME TO away")
    try:
        assert visit().status_code == 503
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO django_session")


class LateUser:
    """A request whose user finishes loading at the given time."""

    def __init__(self, move: Callable[[datetime], None], until: datetime) -> None:
        self.request = RequestFactory().get("/", headers={"host": "acme.example"})
        self.request.user = SimpleLazyObject(lambda: move(until) or AnonymousUser())

        async def auser() -> AnonymousUser:
            move(until)
            return AnonymousUser()

        self.request.auser = auser


@pytest.mark.parametrize(("until", "status"), [(FOUR - SECOND, 503), (FOUR, 200)])
@pytest.mark.parametrize("way", ["sync", "async"])
def test_response_uses_time_after_user_loads(acme, plan, at, way, until, status):
    plan(acme)
    at(FOUR - MINUTE)
    request = LateUser(at, until).request
    if way == "sync":
        answer = MaintenanceModeMiddleware(lambda _: HttpResponse())(request)
    else:

        async def get_response(_: HttpRequest) -> HttpResponse:
            return HttpResponse()

        answer = async_to_sync(MaintenanceModeMiddleware(get_response).__acall__)(request)
    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == ("1" if status == 503 else None)


def test_request_without_auth_middleware_gets_503(acme, plan, at, visit, settings):
    left = ("Authentication", "Message")
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not any(x in name for x in left)]
    plan(acme)
    at(TWO)
    assert visit().status_code == 503


async def test_async_middleware_stays_on_its_thread(transactional_db):
    seen: list[int] = []

    async def get_response(request: HttpRequest) -> HttpResponse:
        seen.append(threading.get_ident())
        return HttpResponse()

    middleware = MaintenanceModeMiddleware(get_response)
    request = RequestFactory().get("/", headers={"host": "acme.example"})
    assert (await middleware(request)).status_code == 200
    assert seen == [threading.get_ident()]


def test_page_times_use_project_time_zone(acme, plan, at, visit, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    plan(acme)
    at(TWO)
    assert "Back on Nov. 4, 2029, 5 a.m.</time> <small>(<bdi>Europe/Berlin</bdi>)" in visit().text


def test_window_started_early_takes_site_down(acme, plan, at, visit):
    window = plan(acme)
    early: datetime = TWO - 30 * MINUTE
    at(early)
    windows.start(window.pk)
    assert visit().headers["Retry-After"] == "9000"


def test_renamed_site_matches_new_domain(acme, plan, at, visit):
    plan(acme)
    Site.objects.filter(pk=acme.pk).update(domain="new.example")
    at(TWO)
    assert visit(host="new.example").status_code == 503
    assert visit(host="acme.example").status_code == 200
