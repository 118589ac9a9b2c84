"""A form whose start and end are in a time zone that the person chooses."""

from datetime import tzinfo
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from maintenance_windows.forms.fields import ZoneSelect, zone_choices
from maintenance_windows.models.series import zone, zones


class ZonedForm(forms.ModelForm):  # type: ignore[type-arg]
    """`tz` is the chosen time zone."""

    tz: tzinfo

    zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=zone_choices,
        widget=ZoneSelect,
        help_text=_("The time zone of start and end."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"zone": known_zone()} | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        chosen = self.data.get(self.add_prefix("zone")) if self.is_bound else self.initial["zone"]
        self.tz = zone(known_zone(chosen))
        for name in {"starts_at", "ends_at"} & set(self.fields):
            self.fields[name].widget.zone = self.tz

    def full_clean(self) -> None:
        """Read start and end in the chosen time zone."""
        with timezone.override(self.tz):
            super().full_clean()


def known_zone(name: str | None = None) -> str:
    """The name, or else that of the current or of the default time zone, as IANA knows it."""
    names = (name, str(timezone.get_current_timezone()))
    return next((name for name in names if name in zones()), str(timezone.get_default_timezone()))
