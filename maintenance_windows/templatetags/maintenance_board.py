"""`{% maintenance_board %}`: the overview on the first page of this app in the admin."""

from datetime import datetime
from typing import Any

from django import template
from django.contrib.sites.models import Site
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import get_language_bidi

from maintenance_windows.forms.fields import PK
from maintenance_windows.forms.sites import LENGTHS, MINUTES
from maintenance_windows.models import all_sites
from maintenance_windows.models.base import LEVELS
from maintenance_windows.overview import dashboard, headline, passing, rows, timeline
from maintenance_windows.permissions import may_operate, may_plan, may_see_all_windows
from maintenance_windows.snapshot import clock

register = template.Library()

PAGE_SIZE = 25  # sites
FEW = 10  # sites that are up: more are folded


@register.inclusion_tag("maintenance_windows/admin/overview/content.html", takes_context=True)
def maintenance_board(context: Any) -> dict[str, Any]:
    """What is down, what comes, the timeline, what is up.

    It is for users with permission to view windows or to operate.

    The page's query chooses the sites: `q` searches, `busy` needs maintenance, `p` is the page.
    `kept` is a site that has just come up, and stays among those that are down.
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
    shown = timeline.context(request, list(page), now, zone, mirrored=get_language_bidi())
    lanes = shown["lanes"]
    kept = _site(request.GET.get("kept", ""))
    chosen = {lane.site.pk: lane.site for lane in lanes} | ({kept.pk: kept} if kept else {})
    records = {lane.site.pk: lane.record for lane in lanes}
    found = rows.read(records, list(chosen.values()), now, zone, titles=may["view"])
    # By domain, as if the kept one were still down.
    down = [row for row in found if row.is_down or row.site == kept]
    down.sort(key=lambda row: (row.state == "read_only", row.site.domain))
    up = [row for row in found if not row.is_down and row.site != kept]
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "may": may,
        "now": now,
        "zone": str(zone),
        "text": text,
        "busy": busy,
        "page": page,
        **shown,
        "headline": headline.read(now, zone, None if text or busy else page.paginator.count),
        "down": down,
        "up": up,
        "unfolded": len(up) <= FEW or bool(text) or busy or page.number > 1,
        "back": _back(request),
        "passing": passing.describe(),
        "lengths": LENGTHS,
        "minutes": MINUTES,
        "levels": LEVELS,
    }


def _back(request: HttpRequest) -> str:
    """The page that people see. A script that renews it asks for a part, and names it."""
    return request.GET.get("back") or request.get_full_path()


def _site(pk: str) -> Site | None:
    return all_sites().filter(pk=pk).first() if PK.fullmatch(pk) else None


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
