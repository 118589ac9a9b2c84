"""The URLs of a project, as its ROOT_URLCONF has them."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern
from django.utils import timezone, translation

from maintenance_windows.core.decision import Visit
from maintenance_windows.core.state import Level, Maintenance, SiteState
from maintenance_windows.http.exemptions import URLS


class Url(NamedTuple):
    """A URL pattern: its path, or None if it has parameters, and its name as in view_name."""

    path: str | None
    name: str
    view: Any


def urls() -> list[Url]:
    """Return all URLs, and none of a URLconf that is broken, which Django reports."""
    try:
        with translation.override(settings.LANGUAGE_CODE):
            return list(_below(get_resolver().url_patterns, "/"))
    except Exception:  # noqa: BLE001 (to import a project's URLs may raise anything)
        return []


def is_exempt(path: str) -> bool:
    """Return whether a path is exempt on every site. Sites may have ignored URLs of their own."""
    now = timezone.now()
    visit = Visit(
        state=SiteState(site_id=0, domain=""),
        maintenance=Maintenance(
            since=now, until=None, level=Level.FULL, message="", window=None, held=True
        ),
        now=now,
        methods=("GET",),
        path=path,
        language=settings.LANGUAGE_CODE,
    )
    with translation.override(settings.LANGUAGE_CODE):
        return any(exemption(visit) for exemption in URLS)


def _below(
    patterns: list[URLPattern | URLResolver], base: str | None, *namespaces: str
) -> Iterator[Url]:
    for pattern in patterns:
        part = _literal(pattern)
        path = None if base is None or part is None else base + part
        if isinstance(pattern, URLPattern):
            # A URL without a name has its view's path.
            name = ":".join([*namespaces, pattern.name or pattern.lookup_str])
            yield Url(path, name, pattern.callback)
        else:
            inner = [pattern.namespace] if pattern.namespace else []
            yield from _below(pattern.url_patterns, path, *namespaces, *inner)


def _literal(pattern: URLPattern | URLResolver) -> str | None:
    """Return the text that a pattern matches, or None if it matches several."""
    text = str(pattern.pattern)
    if isinstance(pattern.pattern, RegexPattern):
        text = re.sub(r"/\?(?=\$|\\Z|\Z)|\$\Z|\\Z\Z|\A\^", "", text).replace(r"\.", ".")
        return text if re.fullmatch(r"[\w/.\-]*", text) else None
    return None if "<" in text else text
