"""Rows by words, each in the domain of the site or in a text of the row."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import smart_split, unescape_string_literal
from django.utils.translation import gettext_lazy as _

from maintenance_windows.models import search
from maintenance_windows.models.search import contains, matching_ids

QUOTES = {'"', "'"}
NEAR = 10_000  # rows before and after now whose texts are looked through
TEXTS = _("Texts were searched from %(start)s to %(end)s only: choose a date to search others.")
Edges = tuple[datetime | None, datetime | None]
MANY = _("More than %(number)s sites match: searched from %(start)s to %(end)s only.")


class SearchedNearNow(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows of the sites found are all there; no index finds texts, so of those some are read.

    `moment` is the time by which the list is ordered, `texts` are fields of the row. The
    nearest are those among the rows that filters and dates leave.
    """

    moment: str
    texts: tuple[str, ...]
    # The sites are read for the rows that are shown: of a join planners make too much.
    list_select_related = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("site")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not (words := words_of(search_term)):
            return queryset, False
        start, end = self.nearest(queryset, timezone.now())
        edges = {f"{self.moment}__gt": start, f"{self.moment}__lt": end}
        near = Q(**{edge: moment for edge, moment in edges.items() if moment})
        sites = {word: matching_ids(word, "domain") for word in words}
        for word, site_ids in sites.items():
            if site_ids is None:
                queryset = queryset.filter(near, contains(word, *self.search_fields))
            else:
                of_sites = Q(site__in=site_ids)
                queryset = queryset.filter(of_sites | near & contains(word, *self.texts))
        if near and request.method == "GET":
            text = MANY if None in sites.values() else TEXTS
            self.message_user(request, text % span(start, end), messages.INFO)
        return queryset, False

    def nearest(self, rows: QuerySet[Any], now: datetime) -> Edges:
        """The times between which to look; None on a side that has no more than NEAR rows."""
        times = rows.values_list(self.moment, flat=True)
        before = times.filter(**{f"{self.moment}__lte": now}).order_by(f"-{self.moment}")
        after = times.filter(**{f"{self.moment}__gt": now}).order_by(self.moment)
        start, end = (next(iter(side[NEAR : NEAR + 1]), None) for side in (before, after))
        return start, end


def words_of(text: str) -> list[str]:
    """Words, and what is in quotes, as in Django's own search."""
    return [
        unescape_string_literal(word) if word[0] in QUOTES and word[0] == word[-1] else word
        for word in smart_split(text)
    ]


def span(*edges: datetime | None) -> dict[str, object]:
    days = [f"{timezone.localtime(edge):%Y-%m-%d}" if edge else "…" for edge in edges]
    return {"number": search.FEW, "start": days[0], "end": days[1]}
