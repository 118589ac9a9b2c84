"""The system check of the page of the 503, which is rendered in advance."""

import pytest
from django.contrib.sites.models import Site
from django.core.checks import run_checks

pytestmark = pytest.mark.any_database

BACKEND = "django.template.backends.django.DjangoTemplates"


def issues(*, asking: bool = False) -> list[str]:
    databases = ["default"] if asking else []
    messages = run_checks(tags=["maintenance_windows"], databases=databases)
    return [message.msg for message in messages if message.id == "maintenance_windows.W014"]


def explosive(request) -> dict[str, object]:
    return {"path": request.current_page}


def matching(request) -> dict[str, object]:
    return {"slug": request.resolver_match.kwargs}


def addressed(request) -> dict[str, object]:
    return {"address": request.META["REMOTE_ADDR"]}


COUNTED = []


def querying(request) -> dict[str, object]:
    COUNTED.append(Site.objects.count())
    return {"sites": COUNTED[-1]}


def naming_host(request) -> dict[str, object]:
    return {"url": request.build_absolute_uri("/")}


@pytest.fixture
def serve(settings):
    """Make this the project's 503.html, with the context processors."""

    def serve(text: str, *processors: object, name: str = "503.html") -> None:
        loader = ("django.template.loaders.locmem.Loader", {name: text})
        names = [f"{__name__}.{processor.__name__}" for processor in processors]
        options = {"loaders": [loader], "context_processors": names}
        settings.TEMPLATES = [{"BACKEND": BACKEND, "OPTIONS": options}]

    return serve


def test_missing_template_is_reported(serve, settings):
    serve("", name="503.html")
    settings.MAINTENANCE_503_TEMPLATE = "no/such.html"
    said = "template 'no/such.html' does not exist, so visitors get the default page."
    assert issues() == [f"MAINTENANCE_503_TEMPLATE: {said}"]


@pytest.mark.parametrize(
    ("text", "processors", "error"),
    [
        ("{% if 503 %}", [], "TemplateSyntaxError: Unclosed tag on line 1: 'if'."),
        ('{% extends "base.html" %}', [], "TemplateDoesNotExist: base.html"),
        ("{{ site }}", [explosive], "AttributeError: 'WSGIRequest' object has no attribute"),
        ("{{ site }}", [matching], "AttributeError: 'NoneType' object has no attribute 'kwargs'"),
        ("{% if way_back %}{% url 'nowhere' %}{% endif %}", [], "NoReverseMatch: Reverse for"),
    ],
)
def test_template_that_cannot_be_rendered_is_reported(serve, settings, text, processors, error):
    serve(text, *processors)
    (sentence,) = issues()
    expected = f"503.html cannot be rendered, so visitors get the default page: {error}"
    assert sentence.replace("Template: 503.html, ", "").startswith(expected)  # Django 6.0 names it
    assert "\n" not in sentence
    serve(text, *processors, name="shop/down.html")
    settings.MAINTENANCE_503_TEMPLATE = "shop/down.html"
    (sentence,) = issues()
    assert sentence.startswith("shop/down.html cannot be rendered")


def test_good_template_gives_no_message(serve, settings):
    serve("{{ words.title }} {{ maintenance.until }} {{ retry_after }} {{ request.user }}")
    assert issues() == []
    serve("{{ address }}", addressed)
    assert issues() == []
    settings.TEMPLATES = []
    assert issues() == []


@pytest.mark.django_db
def test_template_that_queries_is_tried_where_database_is_asked(serve, settings):
    settings.ALLOWED_HOSTS = ["example.com"]
    serve("{{ sites.nothing.at.all }}", querying)
    COUNTED.clear()
    assert issues() == []
    assert not COUNTED
    assert issues(asking=True) == []
    assert COUNTED
    serve("{{ sites }}{% url 'nowhere' %}", querying)
    assert issues() == []
    (sentence,) = issues(asking=True)
    assert "NoReverseMatch" in sentence


@pytest.mark.django_db
def test_page_is_rendered_for_host_of_site(serve, settings):
    settings.ALLOWED_HOSTS = ["www.acme.example"]
    serve("{{ url }}", naming_host)
    assert issues() == []
    assert issues(asking=True) == []  # no site is served, and W012 says so
    settings.SITE_ID = Site.objects.get().pk
    assert issues() == []
    (sentence,) = issues(asking=True)
    assert "DisallowedHost: Invalid HTTP_HOST header: 'example.com'" in sentence
    settings.ALLOWED_HOSTS = ["example.com"]
    assert issues(asking=True) == []
