"""Lists that cost the same however long they are."""

from functools import cached_property
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

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
