"""System checks of URLs: ours lead to us, and log-ins and health checks stay reachable."""

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.core.checks import run_checks
from django.http import HttpResponse
from django.urls import include, path, re_path, set_script_prefix
from django.views import View
from django.views.decorators.http import require_safe

from maintenance_windows.decorators import maintenance_exempt

pytestmark = pytest.mark.any_database

OURS = path("maintenance/", include("maintenance_windows.urls"))
ADMIN = path("admin/", admin.site.urls)


def view(request):
    return HttpResponse("here")


@maintenance_exempt
def exempt(request):
    return HttpResponse("here")


CATCH_ALL = re_path(r"^((?:[\w\-]+/)*)$", view, name="pages")
LOGIN = path("accounts/login/", view, name="account_login")


def issues(settings, *patterns) -> list[tuple[str, str]]:
    """Return the number and the text of each message, without those that query the database."""
    settings.ROOT_URLCONF = type("Project", (), {"urlpatterns": patterns})
    return [
        (message.id.removeprefix("maintenance_windows."), message.msg)
        for message in run_checks(tags=["maintenance_windows"], databases=[])
    ]


def test_check_w017_reports_catch_all_before_ours(settings):
    assert issues(settings, CATCH_ALL, OURS) == [
        ("W017", "/maintenance/ leads to pages, so maintenance_windows:public cannot be reached.")
    ]
    assert issues(settings, OURS, CATCH_ALL) == []
    assert issues(settings, CATCH_ALL) == []
    assert issues(settings, *i18n_patterns(OURS)) == []


@pytest.mark.parametrize("name", ["public", "status", "calendar", "bypass"])
def test_check_w017_tells_ours_by_view(settings, name):
    """Another app of the project may have our name."""
    route = {"bypass": "<path:token>/"}.get(name, f"{name}/")
    namesake = include(([path(route, view, name=name)], "maintenance_windows"))
    ((number, sentence),) = issues(settings, path("plans/", namesake))
    assert number == "W017"
    assert sentence.endswith(f"so maintenance_windows:{name} cannot be reached.")


def test_check_w018_reports_home_page_as_login_url(settings):
    settings.LOGIN_URL = "/"
    assert issues(settings, ADMIN, path("", view)) == [
        (
            "W018",
            "LOGIN_URL leads to /, which answers 503 while the site is down, so staff who are not "
            "logged in cannot log in there.",
        )
    ]
    settings.MAINTENANCE_EXEMPT_PATHS = ["/"]
    assert issues(settings, path("", view)) == []


@pytest.mark.parametrize(
    ("route", "name"),
    [
        ("accounts/2fa/authenticate/", "mfa_authenticate"),
        ("oidc/callback/", "oidc_authentication_callback"),
        ("saml2/acs/", "saml2_acs"),
    ],
)
@pytest.mark.parametrize("prefix", ["/", "/app/"])
def test_check_w018_reports_rest_of_login(settings, route, name, prefix):
    set_script_prefix(prefix)
    try:
        ((number, sentence),) = issues(settings, ADMIN, LOGIN, path(route, view, name=name))
        assert (number, sentence.partition(",")[0]) == ("W018", f"{name} leads to /{route}")
        settings.MAINTENANCE_EXEMPT_URL_NAMES = [name[:3] + "*"]
        assert issues(settings, ADMIN, LOGIN, path(route, view, name=name)) == []
    finally:
        set_script_prefix("/")


LOGIN_URLS = [
    "/accounts/login/?next=/", "account_login", "admin:login", "no_such_name", "", None,
    "https://sso.example/login",
]  # fmt: skip


@pytest.mark.parametrize("login_url", LOGIN_URLS)
def test_login_that_is_exempt_gives_no_message(settings, login_url):
    settings.LOGIN_URL = login_url
    taken = path("admin/login/", view, name="sign_in")
    cms = path("cms/login/", view, name="wagtailadmin_login")
    assert issues(settings, taken, ADMIN, LOGIN, cms) == []
    assert issues(settings, ADMIN) == []
    assert issues(settings, ADMIN, CATCH_ALL) == []


def w022(settings, *patterns) -> str:
    """Return the paths that the check names."""
    found = issues(settings, *patterns)
    assert {number for number, _ in found} <= {"W022"}
    return "".join(sentence.partition(": ")[2] for _, sentence in found)


@pytest.mark.parametrize(
    ("route", "path_"),
    [
        ("health/", "/health/"),
        ("health", "/health"),
        ("ht/", "/ht/"),
        ("up", "/up"),
        ("ping/", "/ping/"),
        ("status/", "/status/"),
        ("metrics", "/metrics"),
        ("api/v1/health/", "/api/v1/health/"),
        ("internal/readyz", "/internal/readyz"),
        (re_path(r"^healthcheck/?$", view), "/healthcheck"),
        (re_path(r"^api/health\.json$", view), ""),
        (path("api/", include([re_path(r"^health/$", view)])), "/api/health/"),
        (path("sys/", include(([path("liveness", view)], "sys"))), "/sys/liveness"),
        (i18n_patterns(path("ht/", view))[0], ""),
        (i18n_patterns(path("health/", view))[0], "/en/health/"),
        ("healthz", ""),
        ("healthz/", ""),
        ("__heartbeat__", ""),
        ("people/up/", ""),
        ("orders/status/", ""),
        ("<slug:section>/health/", ""),
        (re_path(r"^(?P<section>\w+)/health/$", view), ""),
        ("healthy-food/", ""),
        (path("health/", exempt), ""),
    ],
)
def test_check_w022_reports_closed_health_checks(settings, route, path_):
    pattern = path(route, view) if isinstance(route, str) else route
    assert w022(settings, pattern) == path_


def test_check_w022_knows_packages_and_settings(settings):
    def of_package(request):
        """A view of django-health-check."""

    of_package.__module__ = "health_check.views"
    checks = path("system/", include([path("", of_package), path("<str:one>/", of_package)]))
    assert w022(settings, checks, path("up", view)) == "/system/, /up"
    settings.MAINTENANCE_EXEMPT_PATHS = ["/system"]  # which Django redirects
    assert w022(settings, checks, path("up", view)) == "/up"
    settings.MAINTENANCE_EXEMPT_URL_NAMES = ["probes:*"]
    named = path("p/", include(([path("health/", view, name="live")], "probes")))
    assert w022(settings, checks, named) == ""


def test_check_w022_lists_a_few(settings):
    many = [path(f"v{number}/health/", view) for number in range(8)]
    *_, last = w022(settings, *many).split(", ")
    assert last == "/v4/health/ and 3 more"


def test_check_w023_reports_mark_that_no_url_leads_to(settings, of_project):
    def hook(request):
        return HttpResponse("here")

    def silent(function):
        """A decorator without functools.wraps."""

        def inner(request):
            return function(request)

        return inner

    hook = of_project(hook)

    class Hooks(View):
        def post(self, request):
            return HttpResponse("here")

        post = of_project(post)

    assert issues(settings, path("hook/", hook), path("hooks/", Hooks.as_view())) == []
    assert issues(settings, path("hook/", require_safe(hook)), path("x/", Hooks.as_view())) == []
    name = "project.views.test_check_w023_reports_mark_that_no_url_leads_to.<locals>"
    assert issues(settings, path("hook/", silent(hook))) == [
        (
            "W023",
            f"No URL leads to the mark of @maintenance_exempt on {name}.{one}, so it exempts "
            "nothing.",
        )
        for one in ("Hooks.post", "hook")
    ]


def test_project_without_urls_gives_no_message(settings):
    settings.ROOT_URLCONF = "no.such.module"
    found = run_checks(tags=["maintenance_windows"], databases=[])
    assert found == []
    del settings.ROOT_URLCONF
    assert run_checks(tags=["maintenance_windows"], databases=[]) == []
