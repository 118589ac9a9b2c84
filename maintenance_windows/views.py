"""The views for visitors: bypass links, the public page and its JSON. They are always exempt."""

import json
from hashlib import sha256

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    JsonResponse,
)
from django.http.response import HttpResponseBase
from django.template.loader import get_template
from django.urls import get_script_prefix
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from maintenance_windows.http import pages
from maintenance_windows.http.marks import exempt
from maintenance_windows.http.responses import revalidated, unavailable, unlogged
from maintenance_windows.http.tokens import COOKIE, BypassToken
from maintenance_windows.http.visit import read_visit, site_state
from maintenance_windows.overview.public import public_status
from maintenance_windows.snapshot import clock, runtime


# csrf_exempt, because Django logs the path, and so the token, of POSTs that it rejects.
@exempt
@csrf_exempt
def bypass(request: HttpRequest, token: str) -> HttpResponse:
    """Follow a bypass link: keep its token in a cookie and redirect to the site without it.

    While the site is down, a token that is not valid for it gets the 503.
    """
    if request.method not in {"GET", "HEAD"}:
        return unlogged(HttpResponseNotAllowed(["GET", "HEAD"]))
    now, snapshot = clock.now(), runtime.current()
    state, visit = site_state(request, snapshot), read_visit(request, snapshot)
    read = BypassToken.read(token)
    if visit and not (read and read.admits(visit.state, visit.now)):
        response = unavailable(request, visit)
    else:
        response = HttpResponseRedirect(get_script_prefix())
        response.headers["Cache-Control"] = "no-store"
        if read and not read.is_over(now) and (state is None or read.belongs_to(state)):
            left = None if read.expires_at is None else read.expires_at - now
            response.set_cookie(
                COOKIE,
                token,
                max_age=left,
                path=get_script_prefix(),
                secure=request.is_secure(),
                httponly=True,
                samesite="Lax",
            )
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


# csrf_exempt, so that a POST gets 405 instead of a CSRF error.
@exempt
@csrf_exempt
@require_safe
def public(request: HttpRequest) -> HttpResponseBase:
    """Show everybody the present and coming maintenance of the request's site.

    A host that is no site gets a 404. A project's template `maintenance_windows/public.html`
    replaces ours. As with the 503, context processors get the request of an anonymous visitor.
    The context, with aware times in UTC, shown in TIME_ZONE:

    - `site`, the domain; `zone`, the name of TIME_ZONE; `now`
    - `maintenance`: the present maintenance or None, with `until` (None if open-ended), `level`
      (`full` or `read_only`) and `message`; `changes_from` is when a site that is down accepts
      changes again, if it is read-only in between; `full_ahead` are the times, each with `start`
      and `end`, at which it goes down fully before that
    - `since`: its start, or None if unknown
    - `words`: its `title`, `text` and `back`, translated, as in the 503
    - `coming`: windows in order of time, each with `span.start`, `span.end`, `level`, `message`
    - `planned`: what they make together, each with `span`, `level`, `parts` (each with `span` and
      `level`) and `messages`; without what is in `repeated`
    - `repeated`: recurring windows, each with `words` of its rules, `zone`, `is_daily` and `next`
    - `past`: outages of the last 30 days, each with `span`, `level` (None if unknown) and
      `messages`; None unless MAINTENANCE_PUBLIC_HISTORY
    - `is_complete`: false while the database is down and only windows that start soon are known
    - `is_known`: false while not even the present state is known
    """
    now = clock.now()
    status = public_status(request, now)
    maintenance = status.maintenance
    page = pages.render(
        get_template("maintenance_windows/public.html"),
        {
            "site": status.site,
            "now": now,
            "maintenance": maintenance and maintenance.for_readers(),
            "changes_from": maintenance.until if maintenance and maintenance.is_mixed else None,
            "full_ahead": status.full_ahead,
            "since": status.since,
            "coming": status.coming,
            "planned": status.planned,
            "repeated": status.repeated,
            "past": status.past,
            "is_complete": status.is_complete,
            "is_known": status.is_known,
        },
        request.get_host(),
        secure=request.is_secure(),
    )
    return revalidated(request, HttpResponse(page.with_seconds(None), headers=page.headers))


@exempt
@csrf_exempt
@require_safe
def status(request: HttpRequest) -> HttpResponseBase:
    """Return the public status as JSON, readable for scripts of any origin.

    `?brief` is what every open page asks once a minute: it is answered from memory.
    """
    now = clock.now()
    content = public_status(request, now, from_memory="brief" in request.GET).as_json(now)
    # A weak ETag (RFC 9110 section 8.8.1), because it ignores values that only change with time.
    lasting = {name: content[name] for name in content.keys() - {"at", "retry_after"}}
    digest = sha256(json.dumps(lasting, sort_keys=True).encode()).hexdigest()
    response = revalidated(request, JsonResponse(content, headers={"ETag": f'W/"{digest}"'}))
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
