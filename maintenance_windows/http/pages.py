"""What people read on a closed site: made once for each state and language, not per request."""

import json
import logging
import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from secrets import token_hex
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from django.template import TemplateDoesNotExist
from django.template.loader import get_template, select_template
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from maintenance_windows.conf import conf, until_settings_change
from maintenance_windows.core.intervals import rfc3339
from maintenance_windows.core.state import Level, Maintenance

PROBLEM = "application/problem+json"
# Stands in a page for the seconds until the end, which alone differ from request to request.
SECONDS_LEFT = f"{{seconds left {token_hex(8)}}}"
FAILED = "Cannot make the page of the 503."
OURS = Path(__file__).parent.parent
INLINE = re.compile(rb"<(style|script)>(.*?)</\1>", re.DOTALL)

logger = logging.getLogger(__name__)

_broken: set[str] = set()  # what is wrong with the page, as was said once


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What there is to say. `back` is empty where no end is known."""

    title: str
    text: str
    back: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`policy` is what its Content-Security-Policy must allow, for a page of our own.

    Between each two `parts` belong the seconds until the end, or `never` where none is known.
    """

    parts: tuple[bytes, ...]
    content_type: str
    language: str = ""
    policy: str = ""
    never: bytes = b""

    def with_seconds(self, seconds: int | None) -> bytes:
        return (self.never if seconds is None else b"%d" % seconds).join(self.parts)


def words(maintenance: Maintenance) -> Words:
    """In the active language; times in the project's TIME_ZONE, by name."""
    title = _("Down for maintenance")
    text = _("We are working on this site. Thank you for your patience.")
    back = _("We expect to be back on %(end)s (%(zone)s).")
    if maintenance.level is Level.READ_ONLY:
        title = _("Read-only for maintenance")
        text = _("You can read everything, but nothing can be changed at the moment.")
        back = _("We expect changes to be possible from %(end)s (%(zone)s).")
    if maintenance.until is None:
        return Words(title=title, text=text, back="")
    zone = timezone.get_default_timezone()
    end = date_format(maintenance.until.astimezone(zone), "DATETIME_FORMAT")
    return Words(title=title, text=text, back=back % {"end": end, "zone": zone})


def html(maintenance: Maintenance, domain: str, language: str | None, *, secure: bool) -> Page:
    """The page of the project, else our own; plain text where it cannot be made."""
    # While a template is being written, each request shows it as it is.
    make = _html.__wrapped__ if settings.DEBUG else _html
    try:
        page = make(maintenance, domain, language, secure=secure)
    except Exception as error:  # noqa: BLE001 (a template may raise anything: closed is closed)
        _complain(FAILED, error)
        return plain(maintenance, language)
    _broken.discard(FAILED)
    return page


@until_settings_change
@lru_cache(maxsize=256)
def plain(maintenance: Maintenance, _language: str | None) -> Page:
    language = spoken()
    with translation.override(language):
        said = words(maintenance)
    lines = (said.title, maintenance.message or said.text, said.back)
    content = "\n\n".join(filter(None, lines)) + "\n"
    return Page(
        parts=(content.encode(),), content_type="text/plain; charset=utf-8", language=language
    )


@until_settings_change
@lru_cache(maxsize=256)
def problem(
    maintenance: Maintenance, site: str, starts_at: datetime | None, _language: str | None
) -> Page:
    """What programs read (RFC 9457)."""
    said = words(maintenance)
    content = {
        "type": "about:blank",
        "title": HTTPStatus.SERVICE_UNAVAILABLE.phrase,
        "status": HTTPStatus.SERVICE_UNAVAILABLE.value,
        "detail": maintenance.message or f"{said.title}. {said.text}",
        "retry_after": SECONDS_LEFT,
        "starts_at": rfc3339(starts_at),
        "ends_at": rfc3339(maintenance.until),
        "site": site,
    }
    parts = json.dumps(content).split(f'"{SECONDS_LEFT}"')
    encoded = tuple(part.encode() for part in parts)
    return Page(parts=encoded, content_type=PROBLEM, never=b"null")


@until_settings_change
@lru_cache(maxsize=256)
def _html(maintenance: Maintenance, domain: str, language: str | None, *, secure: bool) -> Page:
    template = _template()
    is_ours = OURS in Path(template.origin.name).parents
    language = spoken() if is_ours else language or settings.LANGUAGE_CODE
    is_due = maintenance.until is not None or conf.MAINTENANCE_RETRY_AFTER is not None
    with translation.override(language), timezone.override(timezone.get_default_timezone()):
        context = {
            "maintenance": maintenance,
            "words": words(maintenance),
            "site": domain,
            "zone": str(timezone.get_default_timezone()),
            "retry_after": SECONDS_LEFT if is_due else None,
        }
        content = template.render(context, nobodys_request(domain, secure=secure)).encode()
    return Page(
        parts=tuple(content.split(SECONDS_LEFT.encode())),
        content_type="text/html; charset=utf-8",
        language=language,
        policy=policy(content) if is_ours else "",
    )


def spoken() -> str:
    """The active language, or English where nobody has translated our words to it."""
    language = get_language()
    is_translated = language is not None and _("Down for maintenance") != "Down for maintenance"
    return language if language and is_translated else "en"


def _template() -> Any:
    if name := conf.MAINTENANCE_503_TEMPLATE:
        try:
            return get_template(name)
        except TemplateDoesNotExist as error:
            _complain(f"MAINTENANCE_503_TEMPLATE: there is no {name}.", error)
    return select_template(["503.html", "maintenance_windows/503.html"])


def nobodys_request(domain: str, *, secure: bool) -> HttpRequest:
    """A request for context processors: everyone is shown the page, so it is about no one."""
    request = WSGIRequest(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/",
            "HTTP_HOST": domain,
            "SERVER_NAME": domain,
            "SERVER_PORT": "443" if secure else "80",
            "wsgi.url_scheme": "https" if secure else "http",
            "wsgi.input": BytesIO(),
        }
    )
    request.session = SessionBase()
    request.LANGUAGE_CODE = get_language() or settings.LANGUAGE_CODE
    if apps.is_installed("django.contrib.auth"):
        from django.contrib.auth.models import AnonymousUser  # noqa: PLC0415

        request.user = AnonymousUser()
    return request


def policy(content: bytes) -> str:
    """Nothing is loaded from anywhere, and nothing runs but what stands in the page."""
    hashes: dict[str, list[str]] = {"style": [], "script": []}
    for name, text in INLINE.findall(content):
        digest = b64encode(sha256(text).digest()).decode()
        hashes[name.decode()].append(f"'sha256-{digest}'")
    allowed = "; ".join(f"{name}-src {' '.join(found)}" for name, found in hashes.items() if found)
    return f"default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; {allowed}"


def _complain(text: str, error: Exception) -> None:
    """Once, with the traceback, not with each request."""
    if text not in _broken:
        _broken.add(text)
        logger.error("%s", text, exc_info=error)
