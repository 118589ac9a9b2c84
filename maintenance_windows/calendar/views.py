"""The calendar feeds that people and their programs subscribe to."""

from django.conf import settings
from django.db import Error as DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import http_date
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from maintenance_windows.calendar import events
from maintenance_windows.calendar.feed import of_site
from maintenance_windows.http.marks import exempt
from maintenance_windows.http.responses import revalidated
from maintenance_windows.models import CalendarToken
from maintenance_windows.requests import site_or_404
from maintenance_windows.snapshot import clock, runtime

AGAIN = 60  # seconds after which a client should try again


# csrf_exempt, so that a POST gets 405 instead of a CSRF error.
@exempt
@csrf_exempt
@require_safe
def calendar(request: HttpRequest) -> HttpResponseBase:
    """Return the windows of the request's site, or with `?token=` those of all sites for staff.

    A host that is no site gets a 404, and so does a token whose owner may not see all windows.
    While the database is down the response is a 503. See maintenance_windows.calendar.events for
    the content.
    """
    now = clock.now()
    token = request.GET.get("token")
    if not runtime.database_answers():
        return _unavailable()
    try:
        if token is None:
            content, cache = events.of_site(site_or_404(request), now), "no-cache"
        elif CalendarToken.admits(token):
            content, cache = events.of_all_sites(now), "private, no-cache"
        else:
            raise Http404
    except DatabaseError:
        return _unavailable()
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = 'inline; filename="maintenance.ics"'
    return revalidated(request, response, cache)


@exempt
@csrf_exempt
@require_safe
def feed(request: HttpRequest) -> HttpResponseBase:
    """Return the Atom feed of the request's site; see maintenance_windows.calendar.feed."""
    if not runtime.database_answers():
        return _unavailable()
    page, address = (
        request.build_absolute_uri(reverse(f"maintenance_windows:{name}"))
        for name in ("public", "feed")
    )
    try:
        found = of_site(site_or_404(request), clock.now(), page, address)
    except DatabaseError:
        return _unavailable()
    response = HttpResponse(found.content, content_type="application/atom+xml; charset=utf-8")
    response.headers["Content-Language"] = settings.LANGUAGE_CODE
    response.headers["Last-Modified"] = http_date(found.updated.timestamp())
    return revalidated(request, response)


def _unavailable() -> HttpResponse:
    """Fail fast: workers that hang with the database cannot answer visitors."""
    headers = {"Cache-Control": "no-store", "Retry-After": str(AGAIN)}
    return HttpResponse("Not available at the moment.\n", "text/plain", 503, headers=headers)
