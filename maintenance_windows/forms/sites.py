"""The forms of a site: the buttons of the overview, the bypass links, and its own page."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.sites.models import Site
from django.utils.translation import gettext_lazy as _

from maintenance_windows.core.state import Level
from maintenance_windows.forms.base import ChangedFieldsForm
from maintenance_windows.forms.fields import DurationField
from maintenance_windows.models import IgnoredURL, MaintenanceWindow, SiteMaintenance
from maintenance_windows.models.base import LEVELS
from maintenance_windows.models.site import REPEATED

MINUTES = (15, 30, 60)
# Of the form that takes a site down, which proposes none of them.
OPEN = "open"
LENGTHS = [
    ("15m", _("15 min")),
    ("30m", _("30 min")),
    ("1h", _("60 min")),
    (OPEN, _("until I bring it up")),
]
VERBS = [(verb, verb) for verb in ("down", "up", "extend")]


class LengthField(DurationField):
    """A duration, or OPEN."""

    def to_python(self, value: Any) -> Any:
        return value if value == OPEN else super().to_python(value)


class OperateForm(forms.Form):
    """A form of the overview: one for each verb and site."""

    verb = forms.ChoiceField(choices=VERBS, error_messages={"required": _("Choose an action.")})
    site = forms.ModelChoiceField(Site.objects.all())
    length = LengthField(required=False)
    level = forms.ChoiceField(choices=LEVELS, required=False)
    message = forms.CharField(required=False)
    # The mark of the site as the page showed it: see planning.standing.
    shown = forms.CharField(required=False)
    minutes = forms.TypedChoiceField(
        choices=[(number, number) for number in MINUTES],
        coerce=lambda number: timedelta(minutes=int(number)),
        required=False,
        empty_value=None,
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            if cleaned["verb"] == "down" and not cleaned["length"]:
                self.add_error("length", _("Choose for how long."))
            if cleaned["verb"] == "extend" and not cleaned["minutes"]:
                self.add_error("minutes", _("Choose for how long."))
        cleaned["level"] = Level(cleaned.get("level") or Level.FULL)
        return cleaned


class LinkForm(forms.Form):
    length = DurationField(
        label=_("Valid for"),
        required=False,
        help_text=_("For example 30m, 2h or 1d. Leave empty to expire when the maintenance ends."),
    )


class IgnoredURLFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    def clean(self) -> None:
        """Refuse patterns that the site has already; Django checks no constraint with its parent.

        Rows that this formset deletes or changes do not count.
        """
        super().clean()
        changed = [form for form in self.forms if form.has_changed()]
        own = [form.instance.pk for form in changed if form.instance.pk]
        others = IgnoredURL.objects.filter(maintenance=self.instance.pk).exclude(pk__in=own)
        for form in changed:
            content = {name: form.cleaned_data.get(name) for name in ("kind", "pattern")}
            if form not in self.deleted_forms and others.filter(**content).exists():
                form.add_error("pattern", REPEATED)


class SiteForm(ChangedFieldsForm):
    """The page of a site, whose instance has the state that visitors see.

    Level and message are those of the hold. While there is none, the page offers neither: a script
    does as soon as the box is checked. What a browser does not offer it does not send.
    """

    in_maintenance = forms.BooleanField(
        label=_("Down"),
        required=False,
        help_text=_("Takes the site down until you clear this box. To set an end, add a window."),
    )

    class Meta:
        model = SiteMaintenance
        fields = ("in_maintenance", "level", "message")

    OF_HOLD = ("level", "message")
    # The windows in progress, which the box would end.
    in_progress: Sequence[MaintenanceWindow] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.fields.keys() >= set(self.OF_HOLD):  # readers get neither
            self.explain()

    def explain(self) -> None:
        """Say what the box does now, and offer only what can be changed now."""
        if self.in_progress and self.instance.in_maintenance:
            text = _("Clear this box to bring the site up now. This also ends window %(windows)s.")
            ids = ", ".join(str(window.pk) for window in self.in_progress)
            self.fields["in_maintenance"].help_text = text % {"windows": ids}
        if self.instance.held:
            return
        for name in self.OF_HOLD:
            field = self.fields[name]
            field.widget.attrs["disabled"] = True
            field.help_text = _("Applies only while the site is held down.")
            if self.is_bound and self.add_prefix(name) not in self.data:
                field.disabled = True
        if not self.instance.in_maintenance:
            self.fields["in_maintenance"].widget.attrs["data-enables"] = " ".join(
                f"id_{self.add_prefix(name)}" for name in self.OF_HOLD
            )

    def clean(self) -> dict[str, Any]:
        sent = dict(self.cleaned_data)
        cleaned = super().clean()
        changed = set(self.changed_data)
        if "in_maintenance" in changed:
            # The whole page counts, whatever a window has written meanwhile.
            return cleaned | sent
        for name in changed.intersection(self.OF_HOLD):
            if not self.instance.held:
                self.add_error(name, _("Applies only while the site is held down."))
        return cleaned | {"in_maintenance": self.instance.in_maintenance}
