"""`{% load maintenance %}`, then `{% maintenance_banner %}` in a project's own pages."""

from typing import Any

from django import template
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from maintenance_windows.requests import get_maintenance, get_upcoming_maintenance

register = template.Library()


@register.inclusion_tag("maintenance_windows/banner.html", takes_context=True)
def maintenance_banner(context: Any) -> dict[str, object]:
    """A notice that maintenance starts soon on this site, or that it is read-only or down now.

    Its script shows and removes it in pages that are open, where the project has our URLs.
    """
    request = context.get("request")
    if request is None:
        return {}
    status = _address("status")
    return {
        "maintenance": get_maintenance(request),
        "upcoming": get_upcoming_maintenance(request),
        "zone": str(timezone.get_current_timezone()),
        "page": _address("public"),
        "status": f"{status}?brief" if status else "",
        "css": _asset("banner.css"),
        "js": _asset("banner.js"),
    }


def _address(name: str) -> str:
    try:
        return reverse(f"maintenance_windows:{name}")
    except NoReverseMatch:
        return ""


def _asset(name: str) -> str:
    """Return the address of a static file; "" where the project has none, or has not collected."""
    try:
        return static(f"maintenance_windows/{name}")
    except (ImproperlyConfigured, ValueError):
        return ""
