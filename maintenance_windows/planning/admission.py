"""The rule for times: what may be planned, what starts at once, and who may do that.

It is one rule for windows and recurring windows, and for the admin, the shell and code. Forms ask
it before they save, and the verbs again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.contrib.sites.models import Site
from django.utils import timezone
from django.utils.translation import gettext as _

from maintenance_windows.exceptions import PastStart, Refused, RefusedStart
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.models.querysets import Status
from maintenance_windows.permissions import ALL_RIGHTS, Rights
from maintenance_windows.planning import frozen, rules
from maintenance_windows.planning.frozen import Marks
from maintenance_windows.wording.spans import format_ago, format_moment

LATE = timedelta(minutes=1)  # by which a start may be in the past without a confirmation


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms a person plans.

    `start_now` confirms that what should have started more than a minute ago starts now,
    `override` is the reason for planning into a freeze.
    """

    rights: Rights = ALL_RIGHTS
    start_now: bool = False
    override: str = ""

    @property
    def reason(self) -> str:
        """The override, of a person who may give one."""
        return self.override if self.rights.freeze else ""


NO_TERMS = Terms()


class Admitted(NamedTuple):
    """The times that a window gets, and what the history keeps of a freeze, by site."""

    starts_at: datetime
    ends_at: datetime
    marks: Marks


def admit_new(
    sites: Collection[Site], starts_at: datetime, ends_at: datetime, now: datetime, terms: Terms
) -> Admitted:
    """Return the times of new windows. Raises Refused."""
    rules.check_times(starts_at, ends_at, now)
    starts_at = admit_start(starts_at, now, terms)
    marks = frozen.admit(sites, starts_at, ends_at, now, override=terms.reason)
    return Admitted(starts_at, ends_at, marks)


def admit_change(
    window: MaintenanceWindow, starts_at: datetime, ends_at: datetime, now: datetime, terms: Terms
) -> Admitted:
    """Return the times of a window that is changed. Raises Refused."""
    rules.refuse(window, now, rules.NOT_LIVE)
    in_progress = window.status_at(now) is Status.ACTIVE
    if in_progress:
        rules.check_operate(terms.rights)
        if starts_at != window.starts_at:
            sentence = _("Window %(id)s has started: only its end can be changed.")
            raise Refused(sentence % {"id": window.pk})
        if ends_at <= starts_at:  # it was started before its time, and is to end before that
            starts_at = window.begins_at
    rules.check_times(starts_at, ends_at, now)
    if not in_progress:
        starts_at = admit_start(starts_at, now, terms)
    marks = frozen.admit_move(window, starts_at, ends_at, now, override=terms.reason)
    return Admitted(starts_at, ends_at, marks)


def admit_start(
    starts_at: datetime, now: datetime, terms: Terms, *, recurring: bool = False
) -> datetime:
    """Return the start that a window gets: what should have started long ago starts now.

    Raises RefusedStart if the person may not start windows, or has not confirmed it. `recurring`
    starts are those of an occurrence.
    """
    if starts_at > now:
        return starts_at
    texts = {"start": format_moment(starts_at, timezone.get_current_timezone(), now)}
    if not terms.rights.operate:
        sentence = _("The start must be in the future, unless you may operate sites.")
        if recurring:
            sentence = _(
                "The window of %(start)s would start at once, which requires the permission to"
                " operate sites: begin later, or skip that date."
            )
        raise RefusedStart(sentence % texts)
    if now - starts_at <= LATE:
        return starts_at
    if not terms.start_now:
        texts["ago"] = format_ago(starts_at, now)
        sentence = _(
            "The start, %(start)s, was %(ago)s ago: correct it, or confirm “Start now” (in the"
            " shell: --now)."
        )
        if recurring:
            sentence = _(
                "The window of %(start)s would start now, %(ago)s late: begin later or skip that"
                " date, or confirm “Start now” (in the shell: --now)."
            )
        raise PastStart(sentence % texts)
    return now


def may_start(
    starts_at: datetime, now: datetime, rights: Rights, *, recurring: bool = False
) -> None:
    """Raise RefusedStart if this starts at once, and the person may not do that.

    It is for verbs that name a window, so that no wrong time can be meant.
    """
    admit_start(starts_at, now, Terms(rights=rights, start_now=True), recurring=recurring)
