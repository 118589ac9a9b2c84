"""The way back: pages return to where a person came from, and show there what was saved.

`back` in the address, or in a form, names the page that one came from. A list marks the rows that
`saved` names.
"""

from typing import Any
from urllib.parse import urlsplit

from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from maintenance_windows.admin.base import BoundedChangeList, RecordAdmin
from maintenance_windows.forms.fields import PK
from maintenance_windows.wording.names import in_two

BACK, SAVED = "back", "saved"


def read_back(request: HttpRequest) -> str:
    """Return the page that one came from, or nothing if the address is not one of ours."""
    back = request.POST.get(BACK) or request.GET.get(BACK, "")
    hosts, secure = {request.get_host()}, request.is_secure()
    return back if url_has_allowed_host_and_scheme(back, hosts, secure) else ""


def with_query(url: str, **values: str) -> str:
    """Add values to the query of a URL, in place of those that it has."""
    head, _mark, fragment = url.partition("#")
    path, _mark, query = head.partition("?")
    kept = [part for part in query.split("&") if part and part.partition("=")[0] not in values]
    query = "&".join([*kept, urlencode(values)])
    return f"{path}?{query}" + (f"#{fragment}" if fragment else "")


def cut_in_the_middle(name: str) -> str:
    """Return markup that a style sheet cuts where room is short, but never at its end."""
    text = '<bdi class="mw-name" title="{}"><span>{}</span><span>{}</span></bdi>'
    return format_html(text, name, *in_two(name))


class ReturningChangeList(BoundedChangeList):
    """A list whose links lead to pages that return to it as it is shown."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        ids = request.GET.get(SAVED, "").split(".")
        self.saved = {int(pk) for pk in ids if PK.fullmatch(pk)}
        self.address = request.get_full_path()
        super().__init__(request, *args, **kwargs)

    def get_filters_params(self, params: Any = None) -> Any:
        found = super().get_filters_params(params)
        found.pop(SAVED, None)
        return found

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        return super().get_query_string(new_params, [*(remove or ()), SAVED])

    def url_for_result(self, result: Any) -> str:
        return with_query(super().url_for_result(result), back=self.address)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        self.mark_saved()

    def mark_saved(self) -> None:
        for row in self.result_list:
            row.is_saved = row.pk in self.saved


class ReturningAdmin(RecordAdmin):
    """An admin whose pages return to where one came from. `anchor` begins the ids of its rows."""

    anchor = "row"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ReturningChangeList

    def name_column(self, row: Any) -> str:
        """The name of the site, with the anchor of the row, and whether it was just saved."""
        return format_html(
            '<span id="{}-{}" class="{}">{}</span>',
            self.anchor,
            row.pk,
            "mw-saved" if getattr(row, "is_saved", False) else "mw-row",
            cut_in_the_middle(row.site.domain),
        )

    def list_url(self, request: HttpRequest) -> str:
        """The list as one left it, if Django has been told that."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"
        url = reverse(name, current_app=self.admin_site.name)
        preserved: Any = {
            "preserved_filters": self.get_preserved_filters(request),
            "opts": self.opts,
        }
        return str(add_preserved_filters(preserved, url))

    def came_from(self, request: HttpRequest) -> str:
        """The page that one came from, or nothing if the address does not say."""
        if "_changelist_filters" in request.GET and not read_back(request):
            return self.list_url(request)
        return read_back(request)

    def url_marking(self, url: str, ids: list[int]) -> str:
        """The same page; if it is this list, these rows are there and marked."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"
        is_list = urlsplit(url).path == reverse(name, current_app=self.admin_site.name)
        return with_query(url, saved=".".join(map(str, ids))) if ids and is_list else url

    def saved_ids(self, request: HttpRequest, obj: Any) -> list[int]:
        return [obj.pk] if obj.pk else []

    def return_from(self, request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        """Go back, and scroll to the first of the saved rows."""
        ids = self.saved_ids(request, obj)
        url = self.url_marking(read_back(request) or self.list_url(request), ids)
        row = f"#{self.anchor}-{ids[0]}" if ids else ""
        return HttpResponseRedirect(f"{url.partition('#')[0]}{row}")

    def response_post_save_add(self, request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        if not self.has_view_or_change_permission(request):
            return super().response_post_save_add(request, obj)
        return self.return_from(request, obj)

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        if not self.has_view_or_change_permission(request):
            return super().response_post_save_change(request, obj)
        return self.return_from(request, obj)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Keep the way back also where one goes on editing."""
        response = super().response_change(request, obj)
        back = read_back(request)
        if back and "_continue" in request.POST and isinstance(response, HttpResponseRedirect):
            return HttpResponseRedirect(with_query(response.url, back=back))
        return response
