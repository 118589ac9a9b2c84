"""Maintenance windows."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.contrib.sites.models import Site
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from maintenance_windows.core.state import Closure
from maintenance_windows.models.base import COMMON_TIMES, KNOWN_LEAD, KNOWN_LEVEL, Planned
from maintenance_windows.models.querysets import (
    ANNOUNCED,
    LIVE,
    RUNNING,
    WAITING,
    Status,
    WindowQuerySet,
)
from maintenance_windows.models.times import readable
from maintenance_windows.wording.spans import format_times

# The parts of an occurrence that can be edited, and the facts of each.
PARTS = {
    "times": {"starts_at", "ends_at"},
    "cancelled": {"cancelled_at"},
    **{name: {name} for name in Planned.TEXTS},
}
EDITED_LENGTH = 100  # of the names of all parts
TIMES = ("starts_at", "ends_at", "started_at", "ended_at", "cancelled_at")


class MaintenanceWindow(Planned):
    """Planned downtime of one Site, half-open `[starts_at, ends_at)`.

    Planned and actual times are separate fields. `started_at` is earlier than `starts_at` only
    if somebody started the window by hand.

    An occurrence of a recurring window keeps its local date, `occurs_on`, when it is moved or
    cancelled. It loses the date only to another window of that date. `edited` names what somebody
    changed of it, which changes of the recurring window do not affect. Its `uid` in the calendar
    never changes.
    """

    site = models.ForeignKey(
        Site, models.CASCADE, related_name="maintenance_windows", verbose_name=_("site")
    )
    starts_at = models.DateTimeField(_("start"))
    ends_at = models.DateTimeField(_("end"))
    started_at = models.DateTimeField(_("started"), null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True, editable=False)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True, editable=False)
    series = models.ForeignKey(
        "WindowSeries",
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="windows",
        verbose_name=_("recurring window"),
    )
    occurs_on = models.DateField(_("occurrence date"), null=True, blank=True, editable=False)
    edited = models.CharField(
        _("edited individually"),
        max_length=EDITED_LENGTH,
        blank=True,
        default="",
        db_default="",
        editable=False,
    )
    uid = models.UUIDField(null=True, blank=True, editable=False)

    objects = WindowQuerySet.as_manager()

    FACTS = (*TIMES, *Planned.TEXTS)

    class Meta:
        verbose_name = _("window")
        verbose_name_plural = _("windows")
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="mw_window_end_after_start",
                violation_error_message=_("The end must be after the start."),
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(started_at__lte=F("ended_at")),
                name="mw_window_ended_after_started",
            ),
            models.CheckConstraint(
                condition=Q(cancelled_at=None) | Q(started_at=None),
                name="mw_window_started_or_cancelled",
            ),
            models.CheckConstraint(condition=KNOWN_LEVEL, name="mw_window_level"),
            models.CheckConstraint(condition=KNOWN_LEAD, name="mw_window_lead"),
            models.CheckConstraint(
                condition=readable((*TIMES, *COMMON_TIMES), dates=["occurs_on"]),
                name="mw_window_readable",
            ),
            # One window for each date of a series, even if two processes make it at once.
            models.UniqueConstraint(fields=["series", "occurs_on"], name="mw_window_occurrence"),
        ]
        indexes = [
            # Sets of live windows, none of which grows with history. Every snapshot and every tick
            # reads the first two, and the snapshot the third; queries for certain sites read the
            # fourth.
            models.Index(fields=["starts_at"], condition=WAITING, name="mw_window_waiting"),
            models.Index(fields=["ends_at"], condition=RUNNING, name="mw_window_running"),
            models.Index(fields=["starts_at"], condition=ANNOUNCED, name="mw_window_announced"),
            models.Index(fields=["site", "starts_at"], condition=LIVE, name="mw_window_live"),
            # Read by the admin's list, newest first, and by the calendar of all sites. The first
            # filters by level without reading rows; the second finds rare cancelled windows.
            models.Index(fields=["-starts_at", "-id", "level"], name="mw_window_newest"),
            models.Index(
                fields=["-starts_at", "-id"],
                condition=Q(cancelled_at__isnull=False),
                name="mw_window_cancelled",
            ),
        ]

    def __str__(self) -> str:
        zone, now = timezone.get_current_timezone(), timezone.now()
        return f"{self.site}: {format_times(self.begins_at, self.ends_at, zone, now)}"

    def for_log(self) -> str:
        """Return site and times for the log: in UTC and English, also during a request."""
        start, end = self.starts_at.astimezone(UTC), self.ends_at.astimezone(UTC)
        return f"{self.site}: {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M %Z}"

    @property
    def edits(self) -> frozenset[str]:
        """The names in PARTS that were edited individually."""
        return frozenset(self.edited.split())

    def edit(self, facts: Iterable[str]) -> None:
        """Keep the parts of these facts from the recurring window."""
        changed = set(facts)
        parts = self.edits | {name for name, of_part in PARTS.items() if of_part & changed}
        restored = {"cancelled"} if self.cancelled_at is None else set()
        self.edited = " ".join(sorted(parts - restored))

    @property
    def begins_at(self) -> datetime:
        return self.started_at or self.starts_at

    def end_at(self, now: datetime) -> None:
        """End early. If this clock is behind the one that started it, the end equals the start."""
        self.started_at = self.begins_at
        self.ended_at = max(now, self.started_at)

    def status_at(self, now: datetime) -> Status:
        if self.cancelled_at is not None:
            return Status.CANCELLED
        if self.ended_at is not None or self.ends_at <= now:
            return Status.COMPLETED
        begun = self.started_at is not None or self.starts_at <= now
        return Status.ACTIVE if begun else Status.SCHEDULED

    def is_public(self, now: datetime) -> bool:
        """Return whether visitors may know of it. One that was cancelled before never is."""
        if self.published_at is None:
            return True
        return min(self.published_at, self.begins_at) <= (self.cancelled_at or now)

    def closure(self, now: datetime) -> Closure:
        return Closure.of(
            started_at=self.started_at,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            level=self.level,
            message=self.message,
            window=self.pk,
            published_at=self.published_at,
            lead=self.banner_lead,
            now=now,
        )
