"""What is on at a site, extended and ended as a whole by somebody who saw it.

`seen` are the ids of the windows that the person saw run. Where another one runs by now, each verb
refuses: nobody ends what nobody has looked at. `actor` and `clock` are as in lifecycle.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.contrib.sites.models import Site
from django.utils import timezone
from django.utils.translation import gettext as _

from maintenance_windows import lifecycle
from maintenance_windows.core.intervals import Span, covering
from maintenance_windows.exceptions import Refused
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.models.querysets import Status
from maintenance_windows.reconcile.lock import Clock, locked


def extend(
    site: Site,
    *,
    by: timedelta,
    seen: Collection[int],
    actor: str = "",
    clock: Clock = timezone.now,
) -> MaintenanceWindow:
    """Move the end of what is on at a site to later: of the window that ends its run."""
    with _as_seen(site, seen, clock) as now:
        windows = MaintenanceWindow.objects.filter(site=site).reaching(now)
        open_now = [window for window in windows if window.ends_at > now]
        run = covering((Span(window.begins_at, window.ends_at) for window in open_now), now)
        last = [window for window in open_now if run and window.ends_at == run.end]
        if not last:
            raise _nothing_runs(site)
        return lifecycle.extend(last[0].pk, by=by, actor=actor, clock=lambda: now)


def end(
    site: Site, *, seen: Collection[int], actor: str = "", clock: Clock = timezone.now
) -> list[MaintenanceWindow]:
    """End all windows of a site that run now; a hold stays."""
    with _as_seen(site, seen, clock) as now:
        running = list(_running(site, now))
        if not running:
            raise _nothing_runs(site)
        return [lifecycle.end(pk, actor=actor, clock=lambda: now) for pk in running]


def bring_up(
    site: Site, *, seen: Collection[int], actor: str = "", clock: Clock = timezone.now
) -> list[MaintenanceWindow]:
    """See lifecycle.switch_off()."""
    with _as_seen(site, seen, clock) as now:
        return lifecycle.switch_off([site], actor=actor, clock=lambda: now)


@contextmanager
def _as_seen(site: Site, seen: Collection[int], clock: Clock) -> Iterator[datetime]:
    with locked(clock) as now:
        if not set(seen).issuperset(_running(site, now)):
            sentence = _("What runs on %(site)s has changed meanwhile: look at it again.")
            raise Refused(sentence % {"site": site.domain})
        yield now


def _running(site: Site, now: datetime) -> Collection[int]:
    windows = MaintenanceWindow.objects.filter(site=site).with_status(Status.ACTIVE, now)
    return set(windows.values_list("pk", flat=True))


def _nothing_runs(site: Site) -> Refused:
    return Refused(_("No window of %(site)s is running.") % {"site": site.domain})
