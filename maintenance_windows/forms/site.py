"""The switch of a site."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from maintenance_windows.forms.editing import ChangesOnly
from maintenance_windows.models import SiteMaintenance


class SiteForm(ChangesOnly):
    in_maintenance = forms.BooleanField(
        label=_("In Maintenance Mode"),
        required=False,
        help_text=_("Takes the site down until you switch it off; to plan an end, add a window."),
    )

    class Meta:
        model = SiteMaintenance
        fields = ("in_maintenance", "level", "message")

    def clean(self) -> dict[str, Any]:
        said = dict(self.cleaned_data)
        cleaned = super().clean()
        changed = set(self.changed_data)
        if "in_maintenance" in changed:
            # A hold is what the page says, whatever a window has written meanwhile.
            return cleaned | said
        for name in {"level", "message"} & changed:
            if not self.instance.held:
                self.add_error(name, _("Used only while the site is switched on by hand."))
        return cleaned | {"in_maintenance": self.instance.in_maintenance}
