"""The admin, and one page at any other address."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{request.get_host()} is up.\n", content_type="text/plain")


urlpatterns = [path("admin/", admin.site.urls), re_path("", home)]
