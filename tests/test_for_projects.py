"""The API for projects: functions for views, template tags, and helpers for tests."""

import re
from datetime import datetime
from threading import enumerate as threads

import pytest
from django.http import HttpResponse
from django.shortcuts import render
from django.test import AsyncClient, Client, SimpleTestCase
from django.urls import path

from maintenance_windows.core.state import Level
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.requests import (
    aget_maintenance,
    aget_upcoming_maintenance,
    get_maintenance,
    get_upcoming_maintenance,
)
from maintenance_windows.snapshot import runtime
from maintenance_windows.testing import maintenance
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO

pytestmark = pytest.mark.any_database


def describe(now, soon) -> HttpResponse:
    return HttpResponse(f"{now and now.level} {soon and soon.since:%H:%M}" if soon else f"{now}")


def view(request):
    return describe(get_maintenance(request), get_upcoming_maintenance(request))


async def aview(request):
    return describe(await aget_maintenance(request), await aget_upcoming_maintenance(request))


def template(request):
    return render(request, "page.html")


def anonymous_template(request):
    from django.template.loader import render_to_string

    return HttpResponse(render_to_string("page.html"))


urlpatterns = [
    path("view", view),
    path("aview", aview),
    path("page", template),
    path("anonymous", anonymous_template),
]
PAGE = (
    "{% load maintenance %}{% maintenance_banner %}|"
    "{% if maintenance %}{{ maintenance.level }}{% endif %}|"
    "{% if upcoming_maintenance %}{{ upcoming_maintenance.since|date:'H:i' }}{% endif %}"
)


@pytest.fixture
def pages(settings):
    settings.ROOT_URLCONF = __name__
    settings.TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "loaders": [
                    ("django.template.loaders.locmem.Loader", {"page.html": PAGE}),
                    "django.template.loaders.app_directories.Loader",
                ],
                "context_processors": [
                    "django.template.context_processors.request",
                    "maintenance_windows.context_processors.maintenance",
                ],
            },
        }
    ]


def words(answer) -> list[str]:
    text = re.sub(r"<[^>]+>", "", answer.text)
    return [" ".join(part.split()) for part in text.split("|")]


@pytest.mark.parametrize("path", ["/view", "/aview"])
def test_views_get_current_and_upcoming_maintenance(acme, plan, at, visit, pages, path):
    at(TWO - 2 * HOUR)
    assert visit(path).text == "None"
    plan(acme, level=Level.READ_ONLY)
    at(TWO - HOUR)
    runtime.publish()
    assert visit(path).text == "None 02:00"
    at(TWO)
    plan(acme, FOUR + MINUTE, FOUR + HOUR)
    at(FOUR - MINUTE)
    runtime.publish()
    assert visit(path).text == "read_only 04:01"


def test_banner_announces_upcoming_maintenance(acme, plan, at, visit, pages, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    at(TWO - 2 * HOUR)
    plan(acme, message="New disks.")
    assert words(visit("/page")) == ["", "", ""]
    at(TWO - MINUTE)
    runtime.publish()
    banner, now, soon = words(visit("/page"))
    assert banner == (
        "Scheduled maintenance This site will be unavailable from Nov. 4, 2029, 3 a.m. "
        "to Nov. 4, 2029, 5 a.m. (Europe/Berlin). New disks."
    )
    assert (now, soon) == ("", "03:00")


def test_banner_lead_of_a_day_shows_banner(acme, plan, at, visit, pages, settings):
    settings.MAINTENANCE_BANNER_LEAD = 86_400
    at(TWO - 23 * HOUR)
    plan(acme)
    assert words(visit("/page"))[0].startswith("Scheduled maintenance")


def test_banner_announces_read_only_site(acme, plan, at, visit, pages):
    plan(acme, level=Level.READ_ONLY)
    at(TWO - MINUTE)
    assert "Changes will be disabled from" in words(visit("/page"))[0]
    at(TWO)
    banner, now, soon = words(visit("/page"))
    assert banner == (
        "Read-only for maintenance Changes are disabled until Nov. 4, 2029, 4 a.m. (UTC)."
    )
    assert (now, soon) == ("read_only", "")
    take_down([acme], level=Level.READ_ONLY)
    assert "temporarily disabled" in words(visit("/page"))[0]


def test_banner_needs_no_query(acme, plan, at, visit, pages, django_assert_num_queries):
    plan(acme, level=Level.READ_ONLY)
    at(TWO)
    visit("/page")
    with django_assert_num_queries(0):
        visit("/page")


def test_banner_is_empty_without_request(acme, plan, at, visit, pages):
    plan(acme, level=Level.READ_ONLY)
    at(TWO)
    assert words(visit("/anonymous")) == ["", "", ""]


def test_banner_escapes_message(acme, plan, at, visit, pages):
    plan(acme, level=Level.READ_ONLY, message="<script>")
    at(TWO)
    assert "<script>" not in visit("/page").text


def test_context_manager_starts_and_ends_maintenance(at):
    at(TWO)
    with maintenance("testserver", until=FOUR, message="Disks."):
        answer = Client().get("/")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7200")
        assert "Disks." in answer.text
        with maintenance("other.example", level=Level.READ_ONLY):
            assert Client().get("/").status_code == 503
            other = Client(headers={"host": "other.example"})
            assert (other.get("/").status_code, other.post("/").status_code) == (200, 503)
        assert Client(headers={"host": "other.example"}).get("/").status_code == 200
    assert Client().get("/").status_code == 200


def test_context_manager_accepts_future_start(at):
    at(TWO - MINUTE)
    with maintenance("testserver", since=TWO):
        assert Client().get("/").status_code == 200
        at(TWO)
        assert Client().get("/").status_code == 503


def test_context_manager_accepts_site_with_site_id(acme, settings):
    settings.SITE_ID = acme.pk
    with maintenance(acme):
        assert Client().get("/").status_code == 503


@maintenance("testserver")
def test_decorated_test_is_in_maintenance():
    assert Client().get("/").status_code == 503


@maintenance("testserver")
async def test_decorated_async_test_is_in_maintenance():
    assert (await AsyncClient().get("/")).status_code == 503


async def test_async_context_manager_starts_and_ends_maintenance():
    async with maintenance("testserver"):
        assert (await AsyncClient().get("/")).status_code == 503
    assert (await AsyncClient().get("/")).status_code == 200


@maintenance("testserver")
class TestInMaintenance(SimpleTestCase):
    def test_method_of_decorated_class_is_in_maintenance(self):
        assert self.client.get("/").status_code == 503

    async def test_async_method_of_decorated_class_is_in_maintenance(self):
        assert (await self.async_client.get("/")).status_code == 503


def test_error_in_context_manager_ends_maintenance():
    with pytest.raises(LookupError), maintenance("testserver"):
        raise LookupError
    assert runtime.current().find("testserver", "testserver") is None


def test_context_manager_accepts_host_with_site_id(settings):
    settings.SITE_ID = 7
    with maintenance("testserver"):
        assert Client().get("/").status_code == 503


def test_naive_time_raises_value_error():
    with pytest.raises(ValueError, match="aware times"):
        maintenance("testserver", until=datetime(2029, 11, 4))


def test_banner_waits_for_lead_time(acme, plan, at, visit, pages, settings):
    settings.MAINTENANCE_BANNER_LEAD = 600
    at(TWO - 11 * MINUTE)
    plan(acme)
    assert words(visit("/page"))[0] == ""
    at(TWO - 10 * MINUTE)
    assert words(visit("/page"))[0].startswith("Scheduled maintenance")


@pytest.mark.django_db(transaction=True)
def test_bring_up_leaves_context_manager_in_force(acme, client, settings):
    with maintenance("acme.example"):
        bring_up([acme])
        assert client.get("/page", headers={"host": "acme.example"}).status_code == 503
        settings.MAINTENANCE_FORCE = "off"  # resets the runtime
        assert client.get("/page", headers={"host": "acme.example"}).status_code != 503
    assert "maintenance-windows" not in {thread.name for thread in threads()}
