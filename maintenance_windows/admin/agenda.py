"""The list of windows: what is in progress and coming first, by day, and tabs for the rest."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ALL_VAR, PAGE_VAR
from django.core.paginator import InvalidPage, Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from maintenance_windows.admin import base
from maintenance_windows.admin.moments import format_day_head
from maintenance_windows.admin.returning import SAVED, ReturningChangeList
from maintenance_windows.models.querysets import Status, among
from maintenance_windows.models.search import FEW
from maintenance_windows.snapshot import clock

STATUS, OF_SERIES = "status", "series__id__exact"
LIVE, ALL = "live", "all"
TABS = (
    (LIVE, _("In progress and coming")),
    (Status.COMPLETED.value, _("Past")),
    (Status.CANCELLED.value, _("Cancelled")),
    (ALL, _("All")),
)


class TabFilter(admin.SimpleListFilter):
    """What the tabs choose. Links may also say `scheduled` or `active`."""

    title = _("status")
    parameter_name = STATUS
    template = "maintenance_windows/admin/no_filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(TABS)

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        return (
            queryset.with_status(Status(value), clock.now()) if value in Status.values else queryset
        )


class SeriesFilter(admin.EmptyFieldListFilter):
    def choices(self, changelist: Any) -> Any:
        """Django's choices, under names that say what they choose."""
        names = (_("All"), _("Single"), _("Recurring"))
        for choice, name in zip(super().choices(changelist), names, strict=True):
            yield choice | {"display": name}

    def get_lookup_condition(self) -> Q:
        """Not Q(series__isnull=True): for that SQLite uses an index of series, and sorts."""
        return ~Q(series__isnull=False)


class Row(NamedTuple):
    """A window, as far as its place in the list goes."""

    id: int
    series_id: int | None
    starts_at: datetime
    started_at: datetime | None

    @property
    def place(self) -> tuple[datetime, int]:
        return self.started_at or self.starts_at, self.id


@dataclass(frozen=True)
class Agenda:
    """The ids of windows in progress, and of those to come, in order.

    `more` counts the later windows of a recurring one, by the id of the next one, into which they
    are folded. The list `goes_on` where there are more windows than are read.
    """

    ids: list[int]
    in_progress: set[int]
    more: dict[int, int]
    goes_on: bool


def agenda(
    rows: QuerySet[Any], now: datetime, *, narrow: bool, fold: bool, keep: set[int]
) -> Agenda:
    """Read the nearest MAX_COUNTED windows of a list; `narrow` says that few may be left of it.

    A recurring window is folded to the next one, but for windows to `keep`.
    """
    running, coming = _read(rows, now, narrow=narrow)
    goes_on = len(running) + len(coming) > base.MAX_COUNTED
    coming = coming[: max(0, base.MAX_COUNTED - len(running))]
    seen: set[int | None] = {None}
    ids, folded, next_of = [row.id for row in running], Counter[int](), dict[int | None, int]()
    for row in coming:
        if fold and row.series_id in seen - {None} and row.id not in keep:
            folded[next_of[row.series_id]] += 1
            continue
        if row.series_id not in seen:
            seen.add(row.series_id)
            next_of[row.series_id] = row.id
        ids.append(row.id)
    return Agenda(ids, {row.id for row in running}, dict(folded), goes_on)


def _read(rows: Any, now: datetime, *, narrow: bool) -> tuple[list[Row], list[Row]]:
    """Windows in progress and those to come, each in order.

    To order the few rows that filters leave, a query planner may read the whole table; so they
    are first asked for unordered. The others come in the order of an index.
    """
    rows = rows.prefetch_related(None).order_by()
    if narrow:
        few = _rows(rows.live(now)[: FEW + 1])
        if len(few) <= FEW:
            few.sort(key=lambda row: row.place)
            begun = {row.id for row in few if row.started_at or row.starts_at <= now}
            return (
                [row for row in few if row.id in begun],
                [row for row in few if row.id not in begun],
            )
    most = base.MAX_COUNTED + 1
    running = _rows(rows.with_status(Status.ACTIVE, now)[:most])
    scheduled = rows.with_status(Status.SCHEDULED, now).order_by("starts_at", "pk")
    return sorted(running, key=lambda row: row.place), _rows(scheduled[:most])


def _rows(found: QuerySet[Any]) -> list[Row]:
    return [Row._make(row) for row in found.values_list(*Row._fields)]


class AgendaPaginator(Paginator):  # type: ignore[type-arg]
    goes_on = False


class WindowChangeList(ReturningChangeList):
    """The windows under one of the tabs. Rows get a `head` where a day begins."""

    agenda: Agenda | None = None

    @cached_property
    def tab(self) -> str:
        """A date is looked up among all windows, unless the address says more."""
        chosen = self.params.get(STATUS, "")
        if chosen in {ALL, *Status.values}:
            return str(chosen)
        dated = any(name.startswith(f"{self.date_hierarchy}__") for name in self.params)
        return ALL if dated and chosen != LIVE else LIVE

    @property
    def tabs(self) -> list[dict[str, Any]]:
        """Each with its link, and the present one with how many windows it has."""
        dates = f"{self.date_hierarchy}__"
        return [
            {
                "label": label,
                "is_open": self.tab == name,
                "link": self.get_query_string({STATUS: name}, [STATUS, dates, PAGE_VAR]),
            }
            for name, label in TABS
        ]

    @property
    def is_narrow(self) -> bool:
        """Whether a search or a filter leaves rows out."""
        return bool(self.filter_params.keys() - {STATUS, SAVED})

    @property
    def goes_on(self) -> bool:
        return bool(self.paginator.goes_on)

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        """Under the first tab only the rows that it shows, so that actions take no others.

        What somebody selected one by one may have left the list since: the verb refuses it.
        """
        if request.method == "POST" and request.POST.get("select_across") != "1":
            return self.root_queryset
        rows = super().get_queryset(request, exclude_parameters)
        if self.tab != LIVE:
            return rows
        self.agenda = agenda(
            rows,
            clock.now(),
            narrow=self.is_narrow,
            fold=OF_SERIES not in self.params,
            keep=self.saved,
        )
        shown = among(self.agenda.ids or [0])
        return self.root_queryset.filter(pk__in=shown)

    def get_results(self, request: HttpRequest) -> None:
        if self.agenda is None:
            super().get_results(request)
            self.add_heads([])
            return
        ids, per_page = self.agenda.ids, self.list_per_page
        self.paginator = AgendaPaginator(ids, per_page)
        self.paginator.goes_on = self.agenda.goes_on
        if self.saved and PAGE_VAR not in request.GET:
            places = [ids.index(pk) for pk in self.saved if pk in ids]
            self.page_num = min(places, default=0) // per_page + 1
        self.result_count = len(ids)
        is_counted = self.is_narrow and not self.agenda.goes_on
        self.full_result_count = None if is_counted else self.result_count
        self.show_full_result_count, self.show_admin_actions = False, True
        self.can_show_all = len(ids) <= self.list_max_show_all
        self.multi_page = len(ids) > per_page
        self.show_all = ALL_VAR in request.GET
        try:
            page = self.paginator.page(self.page_num).object_list
        except InvalidPage:
            raise IncorrectLookupParameters from None
        shown = ids if self.show_all and self.can_show_all else page
        found = {row.pk: row for row in self.root_queryset.filter(pk__in=among(shown or [0]))}
        self.result_list = [found[pk] for pk in shown if pk in found]
        self.mark_saved()
        self.add_heads(self.agenda.in_progress)

    def add_heads(self, in_progress: Any) -> None:
        """Name the day, or the night, above the first row of each."""
        now, last = clock.now(), ""
        for row in self.result_list:
            row.is_in_progress = row.pk in in_progress
            head = (
                str(_("In progress")) if row.is_in_progress else format_day_head(row.starts_at, now)
            )
            row.head = head if head != last else ""
            row.more = self.agenda.more.get(row.pk, 0) if self.agenda else 0
            row.is_cut = self.goes_on
            last = head
