"""Projects whose users come by token rather than by session."""

from functools import partial

import pytest
from asgiref.sync import iscoroutinefunction
from conftest import TWO
from django.utils.decorators import sync_and_async_middleware

TOKEN = "Bearer friend"


def by_token(request) -> bool:
    return request.headers.get("Authorization") == TOKEN


async def aby_token(request) -> bool:
    return by_token(request)


class Asker:
    """Not known for a coroutine function, before it is called."""

    async def __call__(self, request) -> bool:
        return by_token(request)


def wrapped(request):
    return aby_token(request)


def failing(request) -> bool:
    raise LookupError(request.headers.get("Authorization"))


@pytest.mark.parametrize(
    "ask", [by_token, aby_token, f"{__name__}.by_token", Asker(), wrapped, partial(aby_token)]
)
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


@pytest.mark.parametrize("ask", ["nowhere.at_all", 7], ids=str)
def test_what_is_no_function_lets_nobody_through(acme, plan, at, visit, settings, ask):
    settings.MAINTENANCE_MAY_PASS = ask
    plan(acme)
    at(TWO)
    assert visit(authorization=TOKEN).status_code == 503


def test_where_it_fails_nobody_passes_and_it_is_said_once(acme, plan, at, visit, settings, caplog):
    class Failure(Exception):
        """One of its own: what another test was told would not be said again."""

    def fail(request):
        raise Failure(request.headers["Authorization"])

    settings.MAINTENANCE_MAY_PASS = fail
    plan(acme)
    at(TWO)
    answers = [visit(authorization=f"Bearer {n}").status_code for n in range(3)]
    assert answers == [503, 503, 503]
    said = [r for r in caplog.records if r.name == "maintenance_windows.users"]
    assert len(said) == 1


class Superuser:
    is_active = is_staff = is_superuser = True


@sync_and_async_middleware
def with_user(get_response):
    """As for users who come by token; the session knows nothing of them."""
    if iscoroutinefunction(get_response):

        async def amiddleware(request):
            request.user = Superuser()
            return await get_response(request)

        return amiddleware

    def middleware(request):
        request.user = Superuser()
        return get_response(request)

    return middleware


def test_a_user_whom_another_middleware_has_set_is_known(acme, plan, at, visit, settings):
    ours = "maintenance_windows.middleware.MaintenanceModeMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE]
    settings.MIDDLEWARE.insert(settings.MIDDLEWARE.index(ours), f"{__name__}.with_user")
    plan(acme)
    at(TWO)
    assert visit().status_code == 200
