"""`{% maintenance_board %}` for the first page of this app in the admin."""

from datetime import datetime
from typing import Any

from django import template
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import get_language_bidi

from maintenance_windows.forms.sites import LENGTHS, MINUTES
from maintenance_windows.models.base import LEVELS
from maintenance_windows.overview import dashboard, status
from maintenance_windows.permissions import may_operate, may_plan, may_see_all_windows

register = template.Library()

SITES = 25  # on a page


@register.inclusion_tag("maintenance_windows/admin/board.html", takes_context=True)
def maintenance_board(context: Any) -> dict[str, Any]:
    """The timeline and the state of the sites that the address asks for, to whom may see them."""
    request = context["request"]
    may = {
        "view": may_see_all_windows(request.user),
        "plan": may_plan(request.user),
        "operate": may_operate(request.user),
    }
    if not (may["view"] or may["operate"]) or not _is_whole(request):
        return {}
    now = timezone.now()
    text, busy = request.GET.get("q", "").replace("\0", "").strip(), request.GET.get("busy") == "1"
    sites: Any = dashboard.Sites(text, busy=busy, now=now)
    page = Paginator(sites, SITES).get_page(request.GET.get("p"))
    axis = dashboard.axis(now, mirrored=get_language_bidi())
    zone = timezone.get_current_timezone()
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "may": may,
        "now": now,
        "zone": str(timezone.get_current_timezone()),
        "text": text,
        "busy": busy,
        "page": page,
        "axis": axis,
        "line": axis.at(now),
        "days": [(axis.at(midnight), midnight) for midnight in axis.midnights(zone)],
        "lanes": list(dashboard.lanes(list(page), axis, now)),
        "scheduler": status.scheduler(now),
        "lengths": LENGTHS,
        "minutes": MINUTES,
        "levels": LEVELS,
    }


def _is_whole(request: HttpRequest) -> bool:
    """Whether this admin has both the windows and the sites; another one may have a part."""
    names = ("maintenancewindow_add", "sitemaintenance_operate")
    app = getattr(request, "current_app", None)
    try:
        return all(reverse(f"admin:maintenance_windows_{name}", current_app=app) for name in names)
    except NoReverseMatch:
        return False


@register.filter
def moment(text: str | None) -> Any:
    """The aware time of a status record, for the filters that show times."""
    return datetime.fromisoformat(text) if text else None
