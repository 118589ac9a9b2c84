"""Start and end of windows in forms, and the form that changes one window."""

from datetime import datetime, tzinfo
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from maintenance_windows.core.intervals import Span
from maintenance_windows.exceptions import Refused, RefusedStart
from maintenance_windows.forms.base import ChangedFieldsForm
from maintenance_windows.forms.moments import MomentField, MomentWidget
from maintenance_windows.forms.publication import PublicationForm
from maintenance_windows.forms.starting import StartingForm
from maintenance_windows.models import REASON_LENGTH, MaintenanceWindow
from maintenance_windows.planning import rules
from maintenance_windows.planning.admission import Terms, admit_change, admit_new
from maintenance_windows.snapshot import clock

TIMES = ("starts_at", "ends_at", "length")
TERMS = ("start_now", "override")


class TimesForm(StartingForm, PublicationForm):
    """A form with start and end. `span` has them if they are possible, `tz` is their time zone."""

    span: Span | None = None
    tz: tzinfo

    override = forms.CharField(
        label=_("Override a freeze"),
        required=False,
        max_length=REASON_LENGTH,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=_("The reason for planning into a freeze. The history keeps it."),
    )

    class Meta:
        model = MaintenanceWindow
        fields = ("starts_at", "ends_at", *MaintenanceWindow.TEXTS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.rights.freeze:
            del self.fields["override"]

    def end_field(self) -> str:
        """The field that is wrong where the end is."""
        return "ends_at"

    def check_times(
        self, starts_at: datetime, ends_at: datetime, window: MaintenanceWindow | None = None
    ) -> None:
        """Set `span` to the times of a new window, or of `window`.

        What is wrong becomes an error of the field that is wrong.
        """
        given = {name: self.cleaned_data[name] for name in TERMS if name in self.cleaned_data}
        now, terms = clock.now(), Terms(rights=self.rights, **given)
        wrong = self.end_field()
        try:
            if window:
                admitted = admit_change(window, starts_at, ends_at, now, terms)
            else:
                rules.check_times(starts_at, ends_at, now)
                wrong = "starts_at"  # it meets a freeze
                sites = self.cleaned_data.get("sites", ())
                admitted = admit_new(sites, starts_at, ends_at, now, terms)
        except RefusedStart as refusal:
            self.refuse_start("starts_at", refusal)
        except Refused as refusal:
            self.add_error(wrong, str(refusal))
        else:
            self.span = Span(admitted.starts_at, admitted.ends_at)


class WindowForm(TimesForm, ChangedFieldsForm):
    """Changes one window. Its times are in the current time zone.

    The zone chosen when it was scheduled is not stored.
    """

    starts_at = MomentField(label=_("Start"), widget=MomentWidget(_("Start date"), _("Start time")))
    ends_at = MomentField(label=_("End"), widget=MomentWidget(_("End date"), _("End time")))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tz = timezone.get_current_timezone()
        for name in {"starts_at", "ends_at"} & set(self.fields):
            self.fields[name].widget.zone = self.tz

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        starts_at = cleaned.get("starts_at", self.instance.starts_at)
        if starts_at and (ends_at := cleaned.get("ends_at")):
            self.check_times(starts_at, ends_at, self.stored)
        return cleaned
