"""For templates: add `maintenance_windows.context_processors.maintenance` to TEMPLATES."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from maintenance_windows.requests import get_maintenance, get_upcoming_maintenance


def maintenance(request: HttpRequest) -> dict[str, object]:
    """`maintenance` is what is on at this site, `upcoming_maintenance` what starts soon.

    Both are falsy where there is none, and looked up only where a template asks.
    """
    return {
        "maintenance": SimpleLazyObject(lambda: get_maintenance(request)),
        "upcoming_maintenance": SimpleLazyObject(lambda: get_upcoming_maintenance(request)),
    }
