"""@maintenance_exempt on what handles one method, and on what it cannot exempt."""

from functools import partial

import pytest
from django.http import HttpResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.http import require_POST

from maintenance_windows.decorators import maintenance_exempt
from maintenance_windows.planning.sites import take_down

pytestmark = pytest.mark.any_database


class Webhook(View):
    def get(self, request, **_):
        return HttpResponse("a page")

    @maintenance_exempt
    def post(self, request, **_):
        return HttpResponse("taken")


class Inherited(Webhook):
    pass


class Overridden(Webhook):
    def post(self, request):
        return HttpResponse("taken")


class AsyncWebhook(View):
    async def get(self, request):
        return HttpResponse("a page")

    @maintenance_exempt
    async def post(self, request):
        return HttpResponse("taken")


@method_decorator(maintenance_exempt, name="post")
class Decorated(Overridden):
    pass


class Readable(Overridden):
    @method_decorator(maintenance_exempt)
    def get(self, request):
        return HttpResponse("a page")


class Dispatched(Overridden):
    @maintenance_exempt
    def dispatch(self, request, *args, **kwargs):
        return super().dispatch(request, *args, **kwargs)


@maintenance_exempt
class Whole(Overridden):
    pass


def plain(request, **_):
    return HttpResponse("taken")


@require_POST
@maintenance_exempt
def below(request):
    return HttpResponse("taken")


class Urls:
    urlpatterns = [
        path("webhook/", Webhook.as_view()),
        path("inherited/", Inherited.as_view()),
        path("overridden/", Overridden.as_view()),
        path("async/", AsyncWebhook.as_view()),
        path("decorated/", Decorated.as_view()),
        path("readable/", Readable.as_view()),
        path("dispatched/", Dispatched.as_view()),
        path("whole/", Whole.as_view()),
        path("plain/", plain),
        path("partial/", maintenance_exempt(partial(plain, colour="red"))),
        path("inner/", partial(maintenance_exempt(plain), colour="red")),
        path("both/", partial(Webhook.as_view(), colour="red")),
        path("below/", below),
    ]


@pytest.fixture
def down(settings, acme):
    settings.ROOT_URLCONF = Urls
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Csrf" not in name]
    take_down([acme])


PASS, SHUT = 200, 503


@pytest.mark.parametrize(
    ("name", "get", "post"),
    [
        ("webhook", SHUT, PASS),
        ("inherited", SHUT, PASS),
        ("overridden", SHUT, SHUT),
        ("async", SHUT, PASS),
        ("decorated", SHUT, PASS),
        ("readable", PASS, SHUT),
        ("dispatched", PASS, PASS),
        ("whole", PASS, PASS),
        ("plain", SHUT, SHUT),
        ("partial", PASS, PASS),
        ("inner", PASS, PASS),
        ("both", SHUT, PASS),
        ("below", 405, PASS),
    ],
)
def test_mark_exempts_method(down, visit, name, get, post):
    found = [visit(f"/{name}/", method=method).status_code for method in ("GET", "POST")]
    assert found == [get, post]
    head = visit(f"/{name}/", method="HEAD").status_code
    assert head == (405 if name == "below" else get)


def test_marked_method_exempts_no_other(down, visit):
    """A header asks for another method, and a method may be any text."""
    for override in ("GET", "DELETE", "post, GET", ""):
        assert visit("/webhook/", method="POST", x_http_method_override=override).status_code == 503
    assert visit("/webhook/", method="POST", x_http_method_override="post").status_code == 200
    for method in ("DELETE", "OPTIONS", "DISPATCH", "AS_VIEW", "__INIT__", "x" * 5000):
        assert visit("/webhook/", method=method).status_code == 503


class NoView:
    def get(self, request):
        return HttpResponse("a page")


@pytest.mark.parametrize(
    ("view", "sentence"),
    [
        ("shop.views.hook", "maintenance_exempt takes a view, not str."),
        (None, "maintenance_exempt takes a view, not NoneType."),
        (property(plain), "maintenance_exempt takes a view, not property."),
        (NoView, "NoView is no class of views: it has no dispatch()."),
    ],
)
def test_mark_refuses_what_is_no_view(view, sentence):
    with pytest.raises(TypeError) as refused:
        maintenance_exempt(view)
    assert str(refused.value) == sentence
