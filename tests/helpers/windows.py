"""Windows of a few seconds, on the site of a fleet."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.helpers.fleet import Fleet

# Relative to scheduling, because starting Python may take seconds.
PLAN = """
from datetime import timedelta
from django.contrib.sites.models import Site
from django.utils import timezone
from maintenance_windows.planning import windows
start = timezone.now() + timedelta(seconds=2)
end = start + timedelta(seconds={length})
windows.schedule([Site.objects.get(domain={site!r})], starts_at=start, ends_at=end, level={level!r})
print(start.isoformat(), end.isoformat())
"""


@dataclass(frozen=True, slots=True)
class Window:
    start: datetime
    end: datetime


def open_window(fleet: Fleet, site: str, length: float, level: str = "full") -> Window:
    """Schedule a window and wait for its start; each process reads it a second before."""
    command = PLAN.format(site=site, length=length, level=level)
    printed = fleet.manage("shell", "--verbosity=0", f"--command={command}")
    window = Window(*map(datetime.fromisoformat, printed.split()))
    time.sleep(max(0.0, (window.start - datetime.now(UTC)).total_seconds()))
    return window
