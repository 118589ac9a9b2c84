"""The pages where people log in stay reachable while a site is down, wherever they are."""

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path, re_path, reverse_lazy, set_script_prefix

from maintenance_windows.core.state import Level
from maintenance_windows.models import SiteMaintenance
from maintenance_windows.planning.sites import take_down

pytestmark = pytest.mark.any_database


def page(request, **_):
    return HttpResponse(f"a page for {request.method}")


def other_urls(get_response):
    """A middleware that chooses the URLs of a request, as that of django-hosts does."""

    def middleware(request):
        if "x-desk" in request.headers:
            request.urlconf = Desk
        return get_response(request)

    return middleware


class Desk:
    urlpatterns = [path("desk/sign-in/", page, name="sign_in"), path("", page)]


class Accounts:
    urlpatterns = [
        path("", page, name="home"),
        path("accounts/login/", page, name="account_login"),
        path("accounts/2fa/", page, name="mfa_authenticate"),
        path("accounts/2fa/trust/", page, name="mfa_trust"),
        path("accounts/signup/", page, name="account_signup"),
        path("accounts/logout/", page, name="account_logout"),
        path("sso/<slug:tenant>/", page, name="sso"),
    ]


@pytest.fixture
def down(settings, acme):
    settings.ROOT_URLCONF = Accounts
    take_down([acme])
    return acme


@pytest.mark.parametrize(
    "login_url",
    [
        "/accounts/login/",
        "/accounts/login",
        "/accounts/login/?via=sso#top",
        "account_login",
        reverse_lazy("account_login"),
        "https://acme.example/accounts/login/",
        "https://ACME.example/accounts/login/",
    ],
)
def test_login_url_stays_reachable(down, visit, settings, login_url):
    settings.LOGIN_URL = login_url
    for method in ("GET", "POST"):
        assert visit("/accounts/login/", method=method).text == f"a page for {method}"
    assert visit("/accounts/login").status_code == 301
    for other in ("/", "/accounts/", "/accounts/login/x", "//accounts/login/", "/accounts/signup/"):
        assert visit(other).status_code == 503, other


@pytest.mark.parametrize(
    "login_url",
    ["/", "home", "", None, "no_such_name", "sso", "https://sso.example/accounts/2fa/", "login/"],
)
def test_login_url_elsewhere_exempts_nothing(down, visit, settings, login_url):
    settings.LOGIN_URL = login_url
    for other in ("/", "", "/accounts/2fa/", "/login/", "/sso/acme/"):
        assert visit(other).status_code == 503, other


def test_login_accepts_posts_in_read_only_mode(down, visit):
    take_down([down], level=Level.READ_ONLY)
    assert visit("/accounts/login/", method="POST").status_code == 200
    assert visit("/accounts/logout/", method="POST").status_code == 503


def test_rest_of_login_is_named_by_setting(down, visit, settings):
    assert visit("/accounts/2fa/").status_code == 503
    settings.MAINTENANCE_EXEMPT_URL_NAMES = ["mfa_*"]
    for level in (Level.FULL, Level.READ_ONLY):
        take_down([down], level=level)
        for path_ in ("/accounts/2fa/", "/accounts/2fa/trust/"):
            assert visit(path_, method="POST").status_code == 200
    assert visit("/accounts/signup/", method="POST").status_code == 503


class Translated:
    urlpatterns = i18n_patterns(
        path("", page, name="home"), path("login/", page, name="sign_in"), path("x/", page)
    )


@pytest.mark.parametrize("login_url", ["/login/", "sign_in"])
def test_login_url_follows_language_prefix(down, visit, settings, login_url):
    settings.ROOT_URLCONF, settings.LOGIN_URL = Translated, login_url
    for path_ in ("/en/login/", "/de/login/"):
        assert visit(path_).status_code == 200
    assert visit("/de/login").status_code == 301
    redirected = 302 if login_url == "/login/" else 503
    assert visit("/login/", accept_language="fr").status_code == redirected
    assert visit("/de/x/").status_code == 503


def test_home_page_in_any_language_gets_503(down, visit, settings):
    settings.ROOT_URLCONF, settings.LOGIN_URL = Translated, "home"
    for path_ in ("/", "/en/", "/de/", "/de"):
        assert visit(path_).status_code == 503


def test_login_url_follows_urlconf_of_request(down, visit, settings):
    settings.LOGIN_URL = "sign_in"
    settings.MIDDLEWARE = [f"{__name__}.other_urls", *settings.MIDDLEWARE]
    assert visit("/desk/sign-in/").status_code == 503
    assert visit("/desk/sign-in/", x_desk="1").status_code == 200
    assert visit("/", x_desk="1").status_code == 503


def test_login_url_follows_script_name(down, settings):
    """A name is reversed with SCRIPT_NAME; path_info has no such prefix."""
    settings.LOGIN_URL = "account_login"
    try:
        for path_, status in {"/accounts/login/": 200, "/": 503}.items():
            answer = Client().request(PATH_INFO=path_, SCRIPT_NAME="/app", HTTP_HOST="acme.example")
            assert answer.status_code == status
    finally:
        set_script_prefix("/")


class EverythingElse:
    """A single-page application behind one view."""

    urlpatterns = [re_path("^.*$", page)]


def test_login_of_catch_all_exempts_only_its_path(down, visit, settings):
    settings.ROOT_URLCONF = EverythingElse
    assert visit("/accounts/login/").status_code == 200
    assert visit("/shop/").status_code == 503


office = admin.AdminSite("office")
office.login = login_required(office.login)


class Single:
    """An admin that sends people to LOGIN_URL, another below a view of its own, and a CMS."""

    urlpatterns = [
        path("office/", office.urls),
        path("admin/login/", LoginView.as_view(template_name="admin/login.html")),
        path("admin/", admin.site.urls),
        path("cms/", include(([path("login/", page, name="login")], "dashboard"))),
        path("editors/login/", page, name="wagtailadmin_login"),
        path("editors/sso/", page),
        path("auth/", page, name="account_login"),
    ]


def test_logins_of_packages_stay_reachable(down, visit, settings):
    settings.ROOT_URLCONF = Single
    settings.LOGIN_URL, settings.WAGTAILADMIN_LOGIN_URL = "/editors/sso/", "/editors/sso/"
    logins = ("/admin/login/", "/cms/login/", "/editors/login/", "/editors/sso/", "/auth/")
    for path_ in logins:
        assert visit(path_).status_code == 200, path_
    answer = visit("/office/login/")
    assert (answer.status_code, answer.headers["Location"][:14]) == (302, "/editors/sso/?")
    assert visit("/cms/").status_code == 503


def test_staff_log_in_while_site_is_down(down, alice, settings):
    """From the admin over LOGIN_URL to the button that brings the site up."""
    settings.ROOT_URLCONF = Whole
    client = Client(headers={"host": "acme.example"})
    page_ = client.get("/office/", follow=True)
    assert page_.redirect_chain[-1][0].startswith("/accounts/login/")
    asked = {"username": "alice", "password": "secret", "next": "/office/"}
    assert client.get("/shop/").status_code == 503
    answer = client.post("/accounts/login/", asked)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/office/")
    assert client.get("/shop/").status_code == 200
    assert SiteMaintenance.objects.get(site=down).in_maintenance


class Whole:
    urlpatterns = [
        path("office/", office.urls),
        path("accounts/login/", LoginView.as_view(template_name="admin/login.html")),
        path("admin/", admin.site.urls),
        path("shop/", page),
    ]
