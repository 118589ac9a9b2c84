"""The calendars that people and their programs subscribe to."""

from datetime import UTC, datetime
from hashlib import sha256

from django.contrib.sites.models import Site
from django.db import Error as DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from maintenance_windows.calendar import events
from maintenance_windows.models import CalendarToken
from maintenance_windows.requests import site_of
from maintenance_windows.snapshot import runtime

AGAIN = 60  # seconds after which to ask again


# Any other method is refused as what it is, not for want of a token.
@csrf_exempt
@require_safe
def calendar(request: HttpRequest) -> HttpResponseBase:
    """The windows of the request's site, for everyone; with `?token=`, of all sites, for staff.

    404 where the host is no site, and where the token is not that of somebody who may see all;
    503 while the database is away. See maintenance_windows.calendar.events for what is in it.
    """
    now = datetime.now(UTC)
    token = request.GET.get("token")
    if not runtime.database_answers():
        return _away()
    try:
        if token is None:
            content, cache = events.of_site(_site(request), now), "no-cache"
        elif CalendarToken.admits(token):
            content, cache = events.of_all_sites(now), "private, no-cache"
        else:
            raise Http404
    except DatabaseError:
        return _away()
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = 'inline; filename="maintenance.ics"'
    response.headers["Cache-Control"] = cache
    etag = response.headers["ETag"] = f'"{sha256(content).hexdigest()}"'
    return get_conditional_response(request, etag=etag, response=response) or response


def _away() -> HttpResponse:
    """Nobody waits for a database that is frozen: the 503 of a closed site needs every worker."""
    headers = {"Cache-Control": "no-store", "Retry-After": str(AGAIN)}
    return HttpResponse("The calendar is away.\n", "text/plain", 503, headers=headers)


def _site(request: HttpRequest) -> Site:
    try:
        return site_of(request)
    except Site.DoesNotExist as error:
        raise Http404(str(error)) from error
