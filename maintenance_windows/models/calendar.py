"""Personal keys for the calendar of all sites."""

import hashlib
import secrets
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from maintenance_windows.models.querysets import PrimaryQuerySet
from maintenance_windows.permissions import may_see_all_windows


class CalendarToken(models.Model):
    """The digest of the key in a user's calendar address. Deleting the row revokes the key."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        primary_key=True,
        related_name="maintenance_calendar",
        verbose_name=_("user"),
    )
    digest = models.CharField(_("digest"), max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = PrimaryQuerySet.as_manager()

    class Meta:
        verbose_name = _("calendar URL")
        verbose_name_plural = _("calendar URLs")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.user)

    @staticmethod
    def digest_of(key: str) -> str:
        return hashlib.sha256(key.encode()).hexdigest()

    @classmethod
    def renew(cls, user: Any) -> str:
        """Replace the user's key and return the new one, of which only the digest is stored."""
        key = secrets.token_urlsafe(24)
        given = {"digest": cls.digest_of(key), "created_at": timezone.now()}
        cls.objects.update_or_create(user=user, defaults=given)
        return key

    @classmethod
    def admits(cls, key: str) -> bool:
        """Return whether this key belongs to a user who may still see all windows."""
        found = cls.objects.select_related("user").filter(digest=cls.digest_of(key)).first()
        return found is not None and may_see_all_windows(found.user)
