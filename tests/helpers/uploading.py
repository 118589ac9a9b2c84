"""The project's settings, with a bound for bodies and a middleware that counts what is left."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from project.settings import *  # noqa: F403
from project.settings import MIDDLEWARE as PROJECTS_MIDDLEWARE

MAINTENANCE_DISCARD_BYTES = 1_000_000
MIDDLEWARE = ["tests.helpers.uploading.count", *PROJECTS_MIDDLEWARE]


def count(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        if "X-Read" in request.headers:
            assert request.body
        response = get_response(request)
        response.headers["X-Left"] = str(len(request.read()))
        return response

    return middleware
