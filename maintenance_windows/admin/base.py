"""What all pages of the admin share: bounded lists, rows that stay, actions and a history page."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import IncorrectLookupParameters, get_content_type_for_model
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ObjectDoesNotExist
from django.core.paginator import Paginator
from django.db import DataError, router, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from maintenance_windows.exceptions import Refused, RefusedStart
from maintenance_windows.models.search import FEW
from maintenance_windows.overview import history
from maintenance_windows.permissions import Rights, may_freeze, may_operate
from maintenance_windows.reconcile.lock import locked
from maintenance_windows.snapshot import clock
from maintenance_windows.wording.spans import format_moment

MAX_COUNTED = 10_000  # rows of a list that are counted and can be paged to
CONFIRMED = "confirmed"
MAX_SELECTED = 200  # rows that an action changes: each takes the lock


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Paginator of the first MAX_COUNTED rows. `goes_on` says whether the list has more."""

    @cached_property
    def found(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: MAX_COUNTED + 1].count())

    @cached_property
    def count(self) -> int:
        return min(self.found, MAX_COUNTED)

    @property
    def goes_on(self) -> bool:
        return self.found > MAX_COUNTED


class BoundedChangeList(ChangeList):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Treat values that no database takes, such as the year 10000, as Django treats others."""
        try:
            super().__init__(*args, **kwargs)
        except (AttributeError, DataError, OverflowError, ValueError) as error:
            # An AttributeError is what Django's DurationField raises for a text.
            raise IncorrectLookupParameters(error) from error

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Order equal rows in the direction of the rest, as indexes do."""
        ordering: list[Any] = list(super().get_ordering(request, queryset))
        if ordering[-1] == "-pk" and not ordering[0].startswith("-"):
            ordering[-1] = "pk"
        return ordering

    def get_results(self, request: HttpRequest) -> None:
        if self.filter_params:
            # Find few rows once and unordered. To count them and to order the first page of them
            # a query planner may read the whole table, each time.
            ids = list(self.queryset.order_by().values_list("pk", flat=True)[: FEW + 1])
            if len(ids) <= FEW:
                self.queryset = self.queryset.filter(pk__in=ids)
        super().get_results(request)
        if not self.filter_params or self.paginator.goes_on:
            # Hides the number beside the search, which would not be the number of results.
            self.full_result_count = self.result_count


class RecordAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Model admin of rows that are kept, in lists whose cost does not grow with the table.

    Lists count no further than MAX_COUNTED, and sort only by what an index orders.
    """

    paginator = BoundedPaginator
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    object_history_template = "maintenance_windows/admin/history.html"

    def page(self, route: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
        """The URL of a page beside Django's own. The view takes this ModelAdmin and the request."""
        wrapped = self.admin_site.admin_view(partial(view, self))
        return path(route, wrapped, name=f"{self.opts.app_label}_{self.opts.model_name}_{name}")

    def get_urls(self) -> list[URLPattern]:
        """Leave our pages out of ATOMIC_REQUESTS: verbs open their transactions with the lock."""
        urls: list[URLPattern] = [*self.own_urls(), *super().get_urls()]
        for url in urls:
            transaction.non_atomic_requests(router.db_for_write(self.model))(url.callback)
        return urls

    def own_urls(self) -> list[URLPattern]:
        """The pages beside Django's own."""
        return []

    def render_page(
        self, request: HttpRequest, template: str, title: Any, /, **context: Any
    ) -> HttpResponse:
        common = self.admin_site.each_context(request) | {"opts": self.opts, "title": title}
        return TemplateResponse(request, template, common | context)

    def message_user(self, request: HttpRequest, message: Any, *args: Any, **kwargs: Any) -> None:
        """Show a message as it is: the admin would capitalise its first letter, as of a domain."""
        if not isinstance(message, SafeString):
            message = format_html("<bdi>{}</bdi>", message)
        super().message_user(request, message, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Name a list by what it lists, not by what to do with it."""
        named = {"title": capfirst(self.opts.verbose_name_plural)}
        return super().changelist_view(request, named | (extra_context or {}))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BoundedChangeList

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """Return a record with its site, or None also where the site is deleted meanwhile."""
        record = super().get_object(request, object_id, from_field)
        try:
            str(record)  # the site too is read now, for good
        except ObjectDoesNotExist:
            return None
        return record

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Operators take sites down, bring them up, and start, extend and end windows."""
        return may_operate(request.user)

    def rights(self, request: HttpRequest) -> Rights:
        """What the verbs let this person do."""
        operate = self.has_operate_permission(request)
        return Rights(operate=operate, freeze=may_freeze(request.user))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are deleted only together with their Site, on its own page in the admin."""
        own = f"{self.opts.app_label}_{self.opts.model_name}_"
        match = request.resolver_match
        if match and (match.url_name or "").startswith(own):
            return False
        return super().has_delete_permission(request, obj)

    def history_events(self, request: HttpRequest, obj: Any) -> list[history.Event]:
        """What the app itself records of a row, newest first."""
        return []

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Show each event once: of Django's own log what the app does not record itself."""
        obj = self.get_object(request, unquote(object_id))
        allowed = obj is not None and self.has_view_permission(request, obj)
        events = self.history_events(request, obj) if allowed else []
        if allowed:
            events = history.sort([*events, *self._saved(obj, events)])
        return super().history_view(request, object_id, {"events": events, **(extra_context or {})})

    def _saved(self, obj: Any, events: list[history.Event]) -> Iterator[history.Event]:
        entries = LogEntry.objects.filter(
            object_id=str(obj.pk), content_type=get_content_type_for_model(obj)
        )
        newest = entries.select_related("user").order_by("-action_time")[: history.MOST]
        for entry in newest:
            actor = entry.user.get_username()
            if not history.tells(events, entry.action_time, actor):
                what = entry.get_change_message()
                yield history.Event(at=entry.action_time, what=what, actor=actor)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Validate and save under the lock, so that nobody changes rows in between.

        Show the refusal of a verb.
        """
        try:
            with locked(immediate=False) if request.method == "POST" else nullcontext():
                return super().changeform_view(request, *args, **kwargs)
        except Refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def apply_to_each(
        self,
        request: HttpRequest,
        rows: QuerySet[Any],
        verb: Callable[..., Any],
        describe: Callable[[Any], str],
        *,
        label: Any = "",
        consequence: Any = "",
    ) -> HttpResponse | None:
        """Call a verb for each selected row, and show its result or its refusal.

        With a consequence, a page asks before, whose button has the label.
        """
        selected = list(rows[: MAX_SELECTED + 1])
        if len(selected) > MAX_SELECTED:
            text = _("You can select at most %(number)s items.") % {"number": MAX_SELECTED}
            self.message_user(request, text, messages.ERROR)
            return None
        if consequence and CONFIRMED not in request.POST:
            return self.ask(request, selected, label, consequence)
        for row in selected:
            try:
                text = describe(verb(row.pk, actor=request.user.get_username()))
            except Refused as refusal:
                text = str(refusal)
                if isinstance(refusal, RefusedStart):  # whose sentence names no window
                    text = f"{row}: {text}"
                self.message_user(request, text, messages.ERROR)
            else:
                self.log_change(request, row, text)
                self.message_user(request, text)
        return None

    def ask(
        self, request: HttpRequest, selected: list[Any], label: Any, consequence: Any
    ) -> HttpResponse:
        """The page that asks before an action; its form sends the same action once more."""
        context = {"selected": selected, "action": request.POST["action"], "confirmed": CONFIRMED}
        context |= {"label": label, "consequence": consequence}
        return self.render_page(request, "maintenance_windows/admin/ask.html", label, **context)


def format_time(moment: datetime) -> str:
    """A time in the current time zone, in the format of the admin."""
    return format_moment(moment, timezone.get_current_timezone(), clock.now())
