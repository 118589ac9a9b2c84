"""A window's form: it refuses what the verbs would refuse, before anything is written."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from maintenance_windows import rules
from maintenance_windows.forms.editing import ChangesOnly
from maintenance_windows.forms.fields import MomentField
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.rules import Refused


class WindowForm(ChangesOnly):
    starts_at = MomentField(label=_("Start"))
    ends_at = MomentField(label=_("End"))

    class Meta:
        model = MaintenanceWindow
        fields = ("site", "starts_at", "ends_at", "level", "title", "message")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in {"starts_at", "ends_at"} & set(self.fields):
            self.fields[name].help_text = _("In the time zone %(zone)s.") % {
                "zone": timezone.get_current_timezone_name()
            }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        window = self.instance
        starts_at = cleaned.get("starts_at", window.starts_at if window.pk else None)
        ends_at = cleaned.get("ends_at")
        if starts_at and ends_at:
            try:
                if window.pk:
                    rules.check_move(self.stored, starts_at, ends_at, timezone.now())
                else:
                    rules.check_times(starts_at, ends_at, timezone.now())
            except Refused as refusal:
                self.add_error("ends_at", str(refusal))
        return cleaned
