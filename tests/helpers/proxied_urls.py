"""The project's URLs, and a page that asks caches to keep it, each in its own language."""

from secrets import token_hex

from django.http import HttpRequest, HttpResponse
from django.urls import path

from project.urls import urlpatterns as of_project


def aged(request: HttpRequest) -> HttpResponse:
    headers = {
        "Cache-Control": "public, max-age=60",
        "CDN-Cache-Control": "max-age=60",
        "Surrogate-Control": "max-age=60",
        "X-Accel-Expires": "60",
    }
    return HttpResponse(token_hex(), headers=headers)


urlpatterns = [path("aged", aged), *of_project]
