"""What the admin says of planned windows: their times in words, and what they overlap."""

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from maintenance_windows.admin.base import RecordAdmin
from maintenance_windows.admin.dates import describe_dates
from maintenance_windows.core.freezes import FrozenTime
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.models.querysets import Status
from maintenance_windows.planning import frozen
from maintenance_windows.planning.overlaps import window_warnings
from maintenance_windows.snapshot import clock
from maintenance_windows.wording.spans import (
    format_length,
    format_moment,
    format_span,
    format_times,
    format_upcoming,
)

MAX_NAMED = 10  # windows that a message names


def describe_plan(form: Any) -> dict[str, Any]:
    """The context of the preview of a form that schedules or changes windows."""
    choices = form.fields["repeats"].choices if "repeats" in form.fields else ()
    moments = [
        bound.field.widget.choice(name, bound.value())
        for name in ("starts_at", "ends_at")
        if (bound := form[name] if name in form.fields else None)
    ]
    found = {"labels": choices, "moments": moments, "published": describe_publication(form)}
    if getattr(form, "series", None):
        return found | describe_dates(form.series, form.cleaned_data.get("sites", ()), clock.now())
    return found | describe_times(form)


def describe_publication(form: Any) -> str:
    """When the window becomes public, if the form sets that."""
    published_at = form.cleaned_data.get("published_at")
    if published_at is None or "published_at" not in form.changed_data:
        return ""
    now = clock.now()
    if published_at <= now:
        return _("Public at once.")
    return _("Public from %(time)s.") % {"time": format_moment(published_at, form.tz, now)}


def describe_times(form: Any) -> dict[str, Any]:
    """The context of the preview; empty where the form has no valid times."""
    if form.span is None:
        return {}
    now, zone, window = clock.now(), form.tz, form.instance
    level = form.cleaned_data.get("level") or window.level
    times = (form.span.start, form.span.end)
    sites, exclude, in_progress = form.cleaned_data.get("sites", ()), [], False
    if window.pk:
        sites, exclude = [window.site], [window.pk]
        in_progress = window.status_at(now) is Status.ACTIVE
    return {
        "words": format_span(*times, zone) if in_progress else format_upcoming(*times, zone, now),
        "length": format_length(*times, zone),
        "overlaps": window_warnings(*times, sites, zone, now, level=level, exclude=exclude),
    }


def describe_added(windows: list[MaintenanceWindow]) -> str:
    """For which sites windows were added, and when they take place."""
    zone, now = timezone.get_current_timezone(), clock.now()
    names = [f"{window.site} ({window.pk})" for window in windows[:MAX_NAMED]]
    if more := len(windows) - len(names):
        names.append(ngettext("one more", "%(number)s more", more) % {"number": more})
    return _("%(number)s windows were added: %(names)s. %(span)s.") % {
        "number": len(windows),
        "names": ", ".join(names),
        "span": format_times(windows[0].starts_at, windows[0].ends_at, zone, now),
    }


def warn_of_windows(
    model_admin: RecordAdmin, request: HttpRequest, saved: list[MaintenanceWindow]
) -> None:
    """Show what people should know of the windows just saved, which have equal times."""
    times = (saved[0].begins_at, saved[0].ends_at)
    zone = timezone.get_current_timezone()
    sites, ids = [window.site for window in saved], [window.pk for window in saved]
    warn(
        model_admin,
        request,
        window_warnings(*times, sites, zone, clock.now(), level=saved[0].level, exclude=ids),
    )


def warn(model_admin: RecordAdmin, request: HttpRequest, warnings: Iterable[str]) -> None:
    for warning in warnings:
        model_admin.message_user(request, warning, messages.WARNING)


def warn_of_freezes(
    model_admin: RecordAdmin, request: HttpRequest, saved: list[MaintenanceWindow]
) -> None:
    """Show a warning for each window that reaches into a freeze."""
    met_by = frozen.reaching_into(saved[:MAX_NAMED], clock.now())
    warn(model_admin, request, (f"{window}: {in_freeze(met)}" for window, met in met_by))


def in_freeze(met: FrozenTime) -> str:
    return _("This is in a freeze: %(reason)s.") % {"reason": met.reason}
