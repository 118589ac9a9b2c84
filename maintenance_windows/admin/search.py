"""Search in long lists: by site through an index, and by text only among the rows near now."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import smart_split, unescape_string_literal
from django.utils.translation import gettext_lazy as _

from maintenance_windows.admin.base import RecordAdmin
from maintenance_windows.models import search
from maintenance_windows.models.search import contains, matching_ids
from maintenance_windows.snapshot import clock

QUOTES = {'"', "'"}
NAMES = ("domain", "name")
NEAR = 10_000  # rows before and after now whose texts are searched
TEXTS = _(
    "Titles were searched only from %(start)s to %(end)s: choose a date to search another period."
)
MANY = _("More than %(number)s sites match. Only windows from %(start)s to %(end)s were searched.")


class NearNowAdmin(RecordAdmin):
    """Model admin of rows that each have a site and a time, which is the `date_hierarchy`.

    `search_fields` are the site's domain and texts of the row. A search returns all rows of the
    sites with the text in their domain or name, but texts of the rows have no index: of the rows
    that filters and dates leave, it reads only those nearest to now.
    """

    list_select_related = ()  # get_queryset() prefetches the sites: query planners misjudge a join

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("site")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        words = split_words(search_term)
        if not words:
            return queryset, False
        time, (_domain, *texts) = str(self.date_hierarchy), self.search_fields
        names = [f"site__{name}" for name in NAMES]
        start, end = nearest(queryset, time, clock.now())
        edges = {f"{time}__gt": start, f"{time}__lt": end}
        near = Q(**{lookup: edge for lookup, edge in edges.items() if edge})
        sites = {word: matching_ids(word, *NAMES) for word in words}
        for word, site_ids in sites.items():
            if site_ids is None:
                queryset = queryset.filter(near, contains(word, *names, *texts))
            else:
                of_sites = Q(site__in=site_ids)
                queryset = queryset.filter(of_sites | near & contains(word, *texts))
        if near and request.method == "GET":
            text = MANY if None in sites.values() else TEXTS
            facts = {"number": search.FEW, "start": format_date(start), "end": format_date(end)}
            self.message_user(request, text % facts, messages.INFO)
        return queryset, False


def nearest(
    rows: QuerySet[Any], time: str, now: datetime
) -> tuple[datetime | None, datetime | None]:
    """The times between which to search; None on a side that has no more than NEAR rows."""
    times = rows.values_list(time, flat=True)
    before = times.filter(**{f"{time}__lte": now}).order_by(f"-{time}")
    after = times.filter(**{f"{time}__gt": now}).order_by(time)
    start, end = (next(iter(side[NEAR : NEAR + 1]), None) for side in (before, after))
    return start, end


def split_words(text: str) -> list[str]:
    """Words and quoted phrases, as in Django's own search."""
    return [
        unescape_string_literal(word) if word[0] in QUOTES and word[0] == word[-1] else word
        for word in smart_split(text)
    ]


def format_date(moment: datetime | None) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d}" if moment else "…"
