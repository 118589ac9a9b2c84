"""Undo of the verbs for sites: a site stands again as it did before.

The past is not edited: a window that was ended is scheduled again for the rest of its time.
"""

from datetime import datetime
from typing import Any

from django.contrib.sites.models import Site
from django.utils.translation import gettext as _

from maintenance_windows.core.state import Level
from maintenance_windows.exceptions import Refused
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.permissions import ALL_RIGHTS, Rights
from maintenance_windows.planning import standing, windows
from maintenance_windows.planning.frozen import INSTANT, admit, reasons
from maintenance_windows.planning.rules import check_exist, check_operate
from maintenance_windows.planning.scheduling import begin
from maintenance_windows.planning.standing import Standing
from maintenance_windows.reconcile.lock import Clock, locked
from maintenance_windows.reconcile.settle import hold, release, settle

Before = dict[str, Any]


def keep(before: Standing) -> Before:
    """Return what undo() needs of a site before a verb, as JSON keeps it."""
    held = before.hold
    return {
        "hold": [held.level.value, held.message] if held else None,
        "windows": {str(one.pk): one.ends_at.isoformat() for one in before.windows},
    }


def undo(
    site: Site,
    before: Before,
    *,
    seen: str,
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> None:
    """Let a site stand as before, unless somebody has changed it since: see planning.standing.

    It is never up in between: first comes what takes it down, then what brings it up.
    """
    check_operate(rights)
    ends = {int(pk): datetime.fromisoformat(end) for pk, end in before["windows"].items()}
    with locked(clock) as now:
        check_exist([site])
        standing.check_seen([site], seen, now)
        if not before["hold"] and ends and max(ends.values()) <= now:
            raise Refused(_("The end before the change has passed: bring the site up instead."))
        present = {one.pk: one for one in standing.read([site], now)[site.pk].windows}
        if before["hold"]:
            _hold(site, *before["hold"], now=now, actor=actor)
        for window in MaintenanceWindow.objects.filter(pk__in=ends.keys() - present, site=site):
            if ends[window.pk] > now:
                _again(window, site, ends[window.pk], now, actor)
        for pk, window in present.items():
            if pk not in ends:
                if window.begins_at <= now:
                    windows.end(pk, actor=actor, clock=lambda: now)
            elif window.ends_at != ends[pk]:
                windows.revise(pk, ends_at=ends[pk], actor=actor, clock=lambda: now)
        if not before["hold"]:
            settle([site.pk], now)
            release([site.pk], now)
            settle([site.pk], now, actor=actor)


def _hold(site: Site, level: str, message: str, *, now: datetime, actor: str) -> None:
    settle([site.pk], now)
    hold([site.pk], Level(level), message, now, actor)
    marks = admit([site], now, now + INSTANT, now, by_hand=True)
    settle([site.pk], now, actor=actor, freezes=reasons(marks))


def _again(
    window: MaintenanceWindow, site: Site, ends_at: datetime, now: datetime, actor: str
) -> None:
    level, title = Level(window.level), window.title
    begin([site], ends_at, level, window.message, title=title, now=now, actor=actor)
