"""What all pages share: lists whose cost does not grow, rows that stay, a history page."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from maintenance_windows.exceptions import Refused
from maintenance_windows.models.search import FEW

MOST = 10_000  # rows of a list that are counted and can be paged to


class FirstPages(Paginator):  # type: ignore[type-arg]
    """Of the first MOST rows; whether the list `goes_on` behind them is all that is known of it."""

    @cached_property
    def found(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: MOST + 1].count())

    @cached_property
    def count(self) -> int:
        return min(self.found, MOST)

    @property
    def goes_on(self) -> bool:
        return self.found > MOST


class LongChangeList(ChangeList):
    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """As indexes have it: what is equal goes the way that the rest goes."""
        ordering: list[Any] = list(super().get_ordering(request, queryset))
        if ordering[-1] == "-pk" and not ordering[0].startswith("-"):
            ordering[-1] = "pk"
        return ordering

    def get_results(self, request: HttpRequest) -> None:
        if self.filter_params:
            # Few rows are looked for once, in no order. For the first of a page in their order,
            # and once more to count them, planners may look at all there are.
            ids = list(self.queryset.order_by().values_list("pk", flat=True)[: FEW + 1])
            if len(ids) <= FEW:
                self.queryset = self.queryset.filter(pk__in=ids)
        super().get_results(request)
        if not self.filter_params or self.paginator.goes_on:
            # Beside the search there is no number then: it would not be that of the results.
            self.full_result_count = self.result_count


class LongList(admin.ModelAdmin):  # type: ignore[type-arg]
    """Nothing is counted to its end, and only what an index orders can be ordered by."""

    paginator = FirstPages
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LongChangeList


AT_ONCE = 200  # rows that an action is done to: each takes the lock


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """`due` is given where something had its time; `actor` is empty where nobody did it."""

    at: datetime
    what: str
    due: datetime | None = None
    actor: str = ""


class KeptForTheRecord(LongList):
    """Rows that nobody deletes here; they still go when their Site is deleted.

    Where `story` tells what happened to one, its history page does.
    """

    object_history_template = "maintenance_windows/admin/history.html"

    def story(self, request: HttpRequest, obj: Any) -> list[HistoryEntry]:
        return []

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        found = self.get_object(request, unquote(object_id))
        may = found is not None and self.has_view_permission(request, found)
        story = self.story(request, found) if may else []
        return super().history_view(request, object_id, {"story": story, **(extra_context or {})})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        own = f"{self.opts.app_label}_{self.opts.model_name}_"
        match = request.resolver_match
        if match and (match.url_name or "").startswith(own):
            return False
        return super().has_delete_permission(request, obj)

    def each(
        self,
        request: HttpRequest,
        rows: QuerySet[Any],
        verb: Callable[..., Any],
        said: Callable[[Any], str],
    ) -> None:
        """Do to each row what an action asks for, and say what came of it or why not."""
        chosen = list(rows[: AT_ONCE + 1])
        if len(chosen) > AT_ONCE:
            text = _("At most %(number)s at once: choose fewer.") % {"number": AT_ONCE}
            self.message_user(request, text, messages.ERROR)
            return
        for row in chosen:
            try:
                outcome = verb(row.pk, actor=request.user.get_username())
            except Refused as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
            else:
                self.log_change(request, row, said(outcome))
                self.message_user(request, said(outcome))

    def changeform_view(
        self,
        request: HttpRequest,
        *args: Any,
        **kwargs: Any,
    ) -> HttpResponse:
        """A verb may refuse what the form still allowed, when things changed in between."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
