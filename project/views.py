"""The pages of a site that is there to be taken down, and what its supervisors ask."""

from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from maintenance_windows import status


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{request.get_host()} is up.\n", content_type="text/plain")


def healthz(request: HttpRequest) -> HttpResponse:
    """Whether this process answers. Touches nothing."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """Whether the database answers and the scheduler ticks; 503 where one does not."""
    try:
        scheduler = status.scheduler(timezone.now())
    except DatabaseError:
        return JsonResponse({"database": False, "scheduler": None}, status=503)
    answer = {"database": True, "scheduler": scheduler}
    return JsonResponse(answer, status=200 if scheduler["healthy"] else 503)
