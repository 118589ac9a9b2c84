from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from maintenance_windows import health


def home(request: HttpRequest) -> HttpResponse:
    """The page of a site that is there to be taken down."""
    return HttpResponse(f"{request.get_host()} is up.\n", content_type="text/plain")


urlpatterns = [
    path("", home),
    path("healthz", health.live),
    path("readyz", health.ready),
    path("admin/", admin.site.urls),
    path("maintenance/", include("maintenance_windows.urls")),
]
