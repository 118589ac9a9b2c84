"""The bypass links that were made: who has one, and until when."""

from django.contrib.sites.models import Site
from django.db import models
from django.utils.translation import gettext_lazy as _

from maintenance_windows.models.base import ACTOR_LENGTH
from maintenance_windows.models.querysets import PrimaryQuerySet
from maintenance_windows.models.times import readable


class BypassLink(models.Model):
    """A note of a link, for the list of live ones. A request asks the link itself, not this row.

    It has everything that the token says, but not the token: nobody can make the link from it.
    """

    site = models.ForeignKey(
        Site, models.CASCADE, related_name="maintenance_bypass_links", verbose_name=_("site")
    )
    # That of SiteMaintenance.bypass when the link was made.
    generation = models.PositiveBigIntegerField()
    during = models.DateTimeField()
    made_at = models.DateTimeField(_("created"))
    made_by = models.CharField(_("created by"), max_length=ACTOR_LENGTH, blank=True)
    ends_at = models.DateTimeField(_("valid until"), null=True)

    objects = PrimaryQuerySet.as_manager()

    class Meta:
        verbose_name = _("bypass link")
        verbose_name_plural = _("bypass links")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=readable(["during", "made_at", "ends_at"]), name="mw_bypass_readable"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site} {self.pk}"
