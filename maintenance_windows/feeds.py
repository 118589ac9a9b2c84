"""The calendars that people and their programs subscribe to."""

from datetime import UTC, datetime
from hashlib import sha256

from django.contrib.sites.models import Site
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from maintenance_windows import calendars
from maintenance_windows.models import CalendarToken
from maintenance_windows.outlook import site_of


# Any other method is refused as what it is, not for want of a token.
@csrf_exempt
@require_safe
def calendar(request: HttpRequest) -> HttpResponseBase:
    """The windows of the request's site, for everyone; with `?token=`, of all sites, for staff.

    404 where the host is no site, and where the token is not that of somebody who may see all.
    See maintenance_windows.calendars for what is in it.
    """
    now = datetime.now(UTC)
    token = request.GET.get("token")
    if token is None:
        content, cache = calendars.of_site(_site(request), now), "no-cache"
    elif CalendarToken.admits(token):
        content, cache = calendars.of_all_sites(now), "private, no-cache"
    else:
        raise Http404
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = 'inline; filename="maintenance.ics"'
    response.headers["Cache-Control"] = cache
    etag = response.headers["ETag"] = f'"{sha256(content).hexdigest()}"'
    return get_conditional_response(request, etag=etag, response=response) or response


def _site(request: HttpRequest) -> Site:
    try:
        return site_of(request)
    except Site.DoesNotExist as error:
        raise Http404(str(error)) from error
