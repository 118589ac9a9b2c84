"""The flag of a site, and its exempt URLs."""

from datetime import datetime
from time import time

from django.contrib.sites.models import Site
from django.core.exceptions import ValidationError
from django.db import models, router
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from maintenance_windows.core.hosts import spellings
from maintenance_windows.core.state import Level, Maintenance, PatternKind
from maintenance_windows.models.base import (
    ACTOR_LENGTH,
    KNOWN_LEVEL,
    LEVEL_HELP,
    LEVELS,
    MESSAGE_HELP,
)
from maintenance_windows.models.querysets import FLAG_LIVE, PrimaryQuerySet, SiteMaintenanceQuerySet
from maintenance_windows.models.times import readable
from maintenance_windows.patterns.faults import fault, slowness

REPEATED = _("This site already has that pattern.")
KINDS = [(PatternKind.ROUTE.value, _("path() route")), (PatternKind.REGEX.value, _("regex"))]


def milliseconds() -> int:
    """Return the time since 1970 in milliseconds. Migrations refer to this function."""
    return int(time() * 1000)


class SiteMaintenance(models.Model):
    """The flag of one Site. Only maintenance_windows.reconcile writes it.

    `since` is set while the start of the current outage is recorded as a status change. If it
    disagrees with `in_maintenance`, the flag was changed with SQL.
    """

    site = models.OneToOneField(
        Site, models.CASCADE, primary_key=True, related_name="maintenance", verbose_name=_("site")
    )
    in_maintenance = models.BooleanField(_("down"), default=False)
    until = models.DateTimeField(
        _("until"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("When the current maintenance ends. Empty if it has no scheduled end."),
    )
    level = models.CharField(
        _("level"),
        max_length=16,
        choices=LEVELS,
        default=Level.FULL.value,
        db_default=Level.FULL.value,
        help_text=LEVEL_HELP,
    )
    message = models.TextField(_("message"), blank=True, default="", help_text=MESSAGE_HELP)
    since = models.DateTimeField(_("since"), null=True, blank=True, editable=False)
    # A bypass link contains this number; a larger one revokes all links of the site. It is a time,
    # so that a row that is made again does not accept the links of its predecessor.
    bypass = models.PositiveBigIntegerField(
        _("bypass links revoked"), default=milliseconds, db_default=0, editable=False
    )
    # When somebody last took the site down or brought it up. A process that remembers otherwise
    # believes the row, even if rows of its windows or history are missing.
    ordered_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Who holds the site; empty if it is not held, or held with SQL.
    held_by = models.CharField(
        max_length=ACTOR_LENGTH, blank=True, default="", db_default="", editable=False
    )

    objects = SiteMaintenanceQuerySet.as_manager()

    # The fields that only reconcile writes.
    CONTENT = ("in_maintenance", "until", "level", "message", "since", "held_by")

    class Meta:
        verbose_name = _("site status")
        verbose_name_plural = _("site statuses")
        permissions = [
            (
                "operate_sitemaintenance",
                _("Can take sites down and bring them up, and start, extend and end windows"),
            ),
        ]
        indexes = [
            # Read by every snapshot and every tick; contains only sites in maintenance.
            models.Index(fields=["site"], condition=FLAG_LIVE, name="mw_flag_live"),
        ]
        constraints = [
            models.CheckConstraint(condition=KNOWN_LEVEL, name="mw_flag_level"),
            models.CheckConstraint(
                condition=readable(["until", "since", "ordered_at"]), name="mw_flag_readable"
            ),
        ]

    def __str__(self) -> str:
        return str(self.site)

    @property
    def held(self) -> bool:
        return self.in_maintenance and self.until is None

    def apply_maintenance(self, maintenance: Maintenance | None, now: datetime) -> None:
        """Set the fields from the site's windows, unless the site is held. Does not save."""
        if self.held:
            self.since = self.since or now
            return
        self.held_by = ""
        if maintenance is not None:
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


class IgnoredURL(models.Model):
    """A URL pattern of a site that is exempt from its maintenance."""

    maintenance = models.ForeignKey(
        SiteMaintenance, models.CASCADE, related_name="ignored_urls", verbose_name=_("site")
    )
    kind = models.CharField(
        _("pattern type"), max_length=8, choices=KINDS, default=PatternKind.ROUTE.value
    )
    pattern = models.CharField(
        _("pattern"),
        max_length=255,
        help_text=_("As in urls.py, without the leading slash: contact/ or api/<path:rest>."),
    )
    description = models.CharField(_("description"), max_length=200, blank=True)

    objects = PrimaryQuerySet.as_manager()

    class Meta:
        verbose_name = _("exempt URL")
        verbose_name_plural = _("exempt URLs")
        constraints = [
            models.UniqueConstraint(
                fields=["maintenance", "kind", "pattern"],
                name="mw_ignored_url_once",
                violation_error_message=REPEATED,
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
            return  # field validation reports it
        kind = PatternKind(self.kind)
        sentence = fault(kind, self.pattern)
        # A slow pattern that is already stored, for example by an import, must not block saving.
        if sentence is None and not self._is_kept():
            sentence = slowness(kind, self.pattern)
        if sentence:
            raise ValidationError({"pattern": sentence})

    def _is_kept(self) -> bool:
        kept = type(self).objects.filter(pk=self.pk, kind=self.kind, pattern=self.pattern)
        return self.pk is not None and kept.exists()


def site_named(host: str) -> Site | None:
    """Return the site of a host, in any of its spellings."""
    for name in spellings(host):
        # The exact match comes first, because only it can use the index.
        for lookup in ({"domain": name}, {"domain__iexact": name}):
            if site := all_sites().filter(**lookup).first():
                return site
    return None


def all_sites() -> QuerySet[Site]:
    """All sites, from the database that flags are written to: see PrimaryQuerySet."""
    return Site.objects.using(router.db_for_write(SiteMaintenance))
