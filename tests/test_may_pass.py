"""MAINTENANCE_MAY_PASS and MAINTENANCE_IS_STAFF, and users without a session."""

from functools import partial

import pytest
from asgiref.sync import iscoroutinefunction
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import PermissionDenied
from django.core.signing import SignatureExpired
from django.utils.decorators import sync_and_async_middleware
from django.utils.functional import LazyObject, SimpleLazyObject

from tests.helpers.times import TWO

pytestmark = pytest.mark.any_database

TOKEN = "Bearer friend"


def by_token(request) -> bool:
    return request.headers.get("Authorization") == TOKEN


async def aby_token(request) -> bool:
    return by_token(request)


class Asker:
    """An async callable that iscoroutinefunction() does not recognize."""

    async def __call__(self, request) -> bool:
        return by_token(request)


def wrapped(request):
    return aby_token(request)


def failing(request) -> bool:
    raise LookupError(request.headers.get("Authorization"))


@pytest.mark.parametrize(
    "ask", [by_token, aby_token, f"{__name__}.by_token", Asker(), wrapped, partial(aby_token)]
)
def test_may_pass_function_lets_requests_through(acme, plan, at, visit, settings, ask):
    settings.MAINTENANCE_MAY_PASS = ask
    plan(acme)
    at(TWO)
    assert visit().status_code == 503
    assert visit(authorization="Bearer foe").status_code == 503
    answer = visit(authorization=TOKEN)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_may_pass_is_skipped_while_site_is_up(acme, at, visit, settings):
    settings.MAINTENANCE_MAY_PASS = failing
    at(TWO)
    assert visit().status_code == 200


@pytest.mark.parametrize("ask", ["nowhere.at_all", 7])
def test_invalid_may_pass_gives_503(acme, plan, at, visit, settings, ask):
    settings.MAINTENANCE_MAY_PASS = ask
    plan(acme)
    at(TWO)
    assert visit(authorization=TOKEN).status_code == 503


def test_failing_may_pass_gives_503_and_logs_once(acme, plan, at, visit, settings, caplog):
    class Failure(Exception):
        """An exception class of this test: an error of a known class is not logged again."""

    def fail(request):
        raise Failure(request.headers["Authorization"])

    settings.MAINTENANCE_MAY_PASS = fail
    plan(acme)
    at(TWO)
    answers = [visit(authorization=f"Bearer {n}").status_code for n in range(3)]
    assert answers == [503, 503, 503]
    said = [r for r in caplog.records if r.name == "maintenance_windows.http.hooks"]
    assert len(said) == 1


class Unauthorized(Exception):
    """As those of REST frameworks, such as rest_framework.exceptions.AuthenticationFailed."""

    status_code = 401


BadToken = type("InvalidTokenError", (Exception,), {"__module__": "jwt.exceptions"})
ExpiredToken = type("ExpiredSignatureError", (BadToken,), {})


@pytest.mark.parametrize(
    "error",
    [PermissionDenied, SignatureExpired, Unauthorized, ExpiredToken],
    ids=lambda e: e.__name__,
)
def test_may_pass_that_denies_access_is_not_logged(acme, plan, at, visit, settings, caplog, error):
    def deny(request):
        raise error("The token has expired.")

    settings.MAINTENANCE_MAY_PASS = deny
    plan(acme)
    at(TWO)
    assert visit(authorization="Bearer old").status_code == 503
    assert not [r for r in caplog.records if r.name == "maintenance_windows.http.hooks"]


def is_editor(user) -> bool:
    return user.is_staff or user.groups.filter(name="Editors").exists()


async def ais_editor(user) -> bool:
    return user.is_staff or await user.groups.filter(name="Editors").aexists()


@pytest.fixture
def editor(transactional_db):
    """An editor of a CMS, who is not is_staff."""
    user = User.objects.create_user("editor")
    user.groups.create(name="Editors")
    return user


@pytest.mark.parametrize("ask", [is_editor, ais_editor, f"{__name__}.is_editor"])
def test_is_staff_function_says_who_counts_as_staff(
    acme, plan, at, visit, settings, editor, django_user_model, ask
):
    plan(acme)
    at(TWO)
    assert visit(user=editor).status_code == 503
    settings.MAINTENANCE_IS_STAFF = ask
    answer = visit(user=editor)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert visit(user=django_user_model.objects.create_user("customer")).status_code == 503
    settings.MAINTENANCE_BLOCK_STAFF = True
    assert visit(user=editor).status_code == 503


@pytest.mark.parametrize("ask", [lambda _: False, "nowhere.at_all", failing])
def test_is_staff_function_replaces_flag_of_all_but_superusers(
    acme, plan, at, visit, settings, alice, django_user_model, ask
):
    settings.MAINTENANCE_IS_STAFF = ask
    bob = django_user_model.objects.create_user("bob", is_staff=True)
    plan(acme)
    at(TWO)
    assert visit(user=bob).status_code == 503
    assert visit(user=alice).status_code == 200


def test_is_staff_function_is_asked_about_user_from_other_middleware(
    acme, plan, at, visit, settings, editor
):
    """It may query the database, in an async stack as well."""

    def with_user(request, user):
        request.user = user

    TELL.update(how=with_user, user=editor)
    place = settings.MIDDLEWARE.index(AUTHENTICATION) + 1
    others = settings.MIDDLEWARE
    settings.MIDDLEWARE = [*others[:place], f"{__name__}.customize_request", *others[place:]]
    settings.MAINTENANCE_IS_STAFF = is_editor
    plan(acme)
    at(TWO)
    assert visit().status_code == 200


class Superuser:
    is_active = is_staff = is_superuser = True


@sync_and_async_middleware
def with_user(get_response):
    """Set a user as token authentication does, without a session."""
    if iscoroutinefunction(get_response):

        async def amiddleware(request):
            request.user = Superuser()
            return await get_response(request)

        return amiddleware

    def middleware(request):
        request.user = Superuser()
        return get_response(request)

    return middleware


def test_user_from_other_middleware_passes(acme, plan, at, visit, settings):
    ours = "maintenance_windows.middleware.MaintenanceModeMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE]
    settings.MIDDLEWARE.insert(settings.MIDDLEWARE.index(ours), f"{__name__}.with_user")
    plan(acme)
    at(TWO)
    assert visit().status_code == 200


def with_lazy_user(request, user) -> None:
    """Set a lazy user as projects with their own authentication do."""

    async def auser():
        return user

    request.user, request.auser = SimpleLazyObject(lambda: user), auser


def with_lazy_user_alone(request, user) -> None:
    """The user is read from the database when it is asked for, and there is no auser()."""
    request.user = SimpleLazyObject(lambda: type(user).objects.get(pk=user.pk))
    del request.auser


def with_lazy_object(request, user) -> None:
    class User(LazyObject):
        def _setup(self):
            self._wrapped = user

    request.user = User()


def with_session_of_header(request, _user) -> None:
    """Set a session whose key comes from a header."""
    request.session = SessionStore(request.headers.get("X-Session"))


@sync_and_async_middleware
def customize_request(get_response):
    """Change the request in the way that the test chooses."""
    if iscoroutinefunction(get_response):

        async def middleware(request):
            TELL["how"](request, TELL["user"])
            return await get_response(request)
    else:

        def middleware(request):
            TELL["how"](request, TELL["user"])
            return get_response(request)

    return middleware


TELL = {}
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"


@pytest.mark.parametrize("how", [with_lazy_user, with_lazy_user_alone, with_lazy_object])
def test_lazy_user_without_session_passes(acme, plan, at, visit, settings, alice, how):
    TELL.update(how=how, user=alice)
    place = settings.MIDDLEWARE.index(AUTHENTICATION) + 1
    others = settings.MIDDLEWARE
    settings.MIDDLEWARE = [*others[:place], f"{__name__}.customize_request", *others[place:]]
    plan(acme)
    at(TWO)
    assert visit().status_code == 200


def test_session_from_header_passes(acme, plan, at, visit, settings, alice, client):
    client.force_login(alice)
    key = client.session.session_key
    TELL.update(how=with_session_of_header, user=alice)
    place = settings.MIDDLEWARE.index(AUTHENTICATION)
    others = settings.MIDDLEWARE
    settings.MIDDLEWARE = [*others[:place], f"{__name__}.customize_request", *others[place:]]
    plan(acme)
    at(TWO)
    assert visit(x_session=key).status_code == 200
    assert visit().status_code == 503


def test_503_without_session_omits_vary_cookie(acme, plan, at, visit):
    plan(acme)
    at(TWO)
    answer = visit()
    assert answer.status_code == 503
    assert "Cookie" not in answer.headers["Vary"]
