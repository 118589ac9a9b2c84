"""Sites: the switch of each, and the URLs that stay open."""

from collections.abc import Collection
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db import router, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from maintenance_windows.admin import history
from maintenance_windows.admin.base import HistoryEntry, KeptForTheRecord, LongChangeList
from maintenance_windows.admin.bypass import BypassLinks
from maintenance_windows.admin.operate import Board
from maintenance_windows.admin.search import words_of
from maintenance_windows.core.state import Level
from maintenance_windows.forms.sites import SiteForm
from maintenance_windows.models import IgnoredURL, SiteMaintenance
from maintenance_windows.models.search import matching
from maintenance_windows.permissions import may_see_all_windows
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.snapshot import runtime
from maintenance_windows.snapshot.loader import load

SWITCH = ("in_maintenance", "level", "message")


class IgnoredURLInline(admin.TabularInline):  # type: ignore[type-arg]
    model = IgnoredURL
    extra = 1

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Each field says its name: in Django's tables only the column does."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            field.widget.attrs["aria-label"] = capfirst(db_field.verbose_name)
        return field


def as_visitors_know(flags: Collection[SiteMaintenance]) -> None:
    """Bring these rows up to date in memory, for a page; the tick does it in the database."""
    now = timezone.now()
    states = load(now, only=[flag.pk for flag in flags]).by_id
    for flag in flags:
        state = states.get(flag.pk)
        flag.follow(state.at(now) if state else None, now)


class SiteChangeList(LongChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        as_visitors_know(self.result_list)


@admin.register(SiteMaintenance)
class SiteMaintenanceAdmin(Board, BypassLinks, KeptForTheRecord):
    form = SiteForm
    inlines = (IgnoredURLInline,)
    list_display = ("site", "in_maintenance", "since", "until", "level")
    list_filter = ("in_maintenance",)
    list_select_related = ("site",)
    search_fields = ("site__domain", "site__name")
    ordering = ("site__domain",)
    fields = ("site", "in_maintenance", "since", "until", "level", "message")
    readonly_fields = ("site", "since", "until")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Every Site has its row already."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators switch; who may change the rest does that."""
        return self.has_operate_permission(request) or super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        switch = () if self.has_operate_permission(request) else SWITCH
        return (*self.readonly_fields, *switch)

    def story(self, request: HttpRequest, obj: SiteMaintenance) -> list[HistoryEntry]:
        return history.of_site(obj.site, titles=may_see_all_windows(request.user))

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """The flag as visitors know it, also where no tick has written it yet."""
        flag = super().get_object(request, object_id, from_field)
        if flag is not None:
            as_visitors_know([flag])
        return flag

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SiteChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        for word in words_of(search_term):
            queryset = queryset.filter(matching(word, "site__"))
        return queryset, False

    def save_model(
        self,
        request: HttpRequest,
        obj: SiteMaintenance,
        form: Any,
        change: bool,  # noqa: FBT001
    ) -> None:
        if not form.changed_data:
            return
        actor = request.user.get_username()
        if obj.in_maintenance:
            take_down([obj.site], level=Level(obj.level), message=obj.message, actor=actor)
        else:
            for window in bring_up([obj.site], actor=actor):
                text = _("The window %(window)s was running and has been ended early.")
                self.message_user(request, text % {"window": window}, messages.WARNING)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        super().save_related(request, form, formsets, change)
        transaction.on_commit(runtime.publish, using=router.db_for_write(IgnoredURL))
