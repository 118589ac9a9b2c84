"""A context processor: add `maintenance_windows.context_processors.maintenance` to TEMPLATES."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from maintenance_windows.requests import get_maintenance, get_upcoming_maintenance


def maintenance(request: HttpRequest) -> dict[str, object]:
    """Add the site's `maintenance` and its `upcoming_maintenance`, which starts soon.

    Both are falsy if there is none, and looked up only if a template uses them.
    """
    return {
        "maintenance": SimpleLazyObject(lambda: get_maintenance(request)),
        "upcoming_maintenance": SimpleLazyObject(lambda: get_upcoming_maintenance(request)),
    }
