"""@maintenance_exempt with Django REST framework and django-ninja."""

import pytest
from django.core.checks import run_checks
from django.urls import include, path

from maintenance_windows.decorators import maintenance_exempt
from maintenance_windows.planning.sites import take_down

ninja = pytest.importorskip("ninja")
pytest.importorskip("rest_framework")

from rest_framework.decorators import action, api_view  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.routers import SimpleRouter  # noqa: E402
from rest_framework.views import APIView  # noqa: E402
from rest_framework.viewsets import ViewSet  # noqa: E402

pytestmark = pytest.mark.any_database


class Parts(ViewSet):
    def list(self, request):
        return Response("a page")

    @maintenance_exempt
    def create(self, request):
        return Response("taken")

    @maintenance_exempt
    @action(detail=False, methods=["post"])
    def above(self, request):
        return Response("taken")

    @action(detail=True, methods=["post"])
    @maintenance_exempt
    def below(self, request, pk):
        return Response("taken")

    @below.mapping.get
    def look(self, request, pk):
        return Response("a page")


class Part(APIView):
    def get(self, request):
        return Response("a page")

    @maintenance_exempt
    def post(self, request):
        return Response("taken")


@maintenance_exempt
@api_view(["GET", "POST"])
def function(request):
    return Response("taken")


def urlpatterns():
    # An API is registered only once.
    api, routed = ninja.NinjaAPI(urls_namespace="marks"), ninja.Router()

    @api.get("/below")
    @maintenance_exempt
    def below(request, colour: str = ""):
        return colour

    @api.post("/below")
    def write(request):
        return "a page"

    @maintenance_exempt
    @api.post("/above")
    def above(request):
        return "taken"

    @routed.post("/async")
    @maintenance_exempt
    async def hook(request):
        return "taken"

    @routed.get("/async")
    async def look(request):
        return "a page"

    api.add_router("/routed", routed)
    router = SimpleRouter()
    router.register("parts", Parts, basename="parts")
    return [
        path("drf/", include(router.urls)),
        path("drf/part/", Part.as_view()),
        path("drf/function/", function),
        path("ninja/", api.urls),
    ]


URLS = type("Urls", (), {"urlpatterns": urlpatterns()})


@pytest.mark.parametrize(
    ("asked", "get", "post"),
    [
        ("drf/parts/", 503, 200),
        ("drf/parts/above/", 503, 200),
        ("drf/parts/7/below/", 503, 200),
        ("drf/part/", 503, 200),
        ("drf/function/", 200, 200),
        ("ninja/below", 200, 503),
        ("ninja/above", 503, 200),
        ("ninja/routed/async", 503, 200),
        ("ninja/openapi.json", 503, 503),
    ],
)
def test_mark_exempts_action_or_operation(acme, visit, settings, asked, get, post):
    settings.ROOT_URLCONF = URLS
    settings.REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    }
    take_down([acme])
    found = [visit(f"/{asked}", method=method).status_code for method in ("GET", "POST")]
    assert found == [get, post]


def test_check_w023_knows_actions_and_operations(settings, of_project):
    def hook(request):
        return "taken"

    class Parts(ViewSet):
        def create(self, request):
            return Response("taken")

        create = of_project(create)

    api, router = ninja.NinjaAPI(urls_namespace="w023"), SimpleRouter()
    api.post("/hook")(of_project(hook))
    router.register("parts", Parts, basename="parts")
    mounted = path("api/", api.urls)
    for patterns, count in (
        ([mounted, path("", include(router.urls))], 0),
        ([mounted], 1),
        ([], 2),
    ):
        settings.ROOT_URLCONF = type("Urls", (), {"urlpatterns": patterns})
        found = run_checks(tags=["maintenance_windows"], databases=[])
        assert [one.id for one in found] == ["maintenance_windows.W023"] * count
