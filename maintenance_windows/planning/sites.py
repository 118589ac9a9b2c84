"""The verbs for sites: take them down, bring them up, extend their maintenance, and undo that.

The verbs work like those of planning.windows. `seen` is the mark of the site as the user saw it:
see planning.standing. A verb refuses if somebody has changed that since.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.contrib.sites.models import Site
from django.utils.translation import gettext as _

from maintenance_windows.core.state import Level
from maintenance_windows.exceptions import Refused
from maintenance_windows.models import MaintenanceWindow, SiteMaintenance
from maintenance_windows.models.querysets import Status
from maintenance_windows.permissions import ALL_RIGHTS, Rights
from maintenance_windows.planning import arguments, audit, standing, windows
from maintenance_windows.planning.frozen import INSTANT, admit, reasons
from maintenance_windows.planning.rules import check_exist, check_operate
from maintenance_windows.planning.scheduling import begin
from maintenance_windows.reconcile.lock import Clock, locked
from maintenance_windows.reconcile.settle import hold, release, settle


def take_down(
    sites: Collection[Site],
    *,
    until: datetime | None = None,
    level: Level = Level.FULL,
    message: str = "",
    seen: str | None = None,
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> None:
    """Take sites down now: until a time, by a window that starts now, or until brought up.

    A held site stays down and gets the end, the level and, if there is one, the new message. A
    freeze does not refuse this; the history names it.
    """
    sites = arguments.as_sites(sites)
    arguments.check_level(level)
    check_operate(rights)
    if until is not None:
        arguments.check_moments(until=until)
    site_ids = [site.pk for site in sites]
    with locked(clock) as now:
        check_exist(sites)
        standing.check_seen(sites, seen, now)
        settle(site_ids, now)
        if until is not None:
            for text, group in _by_message(sites, message).items():
                begin(group, until, level, text, now=now, actor=actor)
            release(site_ids, now)
            settle(site_ids, now, actor=actor)
            return
        hold(site_ids, level, message, now, actor)
        marks = admit(sites, now, now + INSTANT, now, by_hand=True)
        settle(site_ids, now, actor=actor, freezes=reasons(marks))


def bring_up(
    sites: Collection[Site],
    *,
    seen: str | None = None,
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> list[MaintenanceWindow]:
    """Bring sites up now: drop their holds, and end and return the windows in progress."""
    sites = arguments.as_sites(sites)
    check_operate(rights)
    site_ids = [site.pk for site in sites]
    with locked(clock) as now:
        check_exist(sites)
        standing.check_seen(sites, seen, now)
        settle(site_ids, now)
        in_progress = MaintenanceWindow.objects.filter(site__in=site_ids).select_related("site")
        ended = list(in_progress.with_status(Status.ACTIVE, now).order_by("pk"))
        before = [(window, window.facts()) for window in ended]
        for window in ended:
            window.end_at(now)
        MaintenanceWindow.objects.bulk_update(ended, ["started_at", "ended_at"])
        release(site_ids, now)
        settle(site_ids, now, actor=actor, ended=ended)
        audit.changed(before, actor, now)
    return ended


def extend(
    site: Site,
    *,
    by: timedelta,
    seen: str | None = None,
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> MaintenanceWindow:
    """Extend a site's outage by extending the window that ends it."""
    arguments.check_site(site)
    arguments.check_length(by=by)
    check_operate(rights)
    with locked(clock) as now:
        standing.check_seen([site], seen, now)
        outage = standing.read([site], now)[site.pk].windows
        if not outage:
            sentence = _("No window of %(site)s is in progress.")
            raise Refused(sentence % {"site": site.domain})
        last = max(outage, key=lambda window: window.ends_at)
        return windows.extend(last.pk, by=by, rights=rights, actor=actor, clock=lambda: now)


def _by_message(sites: Iterable[Site], message: str) -> dict[str, list[Site]]:
    """Group sites by the message that visitors will see: without a new one, that of the hold."""
    held = {} if message else dict(SiteMaintenance.objects.held().values_list("pk", "message"))
    groups: defaultdict[str, list[Site]] = defaultdict(list)
    for site in sites:
        groups[held.get(site.pk, message)].append(site)
    return groups
