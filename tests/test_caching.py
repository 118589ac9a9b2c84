"""What caches may keep of responses that pass: nothing private, nothing beyond its time."""

from itertools import count
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_control, cache_page

from maintenance_windows.core.state import Level
from maintenance_windows.decorators import maintenance_required
from maintenance_windows.planning.sites import take_down
from maintenance_windows.requests import get_upcoming_maintenance
from maintenance_windows.snapshot import runtime
from tests.helpers.times import FOUR, HOUR, MINUTE, SECOND, TWO

pytestmark = pytest.mark.any_database

OURS = "maintenance_windows.middleware.MaintenanceModeMiddleware"
SESSION = "django.contrib.sessions.middleware.SessionMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
UPDATE = "django.middleware.cache.UpdateCacheMiddleware"
FETCH = "django.middleware.cache.FetchFromCacheMiddleware"
OFFICE = "198.51.100.7"
THREE = TWO + HOUR
HEADERS = {}  # of the next response
FRESH = ", stale-while-revalidate=0"

times = count(1)


def plain(request):
    return HttpResponse(f"{next(times)}", headers=HEADERS)


@cache_page(7200)
def kept(request):
    return HttpResponse(f"{next(times)}")


@cache_page(7200)
async def akept(request):
    return HttpResponse(f"{next(times)}")


@cache_page(7200)
def rendered_later(request):
    return TemplateResponse(request, "page.html", {"number": next(times)})


@method_decorator(cache_page(7200), name="dispatch")
class Kept(View):
    def get(self, request):
        return HttpResponse(f"{next(times)}")


def with_banner(request):
    return render(request, "page.html", {"number": next(times)})


def aware(get_response):
    """A middleware that asks before the cache of a view does."""

    def middleware(request):
        request.soon = get_upcoming_maintenance(request)
        return get_response(request)

    return middleware


@cache_page(7200)
def told_before(request):
    return HttpResponse(f"{next(times)} {request.soon}")


urlpatterns = [
    path("", plain),
    path("kept", kept),
    path("akept", akept),
    path("later", rendered_later),
    path("class", Kept.as_view()),
    path("banner", with_banner),
    path("aged-banner", cache_control(max_age=7200)(with_banner)),
    path("kept-banner", cache_page(7200)(with_banner)),
    path("told-before", told_before),
    path("required", maintenance_required(kept)),
]
PAGE = "{% load maintenance %}{{ number }} {% maintenance_banner %}"


@pytest.fixture
def site(settings, acme):
    """A site in Django's cache, with the middleware in the order that `check` asks for."""
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [UPDATE, SESSION, AUTH, OURS, FETCH]
    backend = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": uuid4().hex}}
    settings.CACHE_MIDDLEWARE_SECONDS = 600
    settings.MAINTENANCE_EXEMPT_NETWORKS = [OFFICE]
    loaders = [
        ("django.template.loaders.locmem.Loader", {"page.html": PAGE}),
        "django.template.loaders.app_directories.Loader",
    ]
    processors = ["django.template.context_processors.request"]
    backend = "django.template.backends.django.DjangoTemplates"
    options = {"loaders": loaders, "context_processors": processors}
    settings.TEMPLATES = [{"BACKEND": backend, "OPTIONS": options}]
    return acme


@pytest.fixture
def headers():
    yield HEADERS
    HEADERS.clear()


# What those who pass get


@pytest.mark.parametrize("path", ["/", "/kept", "/akept", "/later", "/class", "/required"])
@pytest.mark.parametrize("order", [[UPDATE, OURS, FETCH], [OURS], [OURS, UPDATE, FETCH]])
def test_what_those_who_pass_get_is_stored_by_nobody(site, plan, at, visit, settings, path, order):
    settings.MIDDLEWARE = order
    plan(site)
    at(FOUR - MINUTE)
    inside = visit(path, address=OFFICE)
    assert (inside.status_code, inside.headers["Cache-Control"]) == (200, "private, no-store")
    assert visit(path).status_code == 503
    assert visit(path, address=OFFICE).text != inside.text
    at(FOUR)
    assert visit(path).text != inside.text


@pytest.mark.parametrize("path", ["/", "/kept", "/akept", "/later", "/class"])
def test_ordinary_pages_are_cached_while_site_is_up(site, plan, at, visit, path):
    plan(site)
    at(TWO - 2 * HOUR)
    assert visit(path).text == visit(path).text


@pytest.mark.parametrize("path", ["/", "/kept", "/akept", "/class"])
def test_ordinary_pages_are_cached_while_site_is_read_only(site, plan, at, visit, path):
    plan(site, level=Level.READ_ONLY)
    at(TWO)
    first = visit(path)
    assert visit(path).text == first.text
    at(TWO + 5 * MINUTE)
    assert visit(path).text == first.text


@pytest.mark.parametrize(
    "name",
    [
        "CDN-Cache-Control",
        "Cloudflare-CDN-Cache-Control",
        "Vercel-CDN-Cache-Control",
        "Acme-Edge-Cache-Control",
        "x-litespeed-cache-control",
        "Surrogate-Control",
        "Edge-Control",
        "X-Accel-Expires",
        "Expires",
    ],
)
def test_headers_that_overrule_cache_control_are_removed(site, plan, at, visit, headers, name):
    headers.update({name: "max-age=600", "X-DNS-Prefetch-Control": "off"})
    plan(site)
    at(TWO)
    answer = visit(address=OFFICE)
    assert answer.status_code == 200
    assert name not in answer.headers
    assert answer.headers["X-DNS-Prefetch-Control"] == "off"


# What depends on the time


def test_read_only_header_does_not_outlive_it_in_site_cache(site, plan, at, visit, headers):
    plan(site, level=Level.READ_ONLY)
    headers["Cache-Control"] = "max-age=600"
    for before in (HOUR, 10 * SECOND):
        at(FOUR - before)
        first = visit()
        assert "Maintenance" in first.headers
        assert visit().text == first.text
    assert first.headers["Cache-Control"] == f"max-age=10{FRESH}"
    at(FOUR)
    answer = visit()
    assert answer.text != first.text
    assert "Maintenance" not in answer.headers


def test_default_age_of_site_cache_does_not_outlive_read_only(site, plan, at, visit):
    plan(site, level=Level.READ_ONLY)
    at(FOUR - 11 * MINUTE)
    assert visit().text == visit().text
    at(FOUR - SECOND)
    first = visit()
    at(FOUR)
    answer = visit()
    assert answer.text != first.text
    assert "Maintenance" not in answer.headers


def test_read_only_header_does_not_outlive_start_of_full_part(site, plan, at, visit, headers):
    plan(site, level=Level.READ_ONLY)
    plan(site, THREE, FOUR)
    headers["Cache-Control"] = "max-age=7200"
    at(TWO)
    assert visit().headers["Cache-Control"] == f"max-age=3600{FRESH}"


def test_read_only_header_without_end_is_kept_as_long_as_clients_wait(
    site, at, visit, headers, settings
):
    headers["Cache-Control"] = "max-age=7200"
    at(TWO)
    take_down([site], level=Level.READ_ONLY)
    assert visit().headers["Cache-Control"] == f"max-age=300{FRESH}"
    settings.MAINTENANCE_RETRY_AFTER = None
    at(TWO + HOUR)
    assert visit().headers["Cache-Control"] == f"max-age=0{FRESH}"


@pytest.mark.parametrize(
    ("name", "value", "limited"),
    [
        (
            "Cache-Control",
            "public, max-age=600, s-maxage=600",
            f"public, max-age=60, s-maxage=60{FRESH}",
        ),
        ("Cache-Control", "max-age=30", f"max-age=30{FRESH}"),
        ("Cache-Control", "max-age=30, stale-while-revalidate=99", f"max-age=30{FRESH}"),
        (
            "Cache-Control",
            'max-age="600", stale-if-error=9',
            f"max-age=60, stale-if-error=0{FRESH}",
        ),
        ("Cache-Control", "no-cache", "no-cache, max-age=0"),
        ("Cache-Control", "s-maxage=600", "s-maxage=60, no-cache, max-age=0"),
        ("CDN-Cache-Control", "MAX-AGE = 600", "MAX-AGE=60"),
        ("Acme-Cache-Control", "no-store", "no-store"),
        ("Surrogate-Control", 'max-age=600+600, content="a"', 'max-age=60, content="a"'),
        ("Edge-Control", "cache-maxage=10m", "cache-maxage=60"),
        ("X-Accel-Expires", "600", "60"),
        ("X-Accel-Expires", "0", "0"),
        ("X-Accel-Expires", "@1888365600", "60"),
        ("Expires", "Sun, 04 Nov 2029 05:00:00 GMT", "Sun, 04 Nov 2029 04:00:00 GMT"),
        ("Expires", "Sun, 04 Nov 2029 03:59:30 GMT", "Sun, 04 Nov 2029 03:59:30 GMT"),
        ("Expires", "0", "0"),
    ],
)
def test_ages_end_with_read_only(acme, plan, at, visit, settings, headers, name, value, limited):
    settings.ROOT_URLCONF = __name__
    headers[name] = value
    plan(acme, level=Level.READ_ONLY)
    at(FOUR - MINUTE)
    assert visit().headers[name] == limited
    at(FOUR)
    assert visit().headers[name] == value


def test_response_without_age_gets_none(acme, plan, at, visit, settings):
    """It would let caches store what they do not store otherwise."""
    settings.ROOT_URLCONF = __name__
    plan(acme, level=Level.READ_ONLY)
    at(FOUR - 11 * MINUTE)
    assert "Cache-Control" not in visit().headers
    at(FOUR - 9 * MINUTE)
    assert visit().headers["Cache-Control"].startswith("no-cache, max-age=0")
    at(FOUR)
    assert "Cache-Control" not in visit().headers


@pytest.mark.parametrize("path", ["/banner", "/kept-banner"])
@pytest.mark.parametrize("level", Level)
def test_banner_does_not_outlive_its_maintenance_in_cache(site, plan, at, visit, path, level):
    plan(site, level=level)
    at(TWO - MINUTE)
    assert "Scheduled maintenance" in visit(path).text
    at(TWO)
    if level is Level.READ_ONLY:
        text = visit(path).text
        assert "Scheduled maintenance" not in text
        assert "Changes are disabled until" in text
    at(FOUR)
    assert "maintenance" not in visit(path).text


def test_page_with_banner_is_cached_until_start(site, plan, at, visit):
    plan(site)
    at(TWO - 20 * MINUTE)
    assert visit("/banner").text == visit("/banner").text
    at(TWO - 5 * MINUTE)  # less than CACHE_MIDDLEWARE_SECONDS
    assert visit("/banner").text != visit("/banner").text


def test_banner_limits_age_of_page(site, plan, at, visit, settings):
    settings.MIDDLEWARE = [OURS]
    plan(site)
    at(TWO - 2 * HOUR)
    assert visit("/aged-banner").headers["Cache-Control"] == "max-age=7200"
    at(TWO - 5 * MINUTE)
    runtime.publish()
    assert visit("/aged-banner").headers["Cache-Control"] == f"max-age=300{FRESH}"
    assert visit("/banner").headers["Cache-Control"].startswith("no-cache, max-age=0")


def test_exempt_page_with_banner_does_not_outlive_full_part(site, plan, at, visit, settings):
    settings.MAINTENANCE_EXEMPT_PATHS = ["/aged-banner"]
    plan(site, level=Level.READ_ONLY)
    plan(site, TWO, THREE)
    at(TWO)
    answer = visit("/aged-banner")
    assert "This site is unavailable to visitors until Nov. 4, 2029, 3 a.m." in answer.text
    assert answer.headers["Cache-Control"] == f"max-age=3600{FRESH}"
    assert "Maintenance" not in answer.headers


def test_page_that_middleware_tells_is_not_kept_by_view(site, plan, at, visit, settings):
    settings.MIDDLEWARE = [OURS, f"{__name__}.aware"]
    plan(site)
    at(TWO - MINUTE)
    assert visit("/told-before").text != visit("/told-before").text
    at(FOUR)
    assert visit("/told-before").text == visit("/told-before").text
