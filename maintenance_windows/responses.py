"""The 503 and its headers."""

import logging
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template import TemplateDoesNotExist
from django.template.loader import get_template, select_template

from maintenance_windows.conf import conf
from maintenance_windows.decision import retry_after
from maintenance_windows.snapshot import Maintenance

FAILED = "Cannot make the page of the 503."

logger = logging.getLogger(__name__)

_broken: set[str] = set()  # what is wrong with the page, as was said once


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
    try:
        content = _template().render(context, request)
    except Exception as error:  # noqa: BLE001 (a template may raise anything: closed is closed)
        _complain(FAILED, error)
        plain = "text/plain; charset=utf-8"
        return HttpResponse("Down for maintenance.\n", status=503, content_type=plain)
    _broken.discard(FAILED)
    return HttpResponse(content, status=503)


def _template() -> Any:
    if conf.template:
        try:
            return get_template(conf.template)
        except TemplateDoesNotExist as error:
            _complain(f"MAINTENANCE_503_TEMPLATE: there is no {conf.template}.", error)
    return select_template(["503.html", "maintenance_windows/503.html"])


def _complain(text: str, error: Exception) -> None:
    """Once, with the traceback, not with each request."""
    if text not in _broken:
        _broken.add(text)
        logger.error("%s", text, exc_info=error)
