"""Freezes: times in which nothing may be planned."""

from datetime import datetime, time

from django.contrib.sites.models import Site
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from maintenance_windows.core.freezes import Freezing
from maintenance_windows.core.intervals import Span
from maintenance_windows.core.recurrence import Recurrence
from maintenance_windows.core.rrule import MAX_RULE_LENGTH, Rule
from maintenance_windows.exceptions import RuleError
from maintenance_windows.models.base import ACTOR_LENGTH, REASON_LENGTH
from maintenance_windows.models.querysets import FreezeQuerySet
from maintenance_windows.models.series import ZONE_LENGTH, dates, zone
from maintenance_windows.models.times import readable
from maintenance_windows.wording.recurrences import format_recurrence

EVENT_LENGTH = 64
ONCE = Q(rule="", starts_at__isnull=False, ends_at__isnull=False)
BY_RULE = Q(
    ~Q(rule=""), starts_at=None, ends_at=None, starts_on__isnull=False, length__isnull=False
) & Q(start_time__range=(time.min, time.max))


class Freeze(models.Model):
    """A time in which nothing may be planned, for its sites or `everywhere`: also on new sites.

    It is either once, half-open `[starts_at, ends_at)`, or by a rule, whose columns are those of
    WindowSeries. `ended_at` is when somebody ended it early: the row stays for the history.
    """

    reason = models.CharField(_("reason"), max_length=REASON_LENGTH)
    everywhere = models.BooleanField(_("all sites"), default=False)
    sites = models.ManyToManyField(
        Site, blank=True, related_name="maintenance_freezes", verbose_name=_("sites")
    )
    starts_at = models.DateTimeField(_("start"), null=True)
    ends_at = models.DateTimeField(_("end"), null=True)
    rule = models.CharField(_("rule"), max_length=MAX_RULE_LENGTH, blank=True, default="")
    starts_on = models.DateField(_("first day"), null=True)
    start_time = models.TimeField(_("start"), null=True)
    zone = models.CharField(_("time zone"), max_length=ZONE_LENGTH, blank=True, default="")
    length = models.DurationField(_("duration"), null=True)
    excluded = models.JSONField(_("skipped dates"), default=list, blank=True)
    # Names the event of an imported calendar: a digest of its UID.
    event = models.CharField(max_length=EVENT_LENGTH, blank=True, default="", editable=False)
    created_by = models.CharField(_("created by"), max_length=ACTOR_LENGTH, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    ended_by = models.CharField(_("ended by"), max_length=ACTOR_LENGTH, blank=True, default="")
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = FreezeQuerySet.as_manager()

    # What makes two freezes equal, apart from their sites.
    CONTENT = (
        "reason",
        "starts_at",
        "ends_at",
        "rule",
        "starts_on",
        "start_time",
        "zone",
        "length",
        "excluded",
    )

    class Meta:
        verbose_name = _("freeze")
        verbose_name_plural = _("freezes")
        default_permissions = ("view",)
        permissions = [
            ("freeze_sites", _("Can freeze sites, end freezes, and plan windows in a freeze")),
        ]
        constraints = [
            models.CheckConstraint(condition=ONCE | BY_RULE, name="mw_freeze_once_or_by_rule"),
            models.CheckConstraint(
                condition=Q(starts_at=None) | Q(ends_at__gt=F("starts_at")),
                name="mw_freeze_end_after_start",
            ),
            models.CheckConstraint(
                condition=readable(
                    ["starts_at", "ends_at", "ended_at", "created_at"], dates=["starts_on"]
                ),
                name="mw_freeze_readable",
            ),
        ]

    def __str__(self) -> str:
        return self.reason

    def recurrence(self) -> Recurrence | None:
        """Return the recurrence, or None for a freeze that is once. Raises RuleError."""
        if self.starts_on is None or self.start_time is None or self.length is None:
            return None
        return Recurrence(
            rule=Rule.parse(self.rule),
            start=datetime.combine(self.starts_on, self.start_time),
            zone=zone(self.zone),
            length=self.length,
            excluded=dates(self.excluded),
        )

    def words(self) -> str:
        """Return the rule in words, in the active language; nothing for a freeze that is once."""
        try:
            recurrence = self.recurrence()
        except RuleError:
            return self.rule  # written with SQL
        return format_recurrence(recurrence) if recurrence else ""

    def freezing(self, sites: frozenset[int]) -> Freezing:
        """Return the freeze with the ids of its sites as the rules of time see it.

        Raises RuleError.
        """
        when = self.recurrence() or Span(self.starts_at or self.created_at, self.ends_at)
        return Freezing(
            id=self.pk,
            reason=self.reason,
            sites=None if self.everywhere else sites,
            when=when,
            ended_at=self.ended_at,
        )

    def content(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.CONTENT)
