"""The history of flags, windows and recurring windows."""

from datetime import datetime

from django.contrib.sites.models import Site
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from maintenance_windows.core.state import Level
from maintenance_windows.models.base import ACTOR_LENGTH, LEVELS, REASON_LENGTH
from maintenance_windows.models.querysets import PrimaryQuerySet
from maintenance_windows.wording.spans import format_moment

# Ends the actor of a status change by the import, which does not take a site down twice.
IMPORTED = ", from django-maintenancemode-2"


class Transition(models.Model):
    """A status change: append-only. `actor` is empty if a window started or ended by itself."""

    site = models.ForeignKey(
        Site, models.CASCADE, related_name="maintenance_transitions", verbose_name=_("site")
    )
    in_maintenance = models.BooleanField(_("down"))
    # Of a site that went down. What changed it later, while it was down, is not recorded.
    level = models.CharField(
        _("level"),
        max_length=16,
        choices=LEVELS,
        default=Level.FULL.value,
        db_default=Level.FULL.value,
    )
    due_at = models.DateTimeField(_("scheduled for"))
    done_at = models.DateTimeField(_("time"))
    window = models.ForeignKey(
        "MaintenanceWindow",
        models.SET_NULL,
        null=True,
        related_name="transitions",
        verbose_name=_("window"),
    )
    actor = models.CharField(_("by"), max_length=ACTOR_LENGTH, blank=True)
    # The reason of the freeze in which somebody took the site down.
    freeze = models.CharField(
        _("freeze"), max_length=REASON_LENGTH, blank=True, default="", db_default=""
    )

    objects = PrimaryQuerySet.as_manager()

    class Meta:
        verbose_name = _("status change")
        verbose_name_plural = _("activity")
        indexes = [
            # Read by the admin's history, newest first, for all sites and for one.
            models.Index(fields=["-done_at", "-id"], name="mw_transition_newest"),
            models.Index(fields=["site", "-done_at"], name="mw_transition_site"),
        ]

    def __str__(self) -> str:
        text = gettext("%(site)s came up: %(time)s")
        if self.in_maintenance:
            text = gettext("%(site)s went down: %(time)s")
        if self.in_maintenance and self.level == Level.READ_ONLY:
            text = gettext("%(site)s became read-only: %(time)s")
        return text % {"site": self.site, "time": _here(self.done_at)}

    @property
    def why(self) -> str:
        """The cause, in the active language."""
        if self.window_id is None:
            texts = gettext("taken down manually"), gettext("brought up manually")
        elif self.actor:
            texts = gettext("window %(id)s was started"), gettext("window %(id)s was ended")
        else:
            texts = (
                gettext("window %(id)s started as scheduled"),
                gettext("window %(id)s ended as scheduled"),
            )
        text = texts[0 if self.in_maintenance else 1] % {"id": self.window_id}
        if not self.freeze:
            return text
        return gettext("%(why)s, during a freeze: %(reason)s") % {
            "why": text,
            "reason": self.freeze,
        }


class Change(models.Model):
    """One change of a window or of a recurring window: append-only.

    `changes` maps each fact that changed to its old and its new value.
    """

    window = models.ForeignKey(
        "MaintenanceWindow",
        models.CASCADE,
        null=True,
        related_name="changes_made",
        verbose_name=_("window"),
    )
    series = models.ForeignKey(
        "WindowSeries",
        models.CASCADE,
        null=True,
        related_name="changes_made",
        verbose_name=_("recurring window"),
    )
    at = models.DateTimeField(_("at"))
    actor = models.CharField(_("by"), max_length=ACTOR_LENGTH, blank=True)
    changes = models.JSONField(_("changes"), encoder=DjangoJSONEncoder)

    objects = PrimaryQuerySet.as_manager()

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        constraints = [
            models.CheckConstraint(
                condition=Q(window=None) ^ Q(series=None), name="mw_change_of_one"
            ),
        ]

    def __str__(self) -> str:
        return f"{_here(self.at)} {', '.join(self.changes)}"


def _here(moment: datetime) -> str:
    return format_moment(moment, timezone.get_current_timezone(), timezone.now())
