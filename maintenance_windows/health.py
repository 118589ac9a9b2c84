"""Health check views. A project adds them to its URLconf at any path:

    path("healthz", health.live),
    path("readyz", health.ready),

Both are exempt from maintenance and from LoginRequiredMiddleware.
"""

from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from maintenance_windows.http.marks import exempt
from maintenance_windows.overview import status
from maintenance_windows.snapshot import clock, runtime
from maintenance_windows.snapshot.runtime import query_with_deadline
from maintenance_windows.snapshot.threads import Share

View = Callable[[HttpRequest], HttpResponse]


def _for_probes(view: View) -> View:
    return exempt(login_not_required(never_cache(require_safe(view))))


@_for_probes
def live(request: HttpRequest) -> HttpResponse:
    """Return 200 while this process responds. Uses neither database nor cache."""
    return HttpResponse("ok\n", content_type="text/plain")


@_for_probes
def ready(request: HttpRequest) -> HttpResponse:
    """Report whether the database answers and the scheduler ticks; 503 if either does not.

    `snapshot_age` is the number of seconds since this process last read the snapshot. The view is
    public: a deadline keeps a hanging database from blocking a worker, and all who ask at the same
    time share one query, so that no load of strangers makes a probe wait.
    """
    scheduler = query_with_deadline(
        lambda: status.scheduler(clock.now()), Share.PROBES, key="scheduler"
    )
    age = runtime.snapshot_age()
    answer = {
        "database": scheduler is not None,
        "scheduler": scheduler,
        "snapshot_age": None if age is None else round(age, 1),
    }
    is_healthy = scheduler is not None and scheduler["healthy"]
    return JsonResponse(answer, status=200 if is_healthy else 503)
