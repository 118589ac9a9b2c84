"""What the admin says of recurring windows that were planned or changed, and planning some."""

from collections import Counter
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext

from maintenance_windows.admin.base import RecordAdmin
from maintenance_windows.admin.operate import ids
from maintenance_windows.admin.schedule import MAX_NAMED, warn
from maintenance_windows.forms.schedule import ScheduleForm
from maintenance_windows.models import WindowSeries
from maintenance_windows.planning import series as verbs
from maintenance_windows.planning.series.apply import SeriesChange
from maintenance_windows.snapshot import clock

# The fields that make a rule, as the forms lay them out.
BUILDER = (
    ("every", "unit"),
    "weekdays",
    ("monthly", "nth", "nth_weekday", "days_after"),
    "rule",
    "until",
)


def repeat(
    model_admin: RecordAdmin, request: HttpRequest, form: ScheduleForm, **who: Any
) -> list[int]:
    """Plan what the form says, and say that; return the id of the first window of each site."""
    template, values = form.series, form.cleaned_data
    assert template is not None  # noqa: S101 (for mypy)
    who["start_now"] = values.get("start_now", False)
    outcomes = verbs.repeat(values["sites"], template, **who)
    person: Any = request.user
    planned = [outcome.series for outcome in outcomes]
    LogEntry.objects.log_actions(person.pk, planned, ADDITION, [{"added": {}}])
    for outcome in outcomes[:MAX_NAMED]:
        text = format_html(
            '<bdi><a href="{}">{}</a>: {}</bdi>',
            page_of(model_admin, outcome.series),
            outcome.series,
            describe_change(outcome),
        )
        model_admin.message_user(request, text, messages.SUCCESS)
    if (more := len(outcomes) - MAX_NAMED) > 0:
        rest = ngettext("And one more.", "And %(number)s more.", more) % {"number": more}
        model_admin.message_user(request, rest)
    sites = [outcome.series.site for outcome in outcomes]
    warn(model_admin, request, verbs.notes(planned[0], sites, clock.now()))
    return [outcome.made[0].pk for outcome in outcomes if outcome.made]


def page_of(model_admin: RecordAdmin, series: WindowSeries) -> str:
    if not model_admin.admin_site.is_registered(WindowSeries):
        return ""
    name = "admin:maintenance_windows_windowseries_change"
    return reverse(name, args=[series.pk], current_app=model_admin.admin_site.name)


def describe_change(change: SeriesChange) -> str:
    """How many windows were made, changed and cancelled, and which were left unchanged."""
    others: list[str] = []
    made, changed, cancelled = map(len, (change.made, change.changed, change.cancelled))
    if restored := len(change.restored):
        text = ngettext("%(number)s restored", "%(number)s restored", restored)
        others.append(text % {"number": restored})
    if change.kept:
        text = gettext("not changed because they were edited individually: %(ids)s")
        others.append(text % {"ids": ids(change.kept)})
    texts = [
        ngettext("%(number)s window created", "%(number)s windows created", made)
        % {"number": made},
        ngettext("%(number)s changed", "%(number)s changed", changed) % {"number": changed},
        ngettext("%(number)s cancelled", "%(number)s cancelled", cancelled) % {"number": cancelled},
        *others,
    ]
    for reason, days in Counter(one.frozen.reason for one in change.skipped).items():
        skipped = ngettext(
            "%(number)s skipped: freeze %(reason)s", "%(number)s skipped: freeze %(reason)s", days
        )
        texts.append(skipped % {"number": days, "reason": reason})
    return f"{', '.join(texts)}."
