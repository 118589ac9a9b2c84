"""The search of sites in the forms: what Django's autocomplete widget asks for, and shows."""

import re

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse

from maintenance_windows.admin.base import RecordAdmin
from maintenance_windows.admin.search import split_words
from maintenance_windows.forms.site_search import label_of
from maintenance_windows.models import all_sites
from maintenance_windows.models.search import matching

PAGE_SIZE = 20
PAGE = re.compile(r"[1-9][0-9]{0,6}")  # databases refuse an offset beyond 64 bits


def sites_view(model_admin: RecordAdmin, request: HttpRequest) -> JsonResponse:
    """Return a page of the sites that contain each word of `term`, for people who may plan."""
    if not model_admin.has_add_permission(request):
        raise PermissionDenied
    sites = all_sites().order_by("domain")
    for word in split_words(request.GET.get("term", "").replace("\0", "")):
        sites = sites.filter(matching(word))
    page = request.GET.get("page", "")
    first = PAGE_SIZE * (int(page) - 1) if PAGE.fullmatch(page) else 0
    found = list(sites[first : first + PAGE_SIZE + 1])
    results = [{"id": str(site.pk), "text": label_of(site)} for site in found[:PAGE_SIZE]]
    return JsonResponse({"results": results, "pagination": {"more": len(found) > PAGE_SIZE}})
