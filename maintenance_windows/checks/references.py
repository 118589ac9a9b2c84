"""What settings name and the project has: a template, and URLs."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.template.loader import get_template
from django.urls import URLPattern, URLResolver, get_resolver

from maintenance_windows.conf import conf


def check_template(**_: Any) -> list[CheckMessage]:
    """W014: the page that MAINTENANCE_503_TEMPLATE names is not shown."""
    if not conf.template or not isinstance(conf.template, str):
        return []
    try:
        get_template(conf.template)
    except TemplateDoesNotExist:
        said = f"there is no template {conf.template!r}, so clients get another page."
    except TemplateSyntaxError as error:
        said = f"{conf.template!r} cannot be read, so clients get plain text: {error}"
    else:
        return []
    return [CheckWarning(f"MAINTENANCE_503_TEMPLATE: {said}", id="maintenance_windows.W014")]


def check_url_names(**_: Any) -> list[CheckMessage]:
    """W015: a name that no URL has keeps nothing open."""
    named = [("MAINTENANCE_EXEMPT_URL_NAMES", name) for name in conf.exempt_url_names]
    named += [("MAINTENANCE_WRITABLE_URL_NAMES", name) for name in conf.writable_url_names]
    if not named or not getattr(settings, "ROOT_URLCONF", None):
        return []
    known = set(_names(get_resolver().url_patterns))
    return [
        CheckWarning(
            f"{setting}: no URL is named {name!r}.",
            hint="Write it as reverse() takes it, with its namespaces: shop:paid.",
            id="maintenance_windows.W015",
        )
        for setting, name in named
        if name not in known
    ]


def _names(patterns: list[URLPattern | URLResolver], *namespaces: str) -> Iterator[str]:
    """As ResolverMatch.view_name has them, which is the view's path where there is no name."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield ":".join([*namespaces, pattern.name or pattern.lookup_str])
        else:
            inner = [pattern.namespace] if pattern.namespace else []
            yield from _names(pattern.url_patterns, *namespaces, *inner)
