"""The rows: a site's flag, its windows, its ignored URLs and what has happened to it."""

from datetime import datetime

from django.contrib.sites.models import Site
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from maintenance_windows.patterns import fault
from maintenance_windows.querysets import (
    FLAG_LIVE,
    RUNNING,
    WAITING,
    SiteMaintenanceQuerySet,
    Status,
    WindowQuerySet,
)
from maintenance_windows.snapshot import Closure, Level, Maintenance, PatternKind, begun
from maintenance_windows.timeline import Span

LEVELS = [(Level.FULL.value, _("full")), (Level.READ_ONLY.value, _("read-only"))]
TITLE_LENGTH = 200
KNOWN_LEVEL = Q(level__in=[level for level, _ in LEVELS])
LEVEL_HELP = _("Full closes everything; read-only lets GET, HEAD and OPTIONS pass.")
KINDS = [(PatternKind.ROUTE.value, _("path() route")), (PatternKind.REGEX.value, _("regex"))]


class SiteMaintenance(models.Model):
    """The flag of one Site. Written by maintenance_windows.reconcile alone.

    `since` tells what reconcile has recorded: it is set while the maintenance has a transition
    to its name, so a flag that was changed with SQL is one whose two columns disagree.
    """

    site = models.OneToOneField(
        Site, models.CASCADE, primary_key=True, related_name="maintenance", verbose_name=_("site")
    )
    in_maintenance = models.BooleanField(_("In Maintenance Mode"), default=False)
    until = models.DateTimeField(
        _("until"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("The end of the present maintenance; empty while its end is open."),
    )
    level = models.CharField(
        _("level"),
        max_length=16,
        choices=LEVELS,
        default=Level.FULL.value,
        db_default=Level.FULL.value,
        help_text=LEVEL_HELP,
    )
    message = models.TextField(
        _("message"), blank=True, default="", help_text=_("Shown to visitors while it is on.")
    )
    since = models.DateTimeField(_("since"), null=True, blank=True, editable=False)

    objects = SiteMaintenanceQuerySet.as_manager()

    # What reconcile writes, and nobody else.
    CONTENT = ("in_maintenance", "until", "level", "message", "since")

    class Meta:
        verbose_name = _("site maintenance")
        verbose_name_plural = _("site maintenance")
        indexes = [
            # Read by every snapshot and every tick; holds only the sites in maintenance.
            models.Index(fields=["site"], condition=FLAG_LIVE, name="mw_flag_live"),
        ]
        constraints = [models.CheckConstraint(condition=KNOWN_LEVEL, name="mw_flag_level")]

    def __str__(self) -> str:
        return str(self.site)

    @property
    def held(self) -> bool:
        return self.in_maintenance and self.until is None

    def follow(self, maintenance: Maintenance | None, now: datetime) -> None:
        """Say what the site's windows say, unless it is held. Saves nothing."""
        if self.held:
            self.since = self.since or now
        elif maintenance is not None:
            self.in_maintenance = True
            self.until = maintenance.until
            self.level = maintenance.level
            self.message = maintenance.message
            self.since = self.since or maintenance.since
        else:
            self.in_maintenance = False
            self.until = self.since = None
            self.level = Level.FULL
            self.message = ""

    def content(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.CONTENT)


class MaintenanceWindow(models.Model):
    """Planned downtime of one Site, half-open `[starts_at, ends_at)`.

    What was planned and what really happened are separate: `started_at` is earlier than
    `starts_at` only for a window that somebody started by hand.
    """

    site = models.ForeignKey(
        Site, models.CASCADE, related_name="maintenance_windows", verbose_name=_("site")
    )
    starts_at = models.DateTimeField(_("start"))
    ends_at = models.DateTimeField(_("end"))
    started_at = models.DateTimeField(_("started"), null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True, editable=False)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True, editable=False)
    level = models.CharField(
        _("level"), max_length=16, choices=LEVELS, default=Level.FULL.value, help_text=LEVEL_HELP
    )
    title = models.CharField(
        _("title"),
        max_length=TITLE_LENGTH,
        blank=True,
        help_text=_("For your team; visitors never see it."),
    )
    message = models.TextField(
        _("message"), blank=True, help_text=_("Shown to visitors while the window is open.")
    )
    created_by = models.CharField(_("created by"), max_length=150, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = WindowQuerySet.as_manager()

    class Meta:
        verbose_name = _("maintenance window")
        verbose_name_plural = _("maintenance windows")
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
        ]
        indexes = [
            # Three live sets, none of which grows with history. The first two are read by every
            # snapshot and every tick, the third when windows follow on from one another.
            models.Index(fields=["starts_at"], condition=WAITING, name="mw_window_waiting"),
            models.Index(fields=["ends_at"], condition=RUNNING, name="mw_window_running"),
            models.Index(
                fields=["site", "starts_at"], condition=WAITING, name="mw_window_site_waiting"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site}: {self.starts_at:%Y-%m-%d %H:%M} to {self.ends_at:%Y-%m-%d %H:%M %Z}"

    @property
    def begins_at(self) -> datetime:
        return self.started_at or self.starts_at

    def end_at(self, now: datetime) -> None:
        """End before its time. A clock that is behind the one that started it ends it at once."""
        self.started_at = self.begins_at
        self.ended_at = max(now, self.started_at)

    def status_at(self, now: datetime) -> Status:
        if self.cancelled_at is not None:
            return Status.CANCELLED
        if self.ended_at is not None or self.ends_at <= now:
            return Status.COMPLETED
        begun = self.started_at is not None or self.starts_at <= now
        return Status.ACTIVE if begun else Status.SCHEDULED

    def closure(self, now: datetime) -> Closure:
        return Closure(
            span=Span(begun(self.started_at, self.starts_at, now), self.ends_at),
            level=Level(self.level),
            message=self.message,
            window=self.pk,
        )


class IgnoredURL(models.Model):
    """A URL pattern of a site that stays open during its maintenance."""

    maintenance = models.ForeignKey(
        SiteMaintenance, models.CASCADE, related_name="ignored_urls", verbose_name=_("site")
    )
    kind = models.CharField(
        _("written as"), max_length=8, choices=KINDS, default=PatternKind.ROUTE.value
    )
    pattern = models.CharField(
        _("pattern"),
        max_length=255,
        help_text=_("As in urls.py, without the leading slash: contact/ or api/<path:rest>."),
    )
    description = models.CharField(_("description"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("ignored URL")
        verbose_name_plural = _("ignored URLs")
        constraints = [
            models.UniqueConstraint(
                fields=["maintenance", "kind", "pattern"],
                name="mw_ignored_url_once",
                violation_error_message=_("This site ignores that pattern already."),
            ),
            models.CheckConstraint(condition=~Q(pattern=""), name="mw_ignored_url_not_blank"),
            models.CheckConstraint(
                condition=Q(kind__in=[kind for kind, _ in KINDS]), name="mw_ignored_url_kind"
            ),
        ]

    def __str__(self) -> str:
        return self.pattern

    def clean(self) -> None:
        if not self.pattern or self.kind not in {kind for kind, _ in KINDS}:
            return  # the fields say so themselves
        if sentence := fault(PatternKind(self.kind), self.pattern):
            raise ValidationError({"pattern": sentence})


class Transition(models.Model):
    """One change of a site's flag: append-only. `actor` is empty where a window did it."""

    site = models.ForeignKey(
        Site, models.CASCADE, related_name="maintenance_transitions", verbose_name=_("site")
    )
    in_maintenance = models.BooleanField(_("In Maintenance Mode"))
    due_at = models.DateTimeField(_("due"))
    done_at = models.DateTimeField(_("done"))
    window = models.ForeignKey(
        MaintenanceWindow,
        models.SET_NULL,
        null=True,
        related_name="transitions",
        verbose_name=_("window"),
    )
    actor = models.CharField(_("by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("transition")
        verbose_name_plural = _("transitions")
        indexes = [
            # Read by the admin's history, newest first, for all sites and for one.
            models.Index(fields=["-done_at", "-id"], name="mw_transition_newest"),
            models.Index(fields=["site", "-done_at"], name="mw_transition_site"),
        ]

    def __str__(self) -> str:
        return f"{self.site} {'on' if self.in_maintenance else 'off'} {self.done_at:%Y-%m-%d %H:%M}"


class Scheduler(models.Model):
    """The one row that says when the last tick was; on SQLite and MariaDB it is the lock too."""

    last_tick = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("scheduler")

    def __str__(self) -> str:
        return str(self.last_tick)
