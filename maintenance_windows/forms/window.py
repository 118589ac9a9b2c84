"""A window's form: it refuses what the verbs would refuse, before anything is written."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from maintenance_windows.core.intervals import Span
from maintenance_windows.exceptions import Refused
from maintenance_windows.forms.editing import ChangesOnly
from maintenance_windows.forms.fields import MomentField
from maintenance_windows.forms.preview import Previewed
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.planning import rules


class WindowForm(Previewed, ChangesOnly):
    """Of a window that there is. Its times are in the current time zone, whatever was chosen when
    it was planned: what somebody else changed meanwhile is told by the times as they were shown.
    """

    starts_at = MomentField(label=_("Start"))
    ends_at = MomentField(label=_("End"))

    class Meta:
        model = MaintenanceWindow
        fields = ("starts_at", "ends_at", "level", "title", "message")

    others = MaintenanceWindow.TEXTS
    may_operate = True  # else a start must lie ahead

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.span: Span | None = None
        self.tz = timezone.get_current_timezone()
        for name in {"starts_at", "ends_at"} & set(self.fields):
            self.fields[name].help_text = _("In the time zone %(zone)s.") % {"zone": self.tz}

    def clean(self) -> dict[str, Any]:
        """Leaves in `span` the times that are asked for, where that is possible."""
        cleaned = super().clean()
        starts_at = cleaned.get("starts_at", self.instance.starts_at)
        ends_at = cleaned.get("ends_at")
        if starts_at and ends_at:
            try:
                now = timezone.now()
                rules.check_move(self.stored, starts_at, ends_at, now)
                if not self.may_operate:
                    rules.check_ahead(starts_at, now)
            except Refused as refusal:
                self.add_error("ends_at", str(refusal))
            else:
                self.span = Span(starts_at, ends_at)
        return cleaned
