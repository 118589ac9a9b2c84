"""Windows of both levels in one outage: what a reader and a writer get, and what is announced."""

import json
import re

import pytest
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path

from maintenance_windows.core.state import Level
from maintenance_windows.planning.sites import take_down
from maintenance_windows.requests import get_maintenance, get_upcoming_maintenance
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO

pytestmark = pytest.mark.any_database

THREE, FIVE, SIX = TWO + HOUR, TWO + 3 * HOUR, TWO + 4 * HOUR
JSON = "application/json"


@pytest.fixture
def night(acme, plan):
    """Read-only from two to five, down from three to four."""
    plan(acme, TWO, FIVE, level=Level.READ_ONLY)
    plan(acme, THREE, FOUR, message="New disks.")


def z(moment) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize(
    ("moment", "method", "level", "until"),
    [
        (TWO, "POST", "read-only", FIVE),
        (THREE, "GET", "full", FOUR),
        (THREE, "HEAD", "full", FOUR),
        (FOUR - MINUTE, "GET", "full", FOUR),
        (THREE, "POST", "full", FIVE),
        (FOUR, "POST", "read-only", FIVE),
    ],
)
def test_503_says_when_this_request_is_served_again(night, at, visit, moment, method, level, until):
    at(moment)
    answer = visit(method=method, accept=JSON)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == str((until - moment).seconds)
    value = f'{level}; until="{z(until)}"'
    if moment == TWO:
        value += f'; full-from="{z(THREE)}"'
    assert answer.headers["Maintenance"] == value
    if method != "HEAD":
        content = json.loads(answer.text)
        assert content["retry_after"] == (until - moment).seconds
        assert (content["starts_at"], content["ends_at"]) == (z(TWO), z(until))
    at(until)
    assert visit(method=method).status_code in {200, 404, 405}


def test_page_names_end_of_this_request(night, at, visit):
    at(THREE)
    assert "2029-11-04T04:00:00+00:00" in visit().text
    assert "2029-11-04T05:00:00+00:00" in visit(method="POST").text
    refresh = int(visit().headers["Refresh"].partition(";")[0])
    assert 3600 < refresh < 3620


def test_touching_full_windows_count_as_one_for_readers(acme, plan, at, visit):
    plan(acme, TWO, SIX, level=Level.READ_ONLY)
    plan(acme, TWO, THREE)
    plan(acme, THREE, FOUR)
    plan(acme, FIVE, SIX + HOUR)
    at(TWO)
    assert visit().headers["Retry-After"] == "7200"
    assert visit(method="PUT").headers["Retry-After"] == str(5 * 3600)
    at(FOUR)
    assert visit().headers["Maintenance"] == (
        f'read-only; until="{z(SIX + HOUR)}"; full-from="{z(FIVE)}"'
    )


def test_held_read_only_site_has_end_for_readers_only(acme, plan, at, visit):
    plan(acme)
    at(TWO - MINUTE)
    take_down([acme], level=Level.READ_ONLY)
    at(TWO)
    reader, writer = visit(), visit(method="POST")
    assert (reader.headers["Retry-After"], writer.headers["Retry-After"]) == ("7200", "300")
    assert reader.headers["Maintenance"] == f'full; until="{z(FOUR)}"'
    assert writer.headers["Maintenance"] == "full"


def test_held_site_has_no_end_for_anybody(acme, plan, at, visit):
    plan(acme, TWO, FIVE, level=Level.READ_ONLY)
    at(TWO)
    take_down([acme])
    assert visit().headers["Maintenance"] == visit(method="POST").headers["Maintenance"] == "full"


def test_writable_url_is_served_again_when_full_part_ends(night, at, visit, settings):
    settings.ROOT_URLCONF = __name__
    settings.MAINTENANCE_WRITABLE_URL_NAMES = ["login"]
    at(THREE)
    assert visit("/login", method="POST").headers["Retry-After"] == "3600"
    assert visit("/page", method="POST").headers["Retry-After"] == "7200"
    at(FOUR)
    assert visit("/login", method="POST").status_code == 200


def test_status_json_counts_to_end_of_outage(night, at, visit):
    at(THREE)
    content = visit("/maintenance/status.json").json()
    assert (content["until"], content["retry_after"]) == (z(FIVE), 7200)


def test_public_page_names_end_for_readers(night, at, visit):
    at(THREE)
    text = visit("/maintenance/").text
    assert "is down until 4 a.m." in text
    assert "Then read-only until Nov. 4, 2029, 5 a.m." in text


# What is announced


def view(request):
    now, soon = get_maintenance(request), get_upcoming_maintenance(request)
    found = [(one.level, one.since, one.until) if one else None for one in (now, soon)]
    return HttpResponse("|".join(f"{one[0]} {one[2]:%H}" if one else "" for one in found))


def page(request):
    return render(request, "page.html")


urlpatterns = [path("view", view), path("page", page), path("login", view, name="login")]


@pytest.fixture
def pages(settings):
    settings.ROOT_URLCONF = __name__
    loaders = [
        (
            "django.template.loaders.locmem.Loader",
            {"page.html": "{% load maintenance %}{% maintenance_banner %}"},
        ),
        "django.template.loaders.app_directories.Loader",
    ]
    processors = ["django.template.context_processors.request"]
    backend = "django.template.backends.django.DjangoTemplates"
    options = {"loaders": loaders, "context_processors": processors}
    settings.TEMPLATES = [{"BACKEND": backend, "OPTIONS": options}]


def words(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_stricter_level_within_outage_is_announced(night, at, visit, pages):
    at(TWO)
    answer = visit("/page")
    assert answer.headers["Maintenance"] == (
        f'read-only; until="{z(FIVE)}"; full-from="{z(THREE)}"'
    )
    assert words(answer) == (
        "Read-only for maintenance Changes are disabled until Nov. 4, 2029, 5 a.m. (UTC). "
        "Scheduled maintenance This site will be unavailable from Nov. 4, 2029, 3 a.m. "
        "to Nov. 4, 2029, 4 a.m. (UTC). New disks."
    )
    assert visit("/view").text == "read_only 05|full 04"
    at(FOUR)
    answer = visit("/page")
    assert answer.headers["Maintenance"] == f'read-only; until="{z(FIVE)}"'
    assert "unavailable" not in words(answer)


def test_stricter_level_is_announced_by_banner_within_lead(night, at, visit, pages, settings):
    settings.MAINTENANCE_BANNER_LEAD = 600
    at(TWO)
    assert "unavailable" not in words(visit("/page"))
    at(THREE - 10 * MINUTE)
    assert "unavailable from Nov. 4, 2029, 3 a.m. to" in words(visit("/page"))


def test_banner_beforehand_names_both_levels(night, at, visit, pages):
    at(TWO - MINUTE)
    text = words(visit("/page"))
    assert "Changes will be disabled from Nov. 4, 2029, 2 a.m. to Nov. 4, 2029, 5 a.m." in text
    assert "unavailable from Nov. 4, 2029, 3 a.m. to Nov. 4, 2029, 4 a.m." in text


# Those who pass


def test_those_who_pass_see_that_site_is_down_for_others(acme, plan, at, visit, alice, pages):
    plan(acme, message="New disks.")
    at(TWO)
    answer = visit("/page", user=alice)
    assert answer.status_code == 200
    assert answer.headers["Maintenance"] == f'full; until="{z(FOUR)}"'
    assert words(answer) == (
        "Down for maintenance This site is unavailable to visitors until "
        "Nov. 4, 2029, 4 a.m. (UTC). New disks."
    )
    take_down([acme])
    answer = visit("/page", user=alice)
    assert answer.headers["Maintenance"] == "full"
    assert words(answer) == (
        "Down for maintenance This site is unavailable to visitors. New disks."
    )
