"""The two views that supervisors ask, by WSGI and ASGI."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path

from maintenance_windows import health
from maintenance_windows.reconcile.tick import tick
from tests.helpers.times import MINUTE, TWO


def closed(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [
    path("ht/live", health.live),
    path("ht/ready/", health.ready),
    path("closed", closed),
]


@pytest.fixture(autouse=True)
def _elsewhere(settings) -> None:
    """A project with its own URLs for both views, and LoginRequiredMiddleware."""
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]


def test_liveness_and_readiness_stay_reachable(acme, plan, at, visit):
    plan(acme)
    at(TWO)
    tick(lambda: TWO, kind="cron")
    assert visit("/closed").status_code == 503
    live, ready = visit("/ht/live"), visit("/ht/ready/")
    assert (live.status_code, live.text) == (200, "ok\n")
    answer = ready.json()
    assert 0 <= answer.pop("snapshot_age") < 10
    assert (ready.status_code, answer) == (
        200,
        {
            "database": True,
            "scheduler": {
                "last_tick": "2029-11-04T02:00:00Z",
                "healthy": True,
                "kind": "cron",
                "consumed": True,
            },
        },
    )
    assert "no-store" in ready.headers["Cache-Control"]
    at(TWO + MINUTE)
    assert visit("/ht/ready/").status_code == 503
    assert visit("/ht/live", method="POST").status_code in {403, 405}


def test_liveness_needs_no_query(acme, at, visit, django_assert_num_queries):
    visit("/ht/live")
    with django_assert_num_queries(0):
        assert visit("/ht/live", method="HEAD").status_code == 200
