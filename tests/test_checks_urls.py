"""System checks of URLs: ours lead to us, and staff can log in while a site is down."""

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.core.checks import run_checks
from django.http import HttpResponse
from django.urls import include, path, re_path, set_script_prefix

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
    settings.ROOT_URLCONF = type("Project", (), {"urlpatterns": patterns})
    return [
        (message.id.removeprefix("maintenance_windows."), message.msg)
        for message in run_checks(tags=["maintenance_windows"])
    ]


def test_check_w017_reports_catch_all_before_ours(settings):
    assert issues(settings, CATCH_ALL, OURS) == [
        ("W017", "/maintenance/ leads to pages, so maintenance_windows:public cannot be reached.")
    ]
    assert issues(settings, OURS, CATCH_ALL) == []
    assert issues(settings, CATCH_ALL) == []
    assert issues(settings, *i18n_patterns(OURS)) == []


def test_url_checks_follow_script_prefix(settings):
    set_script_prefix("/app/")
    try:
        assert issues(settings, OURS, LOGIN)[0][1].startswith("LOGIN_URL leads to /accounts/login/")
    finally:
        set_script_prefix("/")


@pytest.mark.parametrize("login_url", [None, "account_login", "/accounts/login/?next=/"])
def test_check_w018_reports_closed_login_url(settings, login_url):
    if login_url:
        settings.LOGIN_URL = login_url
    ((number, sentence),) = issues(settings, ADMIN, LOGIN)
    assert number == "W018"
    assert sentence == (
        "LOGIN_URL leads to /accounts/login/, which answers 503 while the site is down, so staff "
        "who are not logged in cannot log in."
    )
    settings.MAINTENANCE_EXEMPT_URL_NAMES = ["account_login"]
    assert issues(settings, ADMIN, LOGIN) == []


@pytest.mark.parametrize("login_url", ["https://sso.example/login", "no_such_name", "admin:login"])
def test_login_elsewhere_gives_no_message(settings, login_url):
    settings.LOGIN_URL = login_url
    assert issues(settings, ADMIN, LOGIN) == []


def test_login_url_without_page_gives_no_message(settings):
    """LOGIN_URL has a default, and what catches all has no log-in there."""
    assert issues(settings, ADMIN) == []
    assert issues(settings, ADMIN, CATCH_ALL) == []


def test_check_w018_reports_other_view_at_login_of_admin(settings):
    taken = path("admin/login/", view, name="sign_in")
    ((number, sentence),) = issues(settings, taken, ADMIN)
    assert (number, sentence[:35]) == ("W018", "admin:login leads to /admin/login/,")
    assert issues(settings, path("admin/login/", exempt), ADMIN) == []


def test_check_w018_reports_closed_login_of_wagtail(settings):
    cms = path("cms/login/", view, name="wagtailadmin_login")
    ((number, sentence),) = issues(settings, cms)
    assert (number, sentence[:40]) == ("W018", "wagtailadmin_login leads to /cms/login/,")


def test_project_without_urls_gives_no_message(settings):
    settings.ROOT_URLCONF = "no.such.module"
    found = run_checks(tags=["maintenance_windows"])
    assert found == []
    del settings.ROOT_URLCONF
    assert run_checks(tags=["maintenance_windows"]) == []
