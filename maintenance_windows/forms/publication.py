"""When a window becomes public, and how early the banner announces it."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from maintenance_windows.exceptions import Refused
from maintenance_windows.forms.fields import DurationField, MomentField, MomentWidget
from maintenance_windows.models.base import LEAD_HELP, PUBLISHED_HELP
from maintenance_windows.planning import rules
from maintenance_windows.snapshot import clock

PUBLICATION = ("published_at", "banner_lead")
NONE = timedelta(0)


class LeadField(DurationField):
    """A duration; 0 means that no banner appears beforehand."""

    def to_python(self, value: Any) -> Any:
        if value == NONE or (isinstance(value, str) and value.strip() in {"0", "0m", "0h"}):
            return NONE
        return super().to_python(value)

    def prepare_value(self, value: Any) -> Any:
        return "0" if value == NONE else super().prepare_value(value)


class PublicationForm(forms.ModelForm):  # type: ignore[type-arg]
    """The fields of both forms. The time is in the zone of the other times, else the current."""

    published_at = MomentField(
        label=_("Public from"),
        required=False,
        widget=MomentWidget(_("Public from date"), _("Public from time")),
        help_text=PUBLISHED_HELP,
    )
    banner_lead = LeadField(label=_("Banner before the start"), required=False, help_text=LEAD_HELP)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "published_at" in self.fields:
            zone = getattr(self, "tz", timezone.get_current_timezone())
            self.fields["published_at"].widget.zone = zone

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.pk and "published_at" in {*self.changed_data} & cleaned.keys():
            stored, now = type(self.instance).objects.get(pk=self.instance.pk), clock.now()
            given, is_public = cleaned["published_at"], stored.is_public(now)
            try:
                rules.published(stored, given, now, is_public=is_public)
            except Refused as refusal:
                self.add_error("published_at", str(refusal))
        try:
            rules.check_lead(cleaned.get("banner_lead"))
        except Refused as refusal:
            self.add_error("banner_lead", str(refusal))
        return cleaned
