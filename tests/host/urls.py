from django.contrib.sites.models import Site
from django.http import HttpRequest, HttpResponse
from django.urls import path


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Welcome.")


def sites(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{Site.objects.count()} sites")


async def asites(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{await Site.objects.acount()} sites")


urlpatterns = [path("", home), path("sites", sites), path("asites", asites)]
