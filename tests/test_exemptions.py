"""Paths and views that stay reachable while a site is down, and look-alikes that do not."""

import time
from typing import ClassVar

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.contrib.staticfiles.views import serve as serve_static
from django.http import HttpResponse
from django.urls import include, path, re_path, register_converter
from django.utils.decorators import method_decorator
from django.views import View
from django.views.static import serve

from maintenance_windows.decorators import maintenance_exempt, maintenance_required
from maintenance_windows.models import IgnoredURL
from tests.helpers.times import SECOND, TWO

pytestmark = pytest.mark.any_database


def page(request, **_):
    return HttpResponse("a page")


@maintenance_exempt
def exempt_view(request):
    return HttpResponse("open")


@maintenance_exempt
async def aexempt_view(request):
    return HttpResponse("open")


@maintenance_exempt
class ExemptView(View):
    def get(self, request):
        return HttpResponse("open")


@method_decorator(maintenance_exempt, name="dispatch")
class AsyncExemptView(View):
    async def get(self, request):
        return HttpResponse("open")


@maintenance_required
def required_view(request):
    return HttpResponse("guarded")


@maintenance_required
async def arequired_view(request):
    return HttpResponse("guarded")


@maintenance_required
class RequiredView(View):
    def get(self, request):
        return HttpResponse("guarded")


@maintenance_required
class AsyncRequiredView(View):
    async def get(self, request):
        return HttpResponse("guarded")


shop = [path("paid/", page, name="paid"), path("cart/", page, name="cart")]


class Mounted:
    """URLs with a catch-all as in a CMS: a path that passes by mistake gets a page."""

    urlpatterns = [
        path("admin/", admin.site.urls),
        path("maintenance/", include("maintenance_windows.urls")),
        re_path("^assets/(?P<path>.*)$", serve_static, {"insecure": True}),
        re_path("^media/(?P<path>.*)$", serve, {"document_root": "/nowhere"}),
        path("opened/", exempt_view),
        path("aopened/", aexempt_view),
        path("class/", ExemptView.as_view()),
        path("aclass/", AsyncExemptView.as_view()),
        path("guarded/", maintenance_exempt(required_view)),
        path("aguarded/", maintenance_exempt(arequired_view)),
        path("guarded-class/", maintenance_exempt(RequiredView.as_view())),
        path("guarded-aclass/", maintenance_exempt(AsyncRequiredView.as_view())),
        *i18n_patterns(path("shop/", include((shop, "shop")))),
        re_path("^", page),
    ]


@pytest.fixture
def mounted(settings, acme, plan, at):
    settings.ROOT_URLCONF = Mounted
    settings.MAINTENANCE_EXEMPT_PATHS = ["/status"]
    settings.MAINTENANCE_EXEMPT_PREFIXES = ["/hooks/", "/feeds"]
    settings.MAINTENANCE_EXEMPT_URL_NAMES = ["shop:paid"]
    settings.MAINTENANCE_ADMIN_IGNORED_URLS = [r"^news/\d+$"]
    IgnoredURL.objects.create(maintenance=acme.maintenance, pattern="contact/<path:rest>")
    plan(acme)
    at(TWO)


OPEN = [
    "/robots.txt",
    "/healthz",
    "/livez",
    "/readyz",
    "/healthz/",
    "/livez/",
    "/readyz/",
    "/__heartbeat__",
    "/__lbheartbeat__",
    "/.well-known/acme-challenge/token",
    "/.well-known/pki-validation/fileauth.txt",
    "/status",
    "/hooks",
    "/hooks/",
    "/hooks/stripe/1",
    "/feeds/all.xml",
    "/news/7",
    "/contact/us/today",
    "/en/shop/paid/",
    "/de/shop/paid/",
    "/admin/login/",
    "/media/logo.png",
    "/assets/nothing.css",
    "/opened/",
    "/aopened/",
    "/class/",
    "/aclass/",
]


@pytest.mark.parametrize("path", OPEN)
def test_exempt_paths_stay_reachable(mounted, visit, path):
    assert visit(path).status_code != 503


# Each is a detour to an exempt path or a look-alike of one.
TRICKS = [
    "/",
    "",
    "*",
    "//",
    "//admin",
    "//admin/login/",
    "/./admin/login/",
    "/admin/../x",
    "/ADMIN/login/",
    "/admin;x/login/",
    "/robots.txt/",
    "/robots.txt/../x",
    "/x/../robots.txt",
    "/robots.txt/..",
    "/ROBOTS.TXT",
    "/robots.txt.",
    "/robots.txt;x",
    "/robots.txt\n",
    "/robots.txt\0",
    "/robots.txt ",
    "//robots.txt",
    "/%72obots.txt",
    "/healthz/x",
    "/healthz//",
    "/HEALTHZ/",
    "/__heartbeat__/x",
    "/__version__",
    "/.well-known/security.txt",
    "/.well-known/acme-challenge/../x",
    "/.well-known/acme-challenge/%2e%2e/x",
    "/.well-known/acme-challenge/.%2E/x",
    "/.well-known/acme-challenge/..;/x",
    "/.well-known/acme-challenge/..%2fx",
    "/.well-known/acme-challenge/..\\x",
    "/.well-known/acme-challenge//x",
    "/.well-known/acme-challenge/x/..",
    "/.well-known/acme-challengex/y",
    "/status/",
    "/status/x",
    "/statusx",
    "/hooksx",
    "/hooks.",
    "/hooks/../x",
    "/hooks/./x",
    "/hooks//x",
    "/hooks/x/%2e%2e/y",
    "/Hooks/x",
    "/x/hooks/y",
    "/feeds%2fx",
    "/news/7/",
    "/news/7\n",
    "/news/7/../8",
    "/contact/",
    "/contact/../x",
    "/contact/%2e%2e/x",
    "/contact/a//b",
    "/contactx/us",
    "/en/shop/cart/",
    "/xx/shop/paid/",
    "/en/shop/paid/x",
    "/static/../x",
    "/opened/x",
    "/openedx/",
]


@pytest.mark.parametrize("path", TRICKS)
def test_lookalike_paths_get_503(mounted, visit, path):
    assert visit(path).status_code == 503


@pytest.mark.parametrize(
    ("path", "status"),
    [("/healthz", 404), ("/hooks/x", 404), ("/app/healthz", 503), ("/app/hooks/x", 503)],
)
def test_exempt_paths_are_relative_to_script_name(mounted, client, settings, path, status):
    """SCRIPT_NAME is where the site is mounted and no part of the requested path."""
    settings.ROOT_URLCONF = Sparse
    answer = client.request(PATH_INFO=path, SCRIPT_NAME="/app", HTTP_HOST="acme.example")
    assert answer.status_code == status


class Sparse:
    urlpatterns = [
        path("opened/", exempt_view),
        *i18n_patterns(path("shop/", include((shop, "shop")))),
    ]


@pytest.mark.parametrize("path", ["/opened", "/shop/paid/", "/shop/paid"])
def test_redirect_to_exempt_view_stays_reachable(mounted, visit, settings, path):
    assert visit(path).status_code == 503  # the catch-all responds
    settings.ROOT_URLCONF = Sparse
    assert visit(path).status_code in {301, 302}
    assert visit("/shop/cart").status_code == 503


class Slashed:
    """Health checks and a status page with a slash, as Django's documentation writes URLs."""

    urlpatterns = [
        *(path(name, page) for name in ("healthz/", "livez/", "readyz/", "status/", "tides")),
        path("other", page),
        path("other/", page),
    ]


def test_redirect_from_exempt_path_leads_to_page(mounted, visit, settings):
    settings.ROOT_URLCONF = Slashed
    settings.MAINTENANCE_EXEMPT_PATHS = ["/status", "/tides/", "/other"]
    for path_ in ("/healthz", "/livez", "/readyz", "/status"):
        answer = visit(path_)
        assert (answer.status_code, answer.headers["Location"]) == (301, f"{path_}/")
        assert visit(f"{path_}/").text == "a page"
    assert visit("/other").status_code == 200
    assert visit("/other/").status_code == 503  # another page, to which nothing redirects
    assert visit("/tides").status_code == 503
    settings.MAINTENANCE_EXEMPT_PATHS = ["/status/"]
    assert visit("/status").status_code == 301
    settings.APPEND_SLASH = False
    assert visit("/status").status_code == 503


class Namesake:
    """Apps of the project with the names of others."""

    urlpatterns = [
        path("panel/", include(([path("", page), path("login/", page)], "admin"))),
        path("plans/", include(([path("", page)], "maintenance_windows"))),
        path("backstage/", include(([path("", page)], "admin"), namespace="backstage")),
        path("office/", admin.AdminSite("office").urls),
    ]


def test_app_with_name_of_admin_or_ours_gets_503(mounted, visit, settings):
    settings.ROOT_URLCONF = Namesake
    for path_ in ("/panel/", "/plans/", "/backstage/"):
        assert visit(path_).status_code == 503
    assert visit("/office/login/").status_code == 200
    assert visit("/office/auth/user/").status_code == 302


def test_exempt_url_names_match_wildcards(mounted, visit, settings):
    settings.MAINTENANCE_EXEMPT_URL_NAMES = ["shop:p*"]
    assert visit("/en/shop/paid/").status_code == 200
    assert visit("/en/shop/cart/").status_code == 503
    for names in (["*"], ["**"], ["*:p"], ["p*"], ["shop.p*"]):
        settings.MAINTENANCE_EXEMPT_URL_NAMES = names
        assert visit("/en/shop/paid/").status_code == 503, names


def test_exempt_url_names_require_namespace(mounted, visit, settings):
    settings.MAINTENANCE_EXEMPT_URL_NAMES = ["paid"]
    assert visit("/en/shop/paid/").status_code == 503


@pytest.mark.parametrize("path", ["/guarded/", "/aguarded/", "/guarded-class/", "/guarded-aclass/"])
def test_maintenance_required_view_gives_403_while_site_is_up(mounted, visit, at, path):
    assert visit(path).text == "guarded"
    at(TWO.replace(hour=1))
    assert visit(path).status_code == 403


def test_catastrophic_patterns_match_in_linear_time(acme, plan, at, visit, settings):
    """Python's re would backtrack on each of these far beyond any request."""
    evil = [r"^(a+)+$", r"^(a|a)*$", r"^([a-z]+)*\d$", r"^(.*)*x$", r"^(a|b|ab)*c$"]
    for pattern in evil:
        IgnoredURL.objects.create(maintenance=acme.maintenance, kind="regex", pattern=pattern)
    route = "".join(f"<path:p{n}>/" for n in range(12)) + "x/"
    IgnoredURL.objects.create(maintenance=acme.maintenance, pattern=route)
    settings.MAINTENANCE_ADMIN_IGNORED_URLS = evil
    plan(acme)
    at(TWO)
    start = time.process_time()
    assert visit("/" + "a" * 4000 + "!").status_code == 503
    assert visit("/" + "a/" * 2000 + "!").status_code == 503
    assert visit("/" + "a" * 40).status_code != 503
    assert time.process_time() - start < 2


@pytest.mark.parametrize("prefix", ["", "/", "//"])
def test_blank_prefix_exempts_nothing(acme, plan, at, visit, settings, prefix):
    settings.MAINTENANCE_EXEMPT_PREFIXES = settings.MAINTENANCE_API_PREFIXES = [prefix]
    plan(acme)
    at(TWO)
    answer = visit("/x")
    assert answer.status_code == 503
    assert answer.headers["Content-Type"].startswith("text/html")


class Odd:
    """A view that is not hashable."""

    __hash__ = None

    def __call__(self, request):
        return HttpResponse("a page")


class WithOdd:
    urlpatterns = [path("odd", Odd())]


def test_unhashable_view_gets_503(acme, plan, at, visit, settings):
    settings.ROOT_URLCONF = WithOdd
    settings.MAINTENANCE_ADMIN_IGNORED_URLS = [["^odd"], 7]
    plan(acme)
    at(TWO)
    assert visit("/odd").status_code == 503


def test_admin_ignored_urls_match_from_start_of_path(acme, plan, at, visit, settings):
    """The setting matches as in django-maintenancemode-2; a site's patterns search."""
    settings.MAINTENANCE_ADMIN_IGNORED_URLS = ["news/", "a|(?i:b)log"]
    IgnoredURL.objects.create(maintenance=acme.maintenance, kind="regex", pattern="open/")
    plan(acme)
    at(TWO)
    for asked, status in {
        "/news/7": 404,
        "/old/news/7": 503,
        "/Blog": 404,
        "/xBlog": 503,
        "/wide/open/": 404,
    }.items():
        assert visit(asked).status_code == status, asked


class Listed:
    """A converter whose result depends on data."""

    regex = "[a-z]+"
    known: ClassVar[set[str]] = set()

    def to_python(self, value: str) -> str:
        if value not in self.known:
            raise ValueError
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Listed, "listed")


class Looking:
    urlpatterns = [
        path("<listed:name>/", maintenance_exempt(page)),
        path("<str:name>/", page),
    ]


def test_exemption_follows_changing_converter(acme, plan, at, visit, settings):
    settings.ROOT_URLCONF = Looking
    plan(acme)
    at(TWO)
    assert visit("/hook/").status_code == 503
    Listed.known.add("hook")
    at(TWO + SECOND)
    assert visit("/hook/").status_code == 200
    Listed.known.clear()
    at(TWO + 2 * SECOND)
    assert visit("/hook/").status_code == 503


def test_disallowed_host_gets_400(acme, plan, at, visit, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Common" not in name]
    settings.ROOT_URLCONF = Mounted
    plan(acme)
    at(TWO)
    for host in ("evil.invalid", "a b", ""):
        assert visit("/", host=host).status_code == 400
        assert visit("/healthz", host=host).status_code == 200  # health checks may send any host
