"""How windows are planned: for several sites at once, and in words before it is done."""

from collections.abc import Collection, Iterable
from datetime import datetime, tzinfo
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.sites.models import Site
from django.db.models import Count, Q, Window
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from maintenance_windows.admin.operate import Operating
from maintenance_windows.admin.preview import Previewed
from maintenance_windows.forms.windows import ScheduleForm, initial_from_query
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.models.querysets import Status
from maintenance_windows.planning import windows as verbs
from maintenance_windows.wording.spans import format_length, format_span, format_upcoming

TIMES = ("sites", "zone", "starts_at", "ends_at", "length")
NAMED = 10  # windows that a message names


class Scheduling(Operating, Previewed):
    previewed = "window"
    preview_title = _("In words")
    preview_template = "maintenance_windows/admin/window_preview.html"

    class Media:
        js = ("maintenance_windows/preview.js", "maintenance_windows/window.js")
        css = {"all": ("maintenance_windows/preview.css", "maintenance_windows/window.css")}

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None:
            return super().get_fieldsets(request, obj)
        texts = {"fields": ("level", "message", "title")}
        return ((None, {"fields": TIMES}), (_("Texts"), texts))

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT001, FBT002
        **kwargs: Any,
    ) -> Any:
        if obj is None:
            kwargs["form"] = ScheduleForm
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.may_operate = self.has_operate_permission(request)
        form.admin_site = self.admin_site
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What the link to this page says."""
        initial = super().get_changeform_initial_data(request)
        for name in TIMES:
            initial.pop(name, None)
        return initial | initial_from_query(request.GET)

    def preview_of(self, form: Any) -> dict[str, Any]:
        if form.span is None:
            return {}
        now, local = timezone.now(), form.tz
        window: MaintenanceWindow = form.instance
        sites = [window.site] if window.pk else form.cleaned_data.get("sites", ())
        times = (form.span.start, form.span.end)
        running = window.pk and window.status_at(now) is Status.ACTIVE
        besides = [window.pk] if window.pk else []
        return {
            "words": format_span(*times, local) if running else format_upcoming(*times, local, now),
            "length": format_length(*times, local),
            "overlaps": overlap_warnings(times, sites, local, now, besides),
        }

    def schedule(self, request: HttpRequest, obj: Any, form: ScheduleForm) -> None:
        """Leaves in `obj.planned` a window for each site; `obj` becomes the first of them."""
        asked = form.cleaned_data
        planned = verbs.schedule(
            asked["sites"],
            actor=request.user.get_username(),
            **{name: asked[name] for name in ScheduleForm.Meta.fields},
        )
        obj.planned, obj.pk, obj.site = planned, planned[0].pk, planned[0].site
        if len(planned) > 1:
            self.message_user(request, said(planned, form.tz), messages.SUCCESS)
        self.warn(request, planned, form.tz)

    def warn(self, request: HttpRequest, windows: list[MaintenanceWindow], local: tzinfo) -> None:
        """Of what windows with the same times overlap."""
        sites, besides = [one.site for one in windows], [one.pk for one in windows]
        times = (windows[0].starts_at, windows[0].ends_at)
        for sentence in overlap_warnings(times, sites, local, timezone.now(), besides):
            # The admin would write the domain with a capital letter.
            self.message_user(request, format_html("<bdi>{}</bdi>", sentence), messages.WARNING)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """In one statement, for however many sites it is."""
        person: Any = request.user
        return LogEntry.objects.log_actions(person.pk, obj.planned, ADDITION, message)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        if len(obj.planned) == 1:
            return super().response_add(request, obj, post_url_continue)
        if "_addanother" in request.POST:
            return HttpResponseRedirect(request.path)
        return self.response_post_save_add(request, obj)


def said(windows: list[MaintenanceWindow], local: tzinfo) -> str:
    """For which sites several windows were planned, and when."""
    names = [f"{window.site} ({window.pk})" for window in windows[:NAMED]]
    if more := len(windows) - len(names):
        names.append(ngettext("one more", "%(number)s more", more) % {"number": more})
    first = windows[0]
    return _("%(number)s windows were added: %(names)s. %(span)s.") % {
        "number": len(windows),
        "names": ", ".join(names),
        "span": format_span(first.starts_at, first.ends_at, local),
    }


MOST = 10  # warnings that are spelt out


def overlap_warnings(
    times: tuple[datetime, datetime],
    sites: Iterable[Site],
    zone: tzinfo,
    now: datetime,
    besides: Collection[int] = (),
) -> list[str]:
    """A sentence for each window of the sites that overlaps these times, without those `besides`.

    One query, however many there are.
    """
    starts_at, ends_at = times
    begins = Q(starts_at__lt=ends_at) | Q(started_at__lt=ends_at)
    found: list[Any] = list(
        MaintenanceWindow.objects.live(now)
        .filter(begins, ends_at__gt=starts_at, site__in=[site.pk for site in sites])
        .exclude(pk__in=besides)
        .select_related("site")
        .annotate(number=Window(Count("*")))
        .order_by("site__domain", "starts_at", "pk")[:MOST]
    )
    sentences = [overlap_sentence(window, zone) for window in found]
    if found and (more := found[0].number - len(found)):
        sentences.append(ngettext("And one more.", "And %(number)s more.", more) % {"number": more})
    return sentences


def overlap_sentence(window: MaintenanceWindow, zone: tzinfo) -> str:
    text = _("%(site)s: overlaps window %(id)s (%(span)s); the site is closed for their union.")
    span = format_span(window.begins_at, window.ends_at, zone)
    return text % {"site": window.site, "id": window.pk, "span": span}
