"""The 503 and its headers."""

import logging
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.template.loader import select_template

from maintenance_windows.conf import conf
from maintenance_windows.decision import retry_after
from maintenance_windows.snapshot import Maintenance

logger = logging.getLogger(__name__)

_broken: set[str] = set()  # pages that could not be made, as was said once


def unavailable(request: HttpRequest, maintenance: Maintenance, now: datetime) -> HttpResponse:
    """The answer for a closed site (RFC 9110 section 15.6.4), never to be stored."""
    seconds = retry_after(maintenance, now, conf.retry_after)
    response = page(request, {"maintenance": maintenance, "retry_after": seconds})
    response.headers["Cache-Control"] = "no-store"
    # Planned, so no error to log or to mail to ADMINS; Django asks for this mark in log_response.
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001
    if seconds is not None:
        response.headers["Retry-After"] = str(seconds)
    return response


def page(request: HttpRequest, context: dict[str, object]) -> HttpResponse:
    """The page of the project, else our own; one line of text where neither can be made."""
    chosen = conf.template or "503.html"
    names = [chosen, "maintenance_windows/503.html"]
    try:
        content = select_template(names).render(context, request)
    except Exception:
        # The project's template may raise anything, and a site that is closed stays closed.
        if chosen not in _broken:
            _broken.add(chosen)
            logger.exception("Cannot make the page of the 503 from %s.", chosen)
        plain = "text/plain; charset=utf-8"
        return HttpResponse("Down for maintenance.\n", status=503, content_type=plain)
    _broken.discard(chosen)
    return HttpResponse(content, status=503)
