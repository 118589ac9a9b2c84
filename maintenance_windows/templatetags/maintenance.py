"""`{% load maintenance %}`, then `{% maintenance_banner %}` in a project's own pages."""

from typing import Any

from django import template
from django.utils import timezone

from maintenance_windows.requests import get_maintenance, get_upcoming_maintenance

register = template.Library()


@register.inclusion_tag("maintenance_windows/banner.html", takes_context=True)
def maintenance_banner(context: Any) -> dict[str, object]:
    """A notice that maintenance starts soon on this site, or that it is read-only or down now."""
    request = context.get("request")
    if request is None:
        return {}
    return {
        "maintenance": get_maintenance(request),
        "upcoming": get_upcoming_maintenance(request),
        "zone": str(timezone.get_current_timezone()),
    }
