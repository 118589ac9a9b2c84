"""Forms that refuse what the verbs would refuse, before anything is written."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from maintenance_windows import rules
from maintenance_windows.models import MaintenanceWindow, SiteMaintenance
from maintenance_windows.rules import Refused
from maintenance_windows.timeline import AmbiguousTime, from_local


class MomentField(forms.SplitDateTimeField):
    """A time in the current time zone; one that it skips or repeats is refused by name."""

    widget = AdminSplitDateTime

    def compress(self, data_list: Any) -> datetime | None:
        try:
            return super().compress(data_list)
        except ValidationError:
            try:
                from_local(datetime.combine(*data_list), timezone.get_current_timezone())
            except AmbiguousTime as error:
                raise ValidationError(str(error), code="ambiguous_timezone") from None
            raise


class ChangesOnly(forms.ModelForm):  # type: ignore[type-arg]
    """Changes what the person changed, as compared with the page that the person saw.

    What others did meanwhile stays: a title that is saved at 03:00 does not take back the end
    that was extended at 02:59.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            for name, field in list(self.fields.items()):
                field.show_hidden_initial = True
                field.disabled = self.is_bound and not self._was_shown(name)

    def _was_shown(self, name: str) -> bool:
        """Whether the page that was sent had the field; it may have been read-only then."""
        keys = (name, f"{name}_0", f"initial-{name}", f"initial-{name}_0")
        return any(self.add_prefix(key) in self.data for key in keys)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.pk:
            self.stored = type(self.instance).objects.get(pk=self.instance.pk)
            untouched = set(self.fields) - set(self.changed_data)
            for name in untouched & set(self.errors):
                del self.errors[name]  # such as a time that could be legal only with an offset
            cleaned |= {name: getattr(self.stored, name) for name in untouched}
        return cleaned


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
