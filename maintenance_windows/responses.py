"""The 503 and its headers."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.template.loader import select_template

from maintenance_windows.conf import conf
from maintenance_windows.decision import retry_after
from maintenance_windows.snapshot import Maintenance


def unavailable(request: HttpRequest, maintenance: Maintenance, now: datetime) -> HttpResponse:
    """The answer for a closed site (RFC 9110 section 15.6.4), never to be stored."""
    seconds = retry_after(maintenance, now, conf.retry_after)
    names = [conf.template or "503.html", "maintenance_windows/503.html"]
    context = {"maintenance": maintenance, "retry_after": seconds}
    response = HttpResponse(select_template(names).render(context, request), status=503)
    response.headers["Cache-Control"] = "no-store"
    # Planned, so no error to log or to mail to ADMINS; Django asks for this mark in log_response.
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001
    if seconds is not None:
        response.headers["Retry-After"] = str(seconds)
    return response
