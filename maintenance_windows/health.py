"""Two views for supervisors, load balancers and containers. A project mounts them where it likes:

    path("healthz", health.live),
    path("readyz", health.ready),

Both stay open while the site is closed, and where Django has everybody log in.
"""

from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from maintenance_windows.overview import status
from maintenance_windows.snapshot import runtime
from maintenance_windows.snapshot.runtime import query_with_deadline

View = Callable[[HttpRequest], HttpResponse]


def _for_probes(view: View) -> View:
    view = login_not_required(never_cache(require_safe(view)))
    view.maintenance_exempt = True  # type: ignore[attr-defined]
    return view


@_for_probes
def live(request: HttpRequest) -> HttpResponse:
    """Answer 200 as long as this process does. Touches nothing."""
    return HttpResponse("ok\n", content_type="text/plain")


@_for_probes
def ready(request: HttpRequest) -> HttpResponse:
    """Say whether the database answers and the scheduler ticks; 503 where one does not.

    `snapshot_age` is how many seconds ago this process last read which sites are down. Anybody may
    ask, so nobody waits for a database that is frozen.
    """
    scheduler = query_with_deadline(lambda: status.scheduler(timezone.now()))
    age = runtime.snapshot_age()
    answer = {
        "database": scheduler is not None,
        "scheduler": scheduler,
        "snapshot_age": None if age is None else round(age, 1),
    }
    is_healthy = scheduler is not None and scheduler["healthy"]
    return JsonResponse(answer, status=200 if is_healthy else 503)
