"""Start and end of windows in forms, and the form that changes one window."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from maintenance_windows.core.intervals import Span
from maintenance_windows.exceptions import Refused, RefusedStart
from maintenance_windows.forms.base import ChangedFieldsForm
from maintenance_windows.forms.fields import DurationField
from maintenance_windows.forms.moments import MomentField, MomentWidget
from maintenance_windows.forms.publication import PublicationForm
from maintenance_windows.forms.starting import StartingForm
from maintenance_windows.forms.zoned import ZonedForm
from maintenance_windows.models import REASON_LENGTH, MaintenanceWindow
from maintenance_windows.planning import rules
from maintenance_windows.planning.admission import Terms, admit_change, admit_new
from maintenance_windows.snapshot import clock

TIMES = ("starts_at", "ends_at", "length")
TERMS = ("start_now", "override")
# By the field, the fields that give it another meaning.
MEANT = {"starts_at": {"zone"}, "ends_at": {"zone", "length"}, "published_at": {"zone"}}


class TimesForm(StartingForm, PublicationForm, ZonedForm):
    """A form with start and end, or duration. `span` has them if they are possible."""

    span: Span | None = None

    starts_at = MomentField(label=_("Start"), widget=MomentWidget(_("Start date"), _("Start time")))
    ends_at = MomentField(
        label=_("End"), required=False, widget=MomentWidget(_("End date"), _("End time"))
    )
    length = DurationField(
        label=_("or duration"),
        required=False,
        help_text=_("For example 30m, 2h, 1h30m or 1d. Exact, even across DST changes."),
    )
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

    def check_end(self) -> bool:
        """Whether there is either an end or a duration."""
        if not {"ends_at", "length"} & set(self.errors):
            ends_at, length = (self.cleaned_data.get(name) for name in ("ends_at", "length"))
            if not (ends_at or length):
                text = _("Enter an end or a duration.")
                self.add_error("ends_at", ValidationError(text, code="required"))
            elif ends_at and length:
                self.add_error("ends_at", _("Enter an end or a duration, not both."))
        return not {"ends_at", "length"} & set(self.errors)

    def check_times(self, starts_at: datetime, window: MaintenanceWindow | None = None) -> None:
        """Set `span` to the times of a new window, or of `window`, and `ends_at` to its end.

        What is wrong becomes an error of the field that is wrong.
        """
        given = {name: self.cleaned_data[name] for name in TERMS if name in self.cleaned_data}
        now, terms = clock.now(), Terms(rights=self.rights, **given)
        length = self.cleaned_data.get("length")
        wrong = "length" if length else "ends_at"
        begun = window.started_at if window else None  # by hand, it may be before its time
        try:
            ends_at = (
                rules.add(begun or starts_at, length) if length else self.cleaned_data["ends_at"]
            )
            self.cleaned_data["ends_at"] = ends_at
            if window:
                admitted = admit_change(window, starts_at, ends_at, now, terms)
                if begun:
                    self.cleaned_data["starts_at"] = admitted.starts_at
            else:
                wrong = "starts_at" if length else "ends_at"  # it is too early, or too late
                rules.check_times(starts_at, ends_at, now)
                wrong = "starts_at"  # it meets a freeze
                sites = self.cleaned_data.get("sites", ())
                admitted = admit_new(sites, starts_at, ends_at, now, terms)
        except RefusedStart as refusal:
            self.refuse_start("starts_at", refusal)
        except Refused as refusal:
            self.add_error(wrong, str(refusal))
        else:
            self.span = Span(begun or admitted.starts_at, admitted.ends_at)


class WindowForm(TimesForm, ChangedFieldsForm):
    """Changes one window.

    The page shows its times in the current time zone: the one that somebody chose when they
    scheduled it is not stored.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.page_tz = timezone.get_current_timezone()

    @cached_property
    def typed(self) -> list[str]:
        """The fields that differ from the page as it was shown."""
        changed: Any = forms.ModelForm.changed_data
        found: list[str] = changed.func(self)
        return found

    @cached_property
    def changed_data(self) -> list[str]:
        """In another zone the same local times are other times, and a duration changes the end.

        A window that is public stays so.
        """
        typed = set(self.typed)
        meant = MEANT.keys() - ({"published_at"} if self.instance.is_public(clock.now()) else set())
        implied = [name for name in MEANT if name in meant and MEANT[name] & typed]
        return [
            *self.typed,
            *(name for name in implied if name not in typed and self.has_value(name)),
        ]

    def moved(self) -> bool:
        """Whether a time that this person left alone is no longer stored as it was shown.

        Together with what they typed it would make times that nobody wants. The end does not matter
        beside a duration.
        """
        kept = {"starts_at", "ends_at"} - {*self.typed} & self.fields.keys()
        if "length" in self.typed:
            kept -= {"ends_at"}
        with timezone.override(self.page_tz):
            return any(
                self.fields[name].has_changed(
                    getattr(self.stored, name).replace(microsecond=0), self.shown(name)
                )
                for name in kept
            )

    def has_value(self, name: str) -> bool:
        return name in self.fields and any(self[name].data)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "length" in self.typed and "ends_at" not in self.typed:
            self.errors.pop("ends_at", None)
            cleaned["ends_at"] = None  # the end that the page showed
        if (typed := [name for name in ("zone", *TIMES) if name in self.typed]) and self.moved():
            text = _("Someone else has changed the times: open the page again.")
            self.add_error(typed[0], text)
        starts_at = cleaned.get("starts_at", self.instance.starts_at)
        if self.check_end() and starts_at and "starts_at" not in self.errors:
            self.check_times(starts_at, self.stored)
        return cleaned

    def changes(self) -> dict[str, Any]:
        """The fields of the window that this person changed, with their new values."""
        names = set(self.changed_data) - {"zone", "length"}
        return {name: self.cleaned_data[name] for name in names}
