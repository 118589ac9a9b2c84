"""Scheduling windows: by a verb, and for sites that are taken down at once.

For the arguments of verbs see planning.windows.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sites.models import Site

from maintenance_windows.core.intervals import Span
from maintenance_windows.core.state import Level
from maintenance_windows.models import ACTOR_LENGTH, MaintenanceWindow
from maintenance_windows.permissions import ALL_RIGHTS, Rights
from maintenance_windows.planning import arguments, audit
from maintenance_windows.planning.admission import Terms, admit_new
from maintenance_windows.planning.frozen import Marks, admit, reasons
from maintenance_windows.planning.rules import check_exist, check_lead, check_times, check_title
from maintenance_windows.reconcile.lock import Clock, locked
from maintenance_windows.reconcile.settle import settle


def schedule(
    sites: Iterable[Site],
    *,
    starts_at: datetime,
    ends_at: datetime,
    level: Level = Level.FULL,
    title: str = "",
    message: str = "",
    published_at: datetime | None = None,
    banner_lead: timedelta | None = None,
    start_now: bool = False,
    override: str = "",
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> list[MaintenanceWindow]:
    """Schedule one window for each site, all or none. If the start has passed, it starts now.

    If it was more than a minute ago, `start_now` has to confirm that. Before `published_at` nothing
    public names it. `override` is the reason for planning into a freeze.
    """
    arguments.check_moments(starts_at=starts_at, ends_at=ends_at)
    arguments.check_level(level)
    arguments.check_publication(published_at, banner_lead)
    check_title(title)
    check_lead(banner_lead)
    sites = arguments.as_sites(sites)
    texts: dict[str, Any] = {"level": level, "title": title, "message": message}
    terms = Terms(rights=rights, start_now=start_now, override=override)
    with locked(clock) as now:
        if published_at and published_at > now:
            texts["published_at"] = published_at
        texts["banner_lead"] = banner_lead
        check_exist(sites)
        starts_at, ends_at, marks = admit_new(sites, starts_at, ends_at, now, terms)
        return _create(sites, Span(starts_at, ends_at), texts, marks, now=now, actor=actor)


def begin(
    sites: list[Site],
    ends_at: datetime,
    level: Level,
    message: str,
    *,
    title: str = "",
    now: datetime,
    actor: str,
) -> list[MaintenanceWindow]:
    """Take sites down by windows that start now; a freeze only marks them.

    Call it inside `locked()`, with sites that exist.
    """
    check_times(now, ends_at, now)
    marks = admit(sites, now, ends_at, now, by_hand=True)
    texts = {"level": level, "title": title, "message": message}
    return _create(sites, Span(now, ends_at), texts, marks, now=now, actor=actor)


def _create(
    sites: list[Site],
    span: Span,
    texts: dict[str, Any],
    marks: Marks,
    *,
    now: datetime,
    actor: str,
) -> list[MaintenanceWindow]:
    settle([site.pk for site in sites], now)
    times = {"starts_at": span.start, "ends_at": span.end}
    planned = MaintenanceWindow.objects.bulk_create(
        MaintenanceWindow(site=site, created_by=actor[:ACTOR_LENGTH], **times, **texts)
        for site in sites
    )
    down = [window.site_id for window in planned]
    settle(down, now, actor=actor, freezes=reasons(marks))
    # Read them again: windows whose start has passed have started.
    rows = MaintenanceWindow.objects.filter(pk__in=[window.pk for window in planned])
    windows = list(rows.select_related("site").order_by("pk"))
    audit.scheduled(windows, actor)
    audit.marked(windows, marks, actor, now)
    return windows
