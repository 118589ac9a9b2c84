"""The project's URLs, and a view that keeps a connection busy."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from project.urls import urlpatterns as project_patterns


def slow(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(4)")
    return HttpResponse("slow")


urlpatterns = [path("slow", slow), *project_patterns]
