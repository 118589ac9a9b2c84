"""What visitors get from this app itself; none of it is ever closed."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.contrib.sites.models import Site
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    JsonResponse,
)
from django.http.response import HttpResponseBase
from django.template.loader import get_template
from django.urls import get_script_prefix
from django.utils import timezone, translation
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from maintenance_windows.http import pages
from maintenance_windows.http.responses import unavailable
from maintenance_windows.http.tokens import COOKIE, BypassToken
from maintenance_windows.http.visit import read_visit, site_state
from maintenance_windows.overview.public import Outlook, facts, outlook_of
from maintenance_windows.snapshot import runtime


# No log may name the token: Django would, of a POST that it refuses.
@csrf_exempt
def bypass(request: HttpRequest, token: str) -> HttpResponse:
    """A bypass link: keeps its token in a cookie and leads to the site, without the token.

    While the site is closed, a token that is not good for it gets the 503 like anybody.
    """
    if request.method not in {"GET", "HEAD"}:
        refusal = HttpResponseNotAllowed(["GET", "HEAD"])
        refusal._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001
        return refusal
    now, snapshot = datetime.now(UTC), runtime.current()
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


# Any other method is refused as what it is, not for want of a token.
@csrf_exempt
@require_safe
def public(request: HttpRequest) -> HttpResponseBase:
    """What is on at this site and what is coming, for everybody: 404 for a host that is no site.

    A project's template `maintenance_windows/public.html` replaces ours. As with the 503, context
    processors get a request of nobody. Its context, with aware times in UTC, shown in TIME_ZONE:

    - `site`, the domain; `zone`, the name of TIME_ZONE
    - `maintenance`: what is on, or None; with `until` (None where open), `level` (`full` or
      `read_only`) and `message`
    - `since`: when that began, None where it is not known
    - `words`: `title`, `text` and `back` of what is on, translated, as in the 503
    - `coming`: windows in order of time, each with `span.start`, `span.end`, `level`, `message`
    - `is_complete`: false while the database is away, and only what starts soon is known
    """
    outlook = _outlook(request, datetime.now(UTC))
    on = outlook.maintenance
    template: Any = get_template("maintenance_windows/public.html")
    is_ours = pages.OURS in Path(template.origin.name).parents
    language = pages.spoken() if is_ours else translation.get_language()
    nobody = pages.nobodys_request(request.get_host(), secure=request.is_secure())
    with (
        translation.override(language),
        timezone.override(timezone.get_default_timezone()),
    ):
        context = {
            "site": outlook.site,
            "zone": str(timezone.get_default_timezone()),
            "maintenance": on,
            "since": outlook.since,
            "words": pages.words(on) if on else None,
            "coming": outlook.coming,
            "is_complete": outlook.is_complete,
        }
        response = HttpResponse(template.render(context, nobody))
    if is_ours:
        response.headers["Content-Language"] = language
        response.headers["Content-Security-Policy"] = pages.policy(response.content)
    response.headers["ETag"] = f'"{sha256(response.content).hexdigest()}"'
    return _revalidated(request, response)


@csrf_exempt
@require_safe
def status(request: HttpRequest) -> HttpResponseBase:
    """The same as JSON, which scripts of any origin may read."""
    now = datetime.now(UTC)
    content = facts(_outlook(request, now), now)
    # A weak one (RFC 9110 section 8.8.1): what moves with the clock alone is no news.
    lasting = {name: content[name] for name in content.keys() - {"at", "retry_after"}}
    digest = sha256(json.dumps(lasting, sort_keys=True).encode()).hexdigest()
    response = _revalidated(request, JsonResponse(content, headers={"ETag": f'W/"{digest}"'}))
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _outlook(request: HttpRequest, now: datetime) -> Outlook:
    try:
        return outlook_of(request, now)
    except Site.DoesNotExist as error:
        raise Http404(str(error)) from error


def _revalidated(request: HttpRequest, response: HttpResponse) -> HttpResponseBase:
    """The answer, or 304 where the client has it: it may be kept, and is asked for each time."""
    response.headers["Cache-Control"] = "no-cache"
    etag = response.headers["ETag"]
    return get_conditional_response(request, etag=etag, response=response) or response
