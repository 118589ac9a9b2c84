"""How sites stand: why each is down and until when, as pages show it and as verbs check it again.

A page keeps the mark of each site that it shows. A verb that gets the mark refuses if holds, levels
or ends have changed since, so that nobody undoes unseen what somebody else did.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from django.contrib.sites.models import Site
from django.utils import timezone
from django.utils.translation import gettext as _

from maintenance_windows.conf import conf
from maintenance_windows.core.intervals import Span, covering
from maintenance_windows.core.state import Level
from maintenance_windows.exceptions import Refused
from maintenance_windows.models import Change, MaintenanceWindow, SiteMaintenance, Transition
from maintenance_windows.models.querysets import Status
from maintenance_windows.wording.nearby import nearby

HELD, READ_ONLY = "held", Level.READ_ONLY


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A site that is down by hand without an end. `by` is empty if it was held with SQL."""

    level: Level
    message: str
    by: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One site at `now`. `windows` are those of the present outage, by start, also the coming ones.

    `starters` are the people who started a window before its time, by window.
    """

    site: Site
    now: datetime
    hold: Hold | None
    windows: tuple[MaintenanceWindow, ...]
    starters: dict[int, str]

    @property
    def in_progress(self) -> list[MaintenanceWindow]:
        return [one for one in self.windows if one.status_at(self.now) is Status.ACTIVE]

    @property
    def is_down(self) -> bool:
        return bool(self.hold or self.in_progress)

    @property
    def until(self) -> datetime | None:
        """The end of the outage without the hold."""
        return max((window.ends_at for window in self.windows), default=None)

    @property
    def level(self) -> Level:
        levels = [window.level for window in self.in_progress]
        levels += [self.hold.level] if self.hold else []
        return Level.READ_ONLY if set(levels) == {Level.READ_ONLY} else Level.FULL

    @property
    def full_until(self) -> datetime | None:
        """When a site without a hold goes on read-only for the rest of the outage, if it does."""
        full = [Span(one.begins_at, one.ends_at) for one in self.windows if one.level != READ_ONLY]
        now = covering(full, self.now)
        ends = [span.end for span in full if now and span.end]
        last = max(ends, default=None)
        return last if now and last == now.end and last != self.until else None

    def person(self, window: MaintenanceWindow) -> str:
        """Who started or scheduled a window."""
        return self.starters.get(window.pk) or window.created_by

    @property
    def mark(self) -> str:
        """What a page keeps of it, to be given back as `seen`."""
        return " ".join(sorted(self._parts()))

    def _parts(self) -> Iterator[str]:
        if self.hold:
            of_hold = f"{self.hold.message}\0{self.hold.by}".encode()
            yield f"{HELD}:{self.hold.level.value}:{sha256(of_hold).hexdigest()[:12]}"
        for window in self.windows:
            yield f"{window.pk}:{window.ends_at.astimezone(UTC):%Y%m%d%H%M%S%f}:{window.level}"

    def differs(self, seen: str) -> bool:
        """Whether anything but time has changed since a page showed this mark."""
        now = f"{self.now.astimezone(UTC):%Y%m%d%H%M%S%f}"
        left = {
            part for part in seen.split() if part.startswith(HELD) or part.split(":")[1:2] > [now]
        }
        return left != set(self._parts())

    def describe(self, *, titles: bool = False) -> str:
        """Say what visitors see now, and who wants it so. `titles` are not for everybody."""
        if conf.MAINTENANCE_FORCE == "on":
            return _("Every site is DOWN: MAINTENANCE_FORCE is on.")
        if conf.MAINTENANCE_FORCE == "off":
            return _("Every site is up: MAINTENANCE_FORCE is off.")
        facts: dict[str, Any] = {"site": self.site.domain}
        if not self.is_down:
            return _("%(site)s is up.") % facts
        is_readable = self.level is Level.READ_ONLY
        if self.hold:
            text = (
                _("%(site)s is read-only until someone brings it up%(cause)s.")
                if is_readable
                else _("%(site)s is down until someone brings it up%(cause)s.")
            )
            return text % (facts | {"cause": self._of_hold(self.hold)})
        text = (
            _("%(site)s is read-only until %(end)s%(cause)s.")
            if is_readable
            else _("%(site)s is down until %(full)s, then read-only until %(end)s%(cause)s.")
            if self.full_until
            else _("%(site)s is down until %(end)s%(cause)s.")
        )
        facts |= {"end": self._near(self.until), "full": self._near(self.full_until)}
        return text % (facts | {"cause": self._of_windows(titles=titles)})

    def _of_hold(self, hold: Hold) -> str:
        if not hold.by or hold.at is None:
            return ""
        return _(" (taken down by %(person)s at %(time)s)") % {
            "person": hold.by,
            "time": self._near(hold.at),
        }

    def _of_windows(self, *, titles: bool) -> str:
        """The window in progress that ends last, and its person."""
        window = max(self.in_progress, key=lambda one: one.ends_at)
        title = f"“{window.title}”" if titles and window.title else ""
        texts = [text for text in (title, self.person(window)) if text]
        return f" ({', '.join(texts)})" if texts else ""

    def _near(self, moment: datetime | None) -> str:
        return nearby(moment, self.now, timezone.get_current_timezone()) if moment else ""


def read(sites: Collection[Site], now: datetime) -> dict[int, Standing]:
    """Return the standing of each site by its id, in three queries or fewer."""
    ids = [site.pk for site in sites]
    flags = {flag.pk: flag for flag in SiteMaintenance.objects.held().filter(pk__in=ids)}
    live: defaultdict[int, list[MaintenanceWindow]] = defaultdict(list)
    for window in MaintenanceWindow.objects.filter(site__in=ids).reaching(now):
        if window.ends_at > now:
            live[window.site_id].append(window)
    outages = {pk: _outage(windows, now) for pk, windows in live.items()}
    early = [
        window.pk
        for windows in outages.values()
        for window in windows
        if window.started_at and window.started_at < window.starts_at
    ]
    starters = _starters(early)
    return {
        site.pk: Standing(
            site=site,
            now=now,
            hold=_hold(flags.get(site.pk)),
            windows=outages.get(site.pk, ()),
            starters=starters,
        )
        for site in sites
    }


def check_seen(sites: Collection[Site], seen: str | None, now: datetime) -> None:
    """Raise Refused if a site no longer stands as the mark `seen` says. Without one, do nothing."""
    for standing in read(sites, now).values() if seen is not None else ():
        if standing.differs(seen or ""):
            sentence = _("Nothing changed: %(site)s is no longer as this page showed it.")
            told = standing.describe() if standing.is_down else _came_up(standing)
            raise Refused(f"{sentence % {'site': standing.site.domain}} {told}")


def _came_up(standing: Standing) -> str:
    last = Transition.objects.filter(site=standing.site).order_by("-done_at", "-pk").first()
    if last is None or last.in_maintenance or not last.actor:
        return standing.describe()
    return _("%(person)s brought %(site)s up at %(time)s.") % {
        "person": last.actor,
        "site": standing.site.domain,
        "time": nearby(last.done_at, standing.now, timezone.get_current_timezone()),
    }


def _outage(windows: list[MaintenanceWindow], now: datetime) -> tuple[MaintenanceWindow, ...]:
    """Keep the windows of the outage that covers `now`, by start."""
    outage = covering((Span(one.begins_at, one.ends_at) for one in windows), now)
    if outage is None or outage.end is None:
        return ()
    found = [one for one in windows if one.begins_at < outage.end]
    return tuple(sorted(found, key=lambda one: (one.begins_at, one.pk)))


def _hold(flag: SiteMaintenance | None) -> Hold | None:
    if flag is None:
        return None
    return Hold(level=Level(flag.level), message=flag.message, by=flag.held_by, at=flag.ordered_at)


def _starters(ids: list[int]) -> dict[int, str]:
    if not ids:
        return {}
    found = Change.objects.filter(window__in=ids).order_by("pk")
    return {row.window_id or 0: row.actor for row in found if "started_at" in row.changes}
