"""`{% maintenance_board %}`: the overview on the first page of this app in the admin."""

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
from maintenance_windows.overview import dashboard, passing, status, timeline
from maintenance_windows.permissions import may_operate, may_plan, may_see_all_windows
from maintenance_windows.snapshot import clock

register = template.Library()

PAGE_SIZE = 25  # sites


@register.inclusion_tag("maintenance_windows/admin/board.html", takes_context=True)
def maintenance_board(context: Any) -> dict[str, Any]:
    """Timeline and state of sites, for users with permission to view windows or to operate.

    The page's query chooses the sites: `q` searches, `busy` needs maintenance, `p` is the page.
    """
    request = context["request"]
    may = {
        "view": may_see_all_windows(request.user),
        "plan": may_plan(request.user),
        "operate": may_operate(request.user),
    }
    if not (may["view"] or may["operate"]) or not _is_complete(request):
        return {}
    now = clock.now()
    zone = timezone.get_current_timezone()
    text, busy = request.GET.get("q", "").replace("\0", "").strip(), request.GET.get("busy") == "1"
    sites: Any = dashboard.Sites(text, busy=busy, now=now)
    page = Paginator(sites, PAGE_SIZE).get_page(request.GET.get("p"))
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "may": may,
        "now": now,
        "zone": str(zone),
        "text": text,
        "busy": busy,
        "page": page,
        **timeline.context(request, list(page), now, zone, mirrored=get_language_bidi()),
        "scheduler": status.scheduler(now),
        "passing": passing.describe(),
        "lengths": LENGTHS,
        "minutes": MINUTES,
        "levels": LEVELS,
    }


def _is_complete(request: HttpRequest) -> bool:
    """Whether this admin site has both windows and sites: a project's own may have only one."""
    names = ("maintenancewindow_add", "sitemaintenance_operate")
    app = getattr(request, "current_app", None)
    try:
        return all(reverse(f"admin:maintenance_windows_{name}", current_app=app) for name in names)
    except NoReverseMatch:
        return False


@register.filter
def moment(text: str | None) -> Any:
    """The datetime in a status record, for Django's filters of dates."""
    return datetime.fromisoformat(text) if text else None
