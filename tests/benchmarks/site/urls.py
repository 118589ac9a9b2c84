"""A line of text and a page with a query and a template, for WSGI and for ASGI: each would have to
change threads for the other's view."""

from collections.abc import Iterable

from django.contrib.sites.models import Site
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

SITES = Site.objects.order_by("domain")


def line(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Hello.\n", content_type="text/plain")


async def aline(request: HttpRequest) -> HttpResponse:
    return line(request)


def rendered(request: HttpRequest, sites: Iterable[Site]) -> HttpResponse:
    context = {"title": "All sites", "sites": sites, "numbers": range(20)}
    return render(request, "page.html", context)


def page(request: HttpRequest) -> HttpResponse:
    return rendered(request, list(SITES.all()))


async def apage(request: HttpRequest) -> HttpResponse:
    return rendered(request, [site async for site in SITES.all()])


urlpatterns = [
    path("sync/line/", line),
    path("sync/page/", page),
    path("async/line/", aline),
    path("async/page/", apage),
]
