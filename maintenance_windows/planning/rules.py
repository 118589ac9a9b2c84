"""The rules for windows, and the error messages for what they refuse."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from django.contrib.sites.models import Site
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from maintenance_windows.exceptions import Refused
from maintenance_windows.models import TITLE_LENGTH, MaintenanceWindow, all_sites
from maintenance_windows.models.base import MOST_LEAD, Planned
from maintenance_windows.models.querysets import Status
from maintenance_windows.models.times import EARLIEST, TOO_LATE
from maintenance_windows.permissions import Rights
from maintenance_windows.wording.durations import format_duration
from maintenance_windows.wording.spans import format_moment

BATCH = 500
NOT_LIVE = {
    Status.COMPLETED: _("Window %(id)s has ended and can no longer be changed."),
    Status.CANCELLED: _("Window %(id)s was cancelled."),
}
NOT_IN_PROGRESS = NOT_LIVE | {
    Status.SCHEDULED: _("Window %(id)s has not started: cancel it instead."),
}
NOT_SCHEDULED = NOT_LIVE | {
    Status.ACTIVE: _("Window %(id)s is already in progress: end or extend it instead."),
}


def check_exist(sites: Iterable[Site]) -> None:
    """Raise Refused unless all these sites still exist. Call it inside `locked()`."""
    rest = iter(sites)
    while batch := list(islice(rest, BATCH)):
        found = set(
            all_sites().filter(pk__in=[site.pk for site in batch]).values_list("pk", flat=True)
        )
        for site in batch:
            if site.pk not in found:
                sentence = gettext("Site %(site)s no longer exists.")
                raise Refused(sentence % {"site": site.domain})


def check_range(starts_at: datetime, ends_at: datetime) -> None:
    """Raise Refused unless the times are a span that every time zone can show."""
    if starts_at < EARLIEST or ends_at >= TOO_LATE:
        raise Refused(gettext("The date is out of range."))
    if ends_at <= starts_at:
        raise Refused(gettext("The end must be after the start."))


def check_times(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    """Raise Refused unless a window may still get these times."""
    check_range(starts_at, ends_at)
    if ends_at <= now:
        raise Refused(gettext("The end is in the past."))


def check_operate(rights: Rights) -> None:
    """Raise Refused unless the person may operate sites."""
    if not rights.operate:
        raise Refused(gettext("This requires the permission to operate sites."))


def check_freeze(rights: Rights) -> None:
    """Raise Refused unless the person may freeze sites."""
    if not rights.freeze:
        raise Refused(gettext("This requires the permission to freeze sites."))


def check_title(title: str) -> None:
    """Raise Refused if the title is too long for the database."""
    if len(title) > TITLE_LENGTH:
        sentence = gettext("The title is longer than %(length)s characters.")
        raise Refused(sentence % {"length": TITLE_LENGTH})


def check_lead(lead: timedelta | None) -> None:
    """Raise Refused unless the banner can announce a window this long before."""
    if lead is not None and not timedelta(0) <= lead <= MOST_LEAD:
        raise Refused(gettext("The banner can appear at most 7 days before the start."))


def published(
    planned: Planned, given: datetime | None, now: datetime, *, is_public: bool
) -> datetime | None:
    """Return the time of publication to store, which is never moved to before `now`.

    Raises Refused if what is public already would be hidden again: subscribers have its event.
    """
    if not is_public:
        return given if given and given > now else now
    if given and given > now:
        sentence = gettext("This window is public already: it cannot be hidden again.")
        raise Refused(sentence)
    return planned.published_at


def refuse(window: MaintenanceWindow, now: datetime, sentences: Mapping[Status, Any]) -> None:
    """Raise Refused if there is a sentence for the status of the window."""
    if sentence := sentences.get(window.status_at(now)):
        raise Refused(sentence % {"id": window.pk})


def add(moment: datetime, length: timedelta) -> datetime:
    """Add an exact duration, also across a DST change. Raises Refused if out of range."""
    try:
        return moment.astimezone(UTC) + length
    except OverflowError:
        raise Refused(gettext("The date is out of range.")) from None


def ended(window: MaintenanceWindow, length: timedelta, now: datetime) -> Refused:
    """Return the refusal to extend a window that has ended, with what works instead."""
    ended_at = window.ended_at or window.ends_at
    sentence = gettext(
        "Window %(id)s of %(site)s ended at %(end)s: to take the site down again, use"
        " manage.py maintenance down %(site)s --for %(length)s"
    )
    texts = {
        "id": window.pk,
        "site": window.site.domain,
        "end": format_moment(ended_at, timezone.get_current_timezone(), now),
        "length": format_duration(length),
    }
    return Refused(sentence % texts)


def unknown(window_id: int) -> Refused:
    """Return the refusal for an id that no window has."""
    return Refused(gettext("Window %(id)s does not exist.") % {"id": window_id})
