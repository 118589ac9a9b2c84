"""The first sentences of the overview: how many sites are down, what is next, and the scheduler."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from maintenance_windows.core.state import Level
from maintenance_windows.models import MaintenanceWindow, SiteMaintenance, all_sites
from maintenance_windows.models.querysets import Status
from maintenance_windows.overview import status
from maintenance_windows.wording.nearby import nearby, short_duration

SOON = timedelta(hours=24)
MOST_COMING = 10  # windows that are listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """A window that has not started; `when` is as people say it."""

    window: MaintenanceWindow
    when: str
    wait: str
    length: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """How the fleet stands at `now`; `forced` is MAINTENANCE_FORCE."""

    now: datetime
    zone: tzinfo
    total: int
    down: int
    read_only: int
    forced: str | None
    scheduler: status.Record
    waiting: list[MaintenanceWindow]

    @property
    def up(self) -> int:
        return self.total - self.down - self.read_only

    @property
    def state(self) -> str:
        if self.forced:
            return "down" if self.forced == "on" else "up"
        return "down" if self.down else "read_only" if self.read_only else "up"

    @property
    def fleet(self) -> str:
        """7 of 12 sites are down. 2 are read-only."""
        if self.forced == "on":
            return _("MAINTENANCE_FORCE is on: every site is down.")
        if self.forced == "off":
            return _("MAINTENANCE_FORCE is off: every site is up.")
        facts = {"total": self.total, "down": self.down, "read_only": self.read_only}
        if not self.down and not self.read_only:
            return (
                ngettext("%(total)s site, and it is up.", "All %(total)s sites are up.", self.total)
                % facts
            )
        sentences = []
        if self.down:
            text = ngettext(
                "%(down)s of %(total)s sites is down.",
                "%(down)s of %(total)s sites are down.",
                self.down,
            )
            sentences.append(text % facts)
            text = ngettext(
                "%(read_only)s is read-only.", "%(read_only)s are read-only.", self.read_only
            )
        else:
            text = ngettext(
                "%(read_only)s of %(total)s sites is read-only.",
                "%(read_only)s of %(total)s sites are read-only.",
                self.read_only,
            )
        if self.read_only:
            sentences.append(text % facts)
        return " ".join(sentences)

    @property
    def following(self) -> str | SafeString:
        """Next: globex.example at 16:43 today, in 4 min."""
        if not self.waiting:
            return _("Nothing is scheduled.")
        window = self.waiting[0]
        return format_html(
            _("Next: {site}, {when}, in {wait}."),
            site=format_html("<bdi>{}</bdi>", window.site.domain),
            when=nearby(window.starts_at, self.now, self.zone),
            wait=short_duration(window.starts_at - self.now),
        )

    @property
    def of_scheduler(self) -> str:
        last = self.scheduler["last_tick"]
        if last is None:
            return _("The scheduler has not run yet.")
        at = datetime.fromisoformat(last)
        if not self.scheduler["healthy"]:
            return _("Scheduler not running since %(time)s.") % {
                "time": nearby(at, self.now, self.zone)
            }
        seconds = max(0, round((self.now - at).total_seconds()))
        return _("Scheduler OK, %(seconds)s s ago.") % {"seconds": seconds}

    @property
    def coming(self) -> list[Coming]:
        """The windows that start within a day, the first ones if they are many."""
        return [
            Coming(
                window=window,
                when=nearby(window.starts_at, self.now, self.zone),
                wait=short_duration(window.starts_at - self.now),
                length=short_duration(window.ends_at - window.starts_at),
            )
            for window in self.waiting[:MOST_COMING]
            if window.starts_at < self.now + SOON
        ]

    @property
    def has_more_coming(self) -> bool:
        more = self.waiting[MOST_COMING:]
        return bool(more) and more[0].starts_at < self.now + SOON


def read(now: datetime, zone: tzinfo, total: int | None = None) -> Headline:
    """Read it in four queries, whatever the number of sites; in three if it is known."""
    levels: dict[int, set[str]] = {}
    held: Any = SiteMaintenance.objects.held().values_list("pk", "level")
    in_progress = MaintenanceWindow.objects.with_status(Status.ACTIVE, now).order_by()
    for pk, level in held.union(in_progress.values_list("site_id", "level")):
        levels.setdefault(pk, set()).add(level)
    read_only = sum(found == {Level.READ_ONLY.value} for found in levels.values())
    waiting = MaintenanceWindow.objects.with_status(Status.SCHEDULED, now)
    return Headline(
        now=now,
        zone=zone,
        total=all_sites().count() if total is None else total,
        down=len(levels) - read_only,
        read_only=read_only,
        forced=status.forced(),
        scheduler=status.scheduler(now),
        waiting=list(waiting.select_related("site").order_by("starts_at", "pk")[: MOST_COMING + 1]),
    )
