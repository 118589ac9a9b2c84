"""Projects whose users come by token rather than by session."""

import pytest
from conftest import TWO
from django.core.checks import run_checks

TOKEN = "Bearer friend"


def by_token(request) -> bool:
    return request.headers.get("Authorization") == TOKEN


async def aby_token(request) -> bool:
    return by_token(request)


def failing(request) -> bool:
    raise LookupError("no such token")


@pytest.mark.parametrize("ask", [by_token, aby_token, f"{__name__}.by_token"], ids=str)
def test_a_function_lets_people_through(acme, plan, at, visit, settings, ask):
    settings.MAINTENANCE_MAY_PASS = ask
    plan(acme)
    at(TWO)
    assert visit().status_code == 503
    assert visit(authorization="Bearer foe").status_code == 503
    answer = visit(authorization=TOKEN)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_it_is_not_asked_while_the_site_is_up(acme, at, visit, settings):
    settings.MAINTENANCE_MAY_PASS = failing
    at(TWO)
    assert visit().status_code == 200


@pytest.mark.parametrize("ask", [failing, "nowhere.at_all", 7], ids=str)
def test_where_it_fails_nobody_passes_and_it_is_said_once(
    acme, plan, at, visit, settings, caplog, ask
):
    settings.MAINTENANCE_MAY_PASS = ask
    plan(acme)
    at(TWO)
    assert [visit().status_code for _ in range(3)] == [503, 503, 503]
    said = [r for r in caplog.records if r.name == "maintenance_windows.users"]
    assert len(said) <= 1  # the sync and the async way of this test share a process


@pytest.mark.parametrize(("ask", "count"), [("nowhere.at_all", 1), (7, 1), (by_token, 0)])
def test_check_says_what_is_no_function(db, settings, ask, count):
    settings.MAINTENANCE_MAY_PASS = ask
    said = [message for message in run_checks() if message.id == "maintenance_windows.E004"]
    assert len(said) == count
