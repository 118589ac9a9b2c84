"""The fields that windows and recurring windows share."""

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from maintenance_windows.core.state import Level

ACTOR_LENGTH = 254  # as long as an email address; longer names are cut
TITLE_LENGTH = 200
REASON_LENGTH = 200
LEVELS = [(Level.FULL.value, _("Maintenance page")), (Level.READ_ONLY.value, _("Read-only"))]
MESSAGE_HELP = _(
    "Shown to visitors during maintenance. Addresses become links. To add another language, start "
    "a line with its code: [de]"
)
LEVEL_HELP = _(
    "What visitors get. Read-only lets them browse the site, but not change anything: only GET, "
    "HEAD and OPTIONS requests pass."
)
MOST_LEAD = timedelta(days=7)  # the snapshot reads no farther ahead
PUBLISHED_HELP = _(
    "Until then only staff see it. Leave empty to publish it at once. It takes place in any case, "
    "and is public once it has started."
)
LEAD_HELP = _(
    "How long before the start the banner announces it, for example 24h, at most 7d; 0 for no "
    "banner before the start. Leave empty for the default."
)
# The times that windows and recurring windows share.
COMMON_TIMES = ("created_at", "changed_at", "retitled_at", "published_at")
# What events of the calendar do not show: to subscribers a change of it is none.
UNSEEN = frozenset({"title", "published_at", "banner_lead"})
# SQL can write others, which Python may not even read.
KNOWN_LEAD = Q(banner_lead=None) | Q(banner_lead__gte=timedelta(0), banner_lead__lte=MOST_LEAD)
KNOWN_LEVEL = Q(level__in=[level for level, _ in LEVELS])


class Planned(models.Model):
    """The level and texts of a maintenance, and who planned it."""

    level = models.CharField(
        _("level"), max_length=16, choices=LEVELS, default=Level.FULL.value, help_text=LEVEL_HELP
    )
    title = models.CharField(
        _("title"),
        max_length=TITLE_LENGTH,
        blank=True,
        help_text=_("Internal: never shown to visitors."),
    )
    message = models.TextField(_("message"), blank=True, help_text=MESSAGE_HELP)
    # When it became public, or will. None: when it was created. Never moved to before it is saved.
    published_at = models.DateTimeField(
        _("public from"), null=True, blank=True, help_text=PUBLISHED_HELP
    )
    banner_lead = models.DurationField(
        _("banner before the start"), null=True, blank=True, help_text=LEAD_HELP
    )
    created_by = models.CharField(
        _("created by"), max_length=ACTOR_LENGTH, blank=True, editable=False
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    # What subscribers of the calendar have seen: SEQUENCE, and when that changed which visitors
    # may see, and the title, which they may not. None: not since it was created.
    sequence = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    retitled_at = models.DateTimeField(null=True, blank=True, editable=False)

    # TEXTS: what a user may edit besides the times. FACTS: all fields whose changes are recorded.
    TEXTS = ("level", "title", "message", "published_at", "banner_lead")
    FACTS: tuple[str, ...] = TEXTS

    class Meta:
        abstract = True

    def facts(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.FACTS}

    def changes(self, before: dict[str, object]) -> dict[str, tuple[object, object]]:
        """Return the facts that differ from `before`, each with its old and new value."""
        after = self.facts()
        return {name: (old, after[name]) for name, old in before.items() if old != after[name]}
