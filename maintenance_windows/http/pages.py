"""The 503 pages, rendered once for each state and language instead of for each request."""

import json
import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from secrets import token_hex
from typing import Any
from wsgiref.util import setup_testing_defaults

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from django.template import TemplateDoesNotExist
from django.template.loader import get_template, select_template
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.html import escape
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from maintenance_windows.conf import conf, until_settings_change
from maintenance_windows.core.intervals import rfc3339
from maintenance_windows.core.state import Level, Maintenance
from maintenance_windows.http.own_page import own_page
from maintenance_windows.http.users import anonymous_user
from maintenance_windows.logonce import LogOnce, get_logger
from maintenance_windows.wording.messages import message_in, with_message_in

PROBLEM = "application/problem+json"
# Placeholders for what differs between requests: the remaining seconds, and after an unsafe method
# the address to go back to.
SECONDS_LEFT = f"{{seconds left {token_hex(8)}}}"
WAY_BACK = f"{{way back {token_hex(8)}}}"
NOBODYS_ADDRESS = "0.0.0.0"  # noqa: S104 (in no list of addresses that mean somebody)
OURS = Path(__file__).parent.parent
INLINE = re.compile(rb"<(style|script)>(.*?)</\1>", re.DOTALL)

logger = get_logger(__name__)

_failures, _missing_templates = LogOnce(logger), LogOnce(logger)


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The texts about a maintenance. `back` is empty if no end is known."""

    title: str
    text: str
    back: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A rendered body, split at the remaining seconds, and its headers.

    `never` replaces the seconds if no end is known.
    """

    parts: tuple[bytes, ...]
    headers: dict[str, str]
    never: bytes = b""

    def with_seconds(self, seconds: int | None) -> bytes:
        return (self.never if seconds is None else b"%d" % seconds).join(self.parts)


def with_way_back(content: bytes, address: str) -> bytes:
    """Fill the placeholder of a page that was rendered as `refused`."""
    return content.replace(WAY_BACK.encode(), escape(address).encode())


def describe(maintenance: Maintenance) -> Texts:
    """Describe a maintenance in the active language, with times in TIME_ZONE."""
    title = _("Down for maintenance")
    text = _("We are working on this site. Thank you for your patience.")
    back = _("We expect to be back on %(end)s (%(zone)s).")
    if maintenance.level is Level.READ_ONLY:
        title = _("Read-only for maintenance")
        text = _("You can browse the site, but changes are temporarily disabled.")
        back = _("Changes should be possible again from %(end)s (%(zone)s).")
    if maintenance.until is None:
        return Texts(title=title, text=text, back="")
    zone = timezone.get_default_timezone()
    end = date_format(maintenance.until.astimezone(zone), "DATETIME_FORMAT")
    return Texts(title=title, text=text, back=back % {"end": end, "zone": zone})


def html(
    maintenance: Maintenance,
    domain: str,
    language: str | None,
    *,
    secure: bool,
    refused: bool = False,
) -> Page:
    """Return the project's page; our own where there is none, or where rendering fails.

    `refused` means that the method was unsafe, so that nothing was saved.
    """
    # With DEBUG each request shows a template as it is being written.
    make = make_html if settings.DEBUG else _html
    try:
        page = make(maintenance, domain, language, secure=secure, refused=refused)
    except Exception as error:  # noqa: BLE001 (a template may raise anything)
        _failures.error("Failed to render the 503 page; clients get the default page.", error)
        return _own_html(maintenance, domain, language, secure=secure, refused=refused)
    if _failures:
        _failures.now({})
    return page


@until_settings_change
@lru_cache(maxsize=256)
def plain(maintenance: Maintenance, visitors_language: str | None) -> Page:
    language = translated_language()
    with translation.override(language):
        texts = describe(maintenance)
    message = message_in(maintenance.message, visitors_language)
    lines = (texts.title, message or texts.text, texts.back)
    content = "\n\n".join(filter(None, lines)) + "\n"
    headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Language": language}
    return Page(parts=(content.encode(),), headers=headers)


@until_settings_change
@lru_cache(maxsize=256)
def problem(
    maintenance: Maintenance, site: str, starts_at: datetime | None, language: str | None
) -> Page:
    """Return the problem details for programs (RFC 9457)."""
    texts = describe(maintenance)
    content = {
        "type": "about:blank",
        "title": HTTPStatus.SERVICE_UNAVAILABLE.phrase,
        "status": HTTPStatus.SERVICE_UNAVAILABLE.value,
        "detail": message_in(maintenance.message, language) or f"{texts.title}. {texts.text}",
        "retry_after": SECONDS_LEFT,
        "starts_at": rfc3339(starts_at),
        "ends_at": rfc3339(maintenance.until),
        "site": site,
    }
    parts = json.dumps(content).split(f'"{SECONDS_LEFT}"')
    encoded = tuple(part.encode() for part in parts)
    return Page(parts=encoded, headers={"Content-Type": PROBLEM}, never=b"null")


def make_html(
    maintenance: Maintenance,
    domain: str,
    language: str | None,
    *,
    secure: bool,
    refused: bool = False,
) -> Page:
    """Render the page anew. Raises whatever a template of the project raises."""
    context = _context(maintenance, domain, language, refused=refused)
    return render(_template(), context, domain, secure=secure)


_html = until_settings_change(lru_cache(maxsize=256)(make_html))


@until_settings_change
@lru_cache(maxsize=256)
def _own_html(
    maintenance: Maintenance, domain: str, language: str | None, *, secure: bool, refused: bool
) -> Page:
    context = _context(maintenance, domain, language, refused=refused)
    return render(own_page(), context, domain, secure=secure)


def _context(
    maintenance: Maintenance, domain: str, language: str | None, *, refused: bool
) -> dict[str, Any]:
    is_due = maintenance.until is not None or conf.MAINTENANCE_RETRY_AFTER is not None
    return {
        "site": domain,
        "maintenance": with_message_in(maintenance, language),
        "retry_after": SECONDS_LEFT if is_due else None,
        "way_back": WAY_BACK if refused else None,
    }


def _template() -> Any:
    if name := conf.MAINTENANCE_503_TEMPLATE:
        try:
            return get_template(name)
        except TemplateDoesNotExist as error:
            _missing_templates.error(
                f"MAINTENANCE_503_TEMPLATE: template {name} does not exist.", error
            )
    try:
        return select_template(["503.html", "maintenance_windows/503.html"])
    except TemplateDoesNotExist:  # no engine of the project finds templates of apps
        return own_page()


def render(template: Any, context: dict[str, Any], host: str, *, secure: bool) -> Page:
    """Render a template for an anonymous visitor of `host`, with times in TIME_ZONE.

    The context gets `words` about its `maintenance`, and the `brand`. Our own templates get a
    Content-Security-Policy, and English if the active language has no translation.
    """
    is_ours = OURS in Path(template.origin.name).parents
    language = translated_language() if is_ours else get_language() or settings.LANGUAGE_CODE
    zone, maintenance = timezone.get_default_timezone(), context["maintenance"]
    with translation.override(language), timezone.override(zone):
        words = maintenance and describe(maintenance)
        brand = conf.MAINTENANCE_BRAND
        context = {**context, "words": words, "zone": str(zone), "brand": brand}
        content = template.render(context, nobodys_request(host, secure=secure)).encode()
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Language": language}
    if is_ours:
        headers["Content-Security-Policy"] = _policy(content)
    return Page(parts=tuple(content.split(SECONDS_LEFT.encode())), headers=headers)


def translated_language() -> str:
    """Return the active language, or English if our texts are not translated to it."""
    language = get_language()
    is_translated = language is not None and _("Down for maintenance") != "Down for maintenance"
    return language if language and is_translated else "en"


def nobodys_request(host: str, *, secure: bool) -> HttpRequest:
    """Return a request of nobody for context processors, because all visitors share a page."""
    scheme = "https" if secure else "http"
    environ = {
        "HTTP_HOST": host,
        "REMOTE_ADDR": NOBODYS_ADDRESS,
        "SERVER_NAME": host,
        "wsgi.url_scheme": scheme,
    }
    setup_testing_defaults(environ)
    request = WSGIRequest(environ)
    request.session = SessionBase()
    request.LANGUAGE_CODE = get_language() or settings.LANGUAGE_CODE
    if apps.is_installed("django.contrib.auth"):
        request.user = anonymous_user()
    return request


def _policy(content: bytes) -> str:
    """Return a policy for a page that runs only its own styles and scripts.

    It loads nothing but the logo of MAINTENANCE_BRAND. Its script may ask the site itself.
    """
    hashes: dict[str, list[str]] = {"style": [], "script": []}
    for name, text in INLINE.findall(content):
        digest = b64encode(sha256(text).digest()).decode()
        hashes[name.decode()].append(f"'sha256-{digest}'")
    allowed = "; ".join(f"{name}-src {' '.join(found)}" for name, found in hashes.items() if found)
    images = f"data: {conf.MAINTENANCE_BRAND.logo_source}".rstrip()
    return (
        f"default-src 'none'; img-src {images}; connect-src 'self'; base-uri 'none'; "
        f"form-action 'none'; {allowed}"
    )
