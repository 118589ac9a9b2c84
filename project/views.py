"""The pages of a site that is there to be taken down, and what its supervisors ask."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from maintenance_windows.overview import status
from maintenance_windows.snapshot.runtime import query_with_deadline


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{request.get_host()} is up.\n", content_type="text/plain")


def healthz(request: HttpRequest) -> HttpResponse:
    """Whether this process answers. Touches nothing."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """Whether the database answers and the scheduler ticks; 503 where one does not.

    Anybody may ask, so nobody waits for a database that is frozen.
    """
    scheduler = query_with_deadline(lambda: status.scheduler(timezone.now()))
    if scheduler is None:
        return JsonResponse({"database": False, "scheduler": None}, status=503)
    answer = {"database": True, "scheduler": scheduler}
    return JsonResponse(answer, status=200 if scheduler["healthy"] else 503)
