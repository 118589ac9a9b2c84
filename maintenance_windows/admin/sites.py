"""Sites: taken down and brought up by hand, and the URLs that stay reachable."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db import IntegrityError, router
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from maintenance_windows.admin.base import RecordAdmin
from maintenance_windows.admin.bypass import links_view
from maintenance_windows.admin.columns import show_state, show_time, state_of, time_column
from maintenance_windows.admin.operate import operate_view
from maintenance_windows.admin.search import split_words
from maintenance_windows.admin.site_facts import (
    SiteChangeList,
    StateFilter,
    describe_message,
    describe_reason,
    show_as_visitors_see,
)
from maintenance_windows.core.state import Level
from maintenance_windows.exceptions import Refused
from maintenance_windows.forms.sites import IgnoredURLFormSet, SiteForm
from maintenance_windows.models import IgnoredURL, MaintenanceWindow, SiteMaintenance
from maintenance_windows.models.querysets import Status
from maintenance_windows.models.search import matching
from maintenance_windows.models.site import REPEATED
from maintenance_windows.overview import history
from maintenance_windows.permissions import may_see_all_windows
from maintenance_windows.planning import rules
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.snapshot import clock, runtime

since = time_column("since", _lazy("since"))


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


@admin.register(SiteMaintenance)
class SiteMaintenanceAdmin(RecordAdmin):
    form = SiteForm
    inlines = (IgnoredURLInline,)
    list_display = ("site", "state", since, "end")
    list_filter = (StateFilter,)
    search_fields = ("site__domain", "site__name")
    ordering = ("site__domain",)
    list_select_related = ("site",)
    facts = ("site", "state", since, "end", "reason", "told")

    class Media:
        js = ("maintenance_windows/site.js",)
        css = {"all": ("maintenance_windows/controls.css",)}

    @admin.display(description=_lazy("state"), ordering="in_maintenance")
    def state(self, flag: SiteMaintenance) -> str:
        return show_state(state_of(is_down=flag.in_maintenance, level=flag.level))

    @admin.display(description=_lazy("until"), ordering="until")
    def end(self, flag: SiteMaintenance) -> str:
        if flag.held:
            return _("until further notice")
        return show_time(flag.until) if flag.until else "-"

    @admin.display(description=_lazy("reason"))
    def reason(self, flag: SiteMaintenance) -> str:
        return describe_reason(flag)

    @admin.display(description=_lazy("message shown"))
    def told(self, flag: SiteMaintenance) -> str:
        return describe_message(flag, self.admin_site)

    def own_urls(self) -> list[URLPattern]:
        return [
            self.page("operate/", operate_view, "operate"),
            self.page("<path:object_id>/links/", links_view, "links"),
        ]

    def history_events(self, request: HttpRequest, obj: SiteMaintenance) -> list[history.Event]:
        return history.of_site(obj.site, titles=may_see_all_windows(request.user))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Every Site has its row already."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators change the flag, and who may change the row changes the rest."""
        return self.has_operate_permission(request) or super().has_change_permission(request, obj)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[Any, ...]:
        """Others see in the facts what operators set: Django would tick a box for "down"."""
        if self.has_operate_permission(request):
            return (*self.facts, *SiteForm.Meta.fields)
        return (*self.facts, "message")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[Any, ...]:
        return self.facts if self.has_operate_permission(request) else (*self.facts, "message")

    def get_form(self, request: HttpRequest, obj: Any = None, *args: Any, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, *args, **kwargs)
        if obj is not None:
            windows = MaintenanceWindow.objects.filter(site=obj.site)
            form.in_progress = windows.with_status(Status.ACTIVE, clock.now()).order_by("pk")
        return form

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        flag = super().get_object(request, object_id, from_field)
        if flag is not None:
            show_as_visitors_see([flag])
            flag.shows_titles = may_see_all_windows(request.user)  # for describe_message()
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
        site, level = obj.site, Level(obj.level)
        if obj.in_maintenance:
            take_down([site], level=level, message=obj.message, **who)
            text = _("%(site)s is down until further notice.")
            if level is Level.READ_ONLY:
                text = _("%(site)s is read-only until further notice.")
            self.message_user(request, text % {"site": site})
            return
        for window in bring_up([site], **who):
            text = _("Window %(id)s was in progress and has been ended.")
            self.message_user(request, text % {"id": window.pk}, messages.WARNING)
        self.message_user(request, _("%(site)s is up.") % {"site": site})

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        try:
            super().save_related(request, form, formsets, change)
        except IntegrityError as error:  # such as two patterns that only the database finds equal
            raise Refused(REPEATED) from error
        runtime.publish_on_commit(router.db_for_write(IgnoredURL))
