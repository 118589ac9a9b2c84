"""System checks of MIDDLEWARE, and proof of what each wrong order causes."""

from itertools import count
from uuid import uuid4

import pytest
from django.contrib.auth.middleware import AuthenticationMiddleware, RemoteUserMiddleware
from django.core.checks import run_checks
from django.http import HttpResponse
from django.urls import path
from django.utils import translation

from maintenance_windows.checks import TAG
from maintenance_windows.middleware import MaintenanceModeMiddleware
from tests.helpers.times import MINUTE, TWO

pytestmark = pytest.mark.any_database

OURS = "maintenance_windows.middleware.MaintenanceModeMiddleware"
CORS = "corsheaders.middleware.CorsMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
SESSION = "django.contrib.sessions.middleware.SessionMiddleware"
LOCALE = "django.middleware.locale.LocaleMiddleware"
UPDATE = "django.middleware.cache.UpdateCacheMiddleware"
FETCH = "django.middleware.cache.FetchFromCacheMiddleware"
IN_ORDER = [UPDATE, CORS, SESSION, LOCALE, AUTH, OURS, FETCH]


class Own(MaintenanceModeMiddleware):
    pass


class OwnAuth(AuthenticationMiddleware):
    pass


class OwnRemote(RemoteUserMiddleware):
    pass


def function(get_response):
    return get_response


def issues() -> list[tuple[str, str]]:
    """The number and the text of each message."""
    found = run_checks(tags=[TAG], databases=[])
    return [(message.id.removeprefix(f"{TAG}."), message.msg) for message in found]


def move(name: str, place: int) -> list[str]:
    stack = [one for one in IN_ORDER if one != name]
    stack.insert(place, name)
    return stack


@pytest.mark.parametrize(
    "stack",
    [
        IN_ORDER,
        [OURS],
        [f"{__name__}.Own"],
        [f"{__name__}.OwnAuth", f"{__name__}.function", f"{__name__}.Own"],
        ["nowhere.Middleware", OURS],
        move(UPDATE, 5),
        [AUTH, OURS, "django.middleware.cache.CacheMiddleware"],
    ],
)
def test_working_order_gives_no_message(settings, stack):
    settings.MIDDLEWARE = stack
    assert issues() == []


def test_check_w005_reports_missing_middleware(settings):
    settings.MIDDLEWARE = [f"{__name__}.function", *(one for one in IN_ORDER if one != OURS)]
    sentence = "MaintenanceModeMiddleware is missing from MIDDLEWARE, so no site ever goes down."
    assert issues() == [("W005", sentence)]


@pytest.mark.parametrize(
    ("stack", "words"),
    [
        (
            move(SESSION, 5),
            f"{SESSION} must come before MaintenanceModeMiddleware in MIDDLEWARE: otherwise staff",
        ),
        (
            move(AUTH, 6),
            f"{AUTH} must come before MaintenanceModeMiddleware in MIDDLEWARE: otherwise staff",
        ),
        (
            [OURS, f"{__name__}.OwnAuth"],
            ".OwnAuth must come before MaintenanceModeMiddleware in MIDDLEWARE: otherwise staff",
        ),
        ([OURS, f"{__name__}.OwnRemote"], ".OwnRemote must come before"),
        ([f"{__name__}.Own", AUTH], f"{AUTH} must come before"),
        (move(LOCALE, 5), f"{LOCALE} must come before"),
        (
            move(FETCH, 0),
            f"{FETCH} must come after MaintenanceModeMiddleware in MIDDLEWARE: otherwise cached",
        ),
    ],
)
def test_check_w006_reports_wrong_order(settings, stack, words):
    settings.MIDDLEWARE = stack
    ((number, sentence),) = issues()
    assert number == "W006"
    assert words in sentence


@pytest.mark.parametrize(
    "other",
    [
        OURS,
        f"{__name__}.Own",
        "maintenancemode.middleware.MaintenanceModeMiddleware",
        "maintenance_mode.middleware.MaintenanceModeMiddleware",
    ],
)
def test_check_w007_reports_second_middleware(settings, other):
    settings.MIDDLEWARE = [AUTH, OURS, other]
    assert issues() == [
        ("W007", f"MIDDLEWARE has several maintenance middlewares: {OURS}, {other}.")
    ]


def test_check_w004_reports_misplaced_corsheaders(settings):
    settings.MIDDLEWARE = [OURS, CORS]
    settings.CORS_EXPOSE_HEADERS = ["X-Count"]
    assert [number for number, _ in issues()] == ["W004", "W004"]
    settings.MIDDLEWARE = [CORS, f"{__name__}.Own"]
    settings.CORS_EXPOSE_HEADERS = ["X-Count", "retry-after"]
    assert issues() == []


# The consequences that the checks name occur in the wrong order and not in the right one


times = count(1)


def counter(request):
    return HttpResponse(f"{next(times)}")


urlpatterns = [path("", counter)]


@pytest.fixture
def cached(settings, acme):
    """A site that keeps its pages in Django's cache."""
    settings.ROOT_URLCONF = __name__
    backend = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": uuid4().hex}}
    return acme


@pytest.mark.parametrize(
    ("stack", "status"), [([UPDATE, OURS, FETCH], 503), ([UPDATE, FETCH, OURS], 200)]
)
def test_fetch_from_cache_before_middleware_hides_maintenance(
    cached, plan, at, visit, settings, stack, status
):
    settings.MIDDLEWARE = stack
    plan(cached)
    at(TWO - MINUTE)
    assert visit().text == visit().text
    at(TWO)
    assert visit().status_code == status


@pytest.mark.parametrize(("stack", "language"), [([LOCALE, OURS], "fr"), ([OURS, LOCALE], "de")])
def test_locale_after_middleware_keeps_previous_language(
    acme, plan, at, visit, settings, stack, language
):
    settings.MIDDLEWARE = stack
    plan(acme)
    with translation.override("en"):  # restores the language for the next test
        at(TWO - MINUTE)
        visit(accept_language="de")
        at(TWO)
        answer = visit(accept_language="fr")
    assert (answer.status_code, answer.headers["Content-Language"]) == (503, language)
