"""The form that makes a freeze."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.sites.models import Site
from django.utils.translation import gettext_lazy as _

from maintenance_windows.core.rrule import MAX_RULE_LENGTH
from maintenance_windows.exceptions import Refused
from maintenance_windows.forms.moments import MomentField, MomentWidget
from maintenance_windows.forms.site_search import SitesField, SitesWidget
from maintenance_windows.forms.zoned import ZonedForm
from maintenance_windows.models import Freeze
from maintenance_windows.planning import freezes
from maintenance_windows.snapshot import clock


class FreezeForm(ZonedForm):
    admin_site = admin.site  # the one whose page this is; its search finds the sites

    everywhere = forms.BooleanField(
        label=_("All sites"), required=False, help_text=_("Also sites that are created later.")
    )
    sites = SitesField(label=_("Sites"), queryset=Site.objects.order_by("domain"), required=False)
    starts_at = MomentField(label=_("Start"), widget=MomentWidget(_("Start date"), _("Start time")))
    ends_at = MomentField(label=_("End"), widget=MomentWidget(_("End date"), _("End time")))
    rule = forms.CharField(
        label=_("Rule"),
        required=False,
        max_length=MAX_RULE_LENGTH,
        widget=forms.TextInput(attrs={"class": "vLargeTextField"}),
        help_text=_(
            "Leave empty for a freeze that happens once. Otherwise start and end are those of the"
            " first freeze, and an RFC 5545 rule repeats it, for example FREQ=YEARLY."
        ),
    )

    class Meta:
        model = Freeze
        fields = ("everywhere", "sites", "reason", "zone", "rule")
        help_texts = {"reason": _("Shown to people who plan, never to visitors.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sites: Any = self.fields["sites"]
        sites.widget = SitesWidget(Freeze.sites.field, self.admin_site)
        sites.widget.choices = sites.choices

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if bool(cleaned.get("everywhere")) == bool(cleaned.get("sites")) and not self.errors:
            self.add_error("sites", _("Select sites, or check “All sites”."))
        if not self.errors:
            try:
                freezes.check(freezes.planned(**self.values()), clock.now())
            except Refused as refusal:
                self.add_error("rule" if cleaned["rule"] else "ends_at", str(refusal))
        return cleaned

    def values(self) -> dict[str, Any]:
        """Return the arguments of the verb, except its sites."""
        names = ("starts_at", "ends_at", "reason", "rule")
        values = {name: self.cleaned_data[name] for name in names}
        return values | {"zone": str(self.tz) if values["rule"] else ""}

    def validate_constraints(self) -> None:
        """Skip those of the database: clean() has checked the same rules."""
