"""Sites: taken down and brought up by hand, and the URLs that stay reachable."""

from collections.abc import Collection
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db import IntegrityError, router
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from maintenance_windows.admin import history
from maintenance_windows.admin.base import BoundedChangeList, HistoryEntry, RecordAdmin
from maintenance_windows.admin.bypass import links_view
from maintenance_windows.admin.operate import operate_view
from maintenance_windows.admin.search import split_words
from maintenance_windows.core.state import Level
from maintenance_windows.exceptions import Refused
from maintenance_windows.forms.sites import IgnoredURLFormSet, SiteForm
from maintenance_windows.models import IgnoredURL, SiteMaintenance
from maintenance_windows.models.search import matching
from maintenance_windows.models.site import REPEATED
from maintenance_windows.permissions import may_see_all_windows
from maintenance_windows.planning import rules
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.snapshot import clock, runtime
from maintenance_windows.snapshot.loader import load


class IgnoredURLInline(admin.TabularInline):  # type: ignore[type-arg]
    model = IgnoredURL
    formset = IgnoredURLFormSet
    extra = 1

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Label each field: in Django's tables only the column has a label."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            field.widget.attrs["aria-label"] = capfirst(db_field.verbose_name)
        return field


def show_as_visitors_see(flags: Collection[SiteMaintenance]) -> None:
    """Update these flags in memory, because the tick may not have updated the rows yet."""
    now = clock.now()
    states = load(now, only=[flag.pk for flag in flags]).by_id
    for flag in flags:
        state = states.get(flag.pk)
        flag.apply_maintenance(state.at(now) if state else None, now)


class SiteChangeList(BoundedChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        show_as_visitors_see(self.result_list)


@admin.register(SiteMaintenance)
class SiteMaintenanceAdmin(RecordAdmin):
    form = SiteForm
    inlines = (IgnoredURLInline,)
    list_display = ("site", "in_maintenance", "since", "until", "level")
    list_filter = ("in_maintenance",)
    search_fields = ("site__domain", "site__name")
    ordering = ("site__domain",)
    list_select_related = ("site",)
    fields = ("site", "in_maintenance", "since", "until", "level", "message")
    readonly_fields = ("site", "since", "until")

    class Media:
        css = {"all": ("maintenance_windows/controls.css",)}

    def own_urls(self) -> list[URLPattern]:
        return [
            self.page("operate/", operate_view, "operate"),
            self.page("<path:object_id>/links/", links_view, "links"),
        ]

    def history_entries(self, request: HttpRequest, obj: SiteMaintenance) -> list[HistoryEntry]:
        return history.of_site(obj.site, titles=may_see_all_windows(request.user))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Every Site has its row already."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators change the flag, and who may change the row changes the rest."""
        return self.has_operate_permission(request) or super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if self.has_operate_permission(request):
            return self.readonly_fields
        return self.fields

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        flag = super().get_object(request, object_id, from_field)
        if flag is not None:
            show_as_visitors_see([flag])
        return flag

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SiteChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        for word in split_words(search_term):
            queryset = queryset.filter(matching(word, "site__"))
        return queryset, False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        rules.check_exist([obj.site])
        if not form.changed_data:
            return
        who: dict[str, Any] = {"actor": request.user.get_username(), "rights": self.rights(request)}
        if obj.in_maintenance:
            take_down([obj.site], level=Level(obj.level), message=obj.message, **who)
            return
        for window in bring_up([obj.site], **who):
            text = _("Window %(window)s was in progress and has been ended.")
            self.message_user(request, text % {"window": window}, messages.WARNING)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        try:
            super().save_related(request, form, formsets, change)
        except IntegrityError as error:  # such as two patterns that only the database finds equal
            raise Refused(REPEATED) from error
        runtime.publish_on_commit(router.db_for_write(IgnoredURL))
