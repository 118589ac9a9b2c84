"""The verbs for sites: take them down, bring them up, and extend or end their maintenance.

The verbs work like those of planning.windows. `seen` are the ids of the windows in progress that
the user saw. A verb refuses if other windows have started since, so that nobody ends a window
unseen.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.contrib.sites.models import Site
from django.utils.translation import gettext as _

from maintenance_windows.core.intervals import Span, covering
from maintenance_windows.core.state import Level
from maintenance_windows.exceptions import Refused
from maintenance_windows.models import MaintenanceWindow, SiteMaintenance
from maintenance_windows.models.querysets import Status
from maintenance_windows.permissions import ALL_RIGHTS, Rights
from maintenance_windows.planning import arguments, audit, windows
from maintenance_windows.planning.frozen import INSTANT, admit, reasons
from maintenance_windows.planning.rules import check_exist, check_operate
from maintenance_windows.reconcile.lock import Clock, locked
from maintenance_windows.reconcile.settle import hold, release, settle


def take_down(
    sites: Collection[Site],
    *,
    until: datetime | None = None,
    level: Level = Level.FULL,
    message: str = "",
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
        settle(site_ids, now)
        if until is not None:
            for text, group in _by_message(sites, message).items():
                windows.begin(group, until, level, text, now=now, actor=actor)
            release(site_ids, now)
            settle(site_ids, now, actor=actor)
            return
        hold(site_ids, level, message, now)
        marks = admit(sites, now, now + INSTANT, now, by_hand=True)
        settle(site_ids, now, actor=actor, freezes=reasons(marks))


def bring_up(
    sites: Collection[Site],
    *,
    seen: Collection[int] | None = None,
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> list[MaintenanceWindow]:
    """Bring sites up now: drop their holds, and end and return the windows in progress.

    Without `seen` it ends all windows in progress.
    """
    sites = arguments.as_sites(sites)
    check_operate(rights)
    site_ids = [site.pk for site in sites]
    with locked(clock) as now:
        check_exist(sites)
        if seen is not None:
            for site in sites:
                _check_seen(site, seen, now)
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
    seen: Collection[int],
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> MaintenanceWindow:
    """Extend a site's outage by extending the window that ends it."""
    arguments.check_site(site)
    arguments.check_length(by=by)
    check_operate(rights)
    with locked(clock) as now:
        _check_seen(site, seen, now)
        near = MaintenanceWindow.objects.filter(site=site).reaching(now)
        live = [window for window in near if window.ends_at > now]
        outage = covering((Span(window.begins_at, window.ends_at) for window in live), now)
        last = [window for window in live if outage and window.ends_at == outage.end]
        if not last:
            raise _nothing_in_progress(site)
        return windows.extend(last[0].pk, by=by, rights=rights, actor=actor, clock=lambda: now)


def end(
    site: Site,
    *,
    seen: Collection[int],
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> list[MaintenanceWindow]:
    """End all windows of a site that are in progress. A hold stays."""
    arguments.check_site(site)
    check_operate(rights)
    with locked(clock) as now:
        _check_seen(site, seen, now)
        in_progress = list(_in_progress(site, now))
        if not in_progress:
            raise _nothing_in_progress(site)
        return [
            windows.end(pk, rights=rights, actor=actor, clock=lambda: now) for pk in in_progress
        ]


def _by_message(sites: Iterable[Site], message: str) -> dict[str, list[Site]]:
    """Group sites by the message that visitors will see: without a new one, that of the hold."""
    held = {} if message else dict(SiteMaintenance.objects.held().values_list("pk", "message"))
    groups: defaultdict[str, list[Site]] = defaultdict(list)
    for site in sites:
        groups[held.get(site.pk, message)].append(site)
    return groups


def _check_seen(site: Site, seen: Collection[int], now: datetime) -> None:
    if not _in_progress(site, now).issubset(seen):
        sentence = _("The windows in progress on %(site)s have changed: review them and try again.")
        raise Refused(sentence % {"site": site.domain})


def _in_progress(site: Site, now: datetime) -> set[int]:
    found = MaintenanceWindow.objects.filter(site=site).with_status(Status.ACTIVE, now)
    return set(found.values_list("pk", flat=True))


def _nothing_in_progress(site: Site) -> Refused:
    return Refused(_("No window of %(site)s is in progress.") % {"site": site.domain})
