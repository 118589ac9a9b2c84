from django.http import HttpRequest, HttpResponse
from django.urls import path


def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Hello.\n", content_type="text/plain")


async def ahello(request: HttpRequest) -> HttpResponse:
    return hello(request)


# One for WSGI, one for ASGI: either would have to change threads for the other's view.
urlpatterns = [path("sync/", hello), path("async/", ahello)]
