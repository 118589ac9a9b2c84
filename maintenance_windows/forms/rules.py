"""The fields that make a recurrence rule, in every form that has one."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from maintenance_windows.core.rrule import MAX_RULE_LENGTH, MOST, Frequency
from maintenance_windows.forms import recurrence
from maintenance_windows.forms.fields import DATE_HINT, DatesField

BUILDER = {*recurrence.DEFAULTS, "rule"}  # the fields that make the rule
# Fields that only some units use. The page hides them elsewhere, but not without JavaScript.
USED_WITH = (
    ("weekdays", {Frequency.WEEKLY}, _("Weekdays can only be used with weeks.")),
    ("rule", {recurrence.AS_RULE}, _("To use this rule, choose “RFC 5545 rule” as the unit.")),
    ("until", set(Frequency), _("Add UNTIL to the rule instead.")),
)
# The browser's own input: the admin's would compare it with the clock of the server's zone.
DATE = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", **DATE_HINT})


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    every = forms.IntegerField(label=_("Every"), min_value=1, max_value=MOST, required=False)
    unit = forms.ChoiceField(label=_("Unit"), choices=recurrence.UNITS)
    weekdays = forms.MultipleChoiceField(
        label=_("On weekdays"),
        choices=recurrence.DAYS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("If none is selected, the weekday of the first day is used."),
    )
    monthly = forms.ChoiceField(
        label=_("Day of the month"), choices=recurrence.DAYS_OF_MONTH, required=False
    )
    nth = forms.TypedChoiceField(
        label=_("Which"), choices=recurrence.ORDINALS, coerce=int, required=False
    )
    nth_weekday = forms.ChoiceField(label=_("Weekday"), choices=recurrence.DAYS, required=False)
    days_after = forms.IntegerField(
        label=_("Days after it"),
        min_value=0,
        max_value=21,
        required=False,
        help_text=_("5 days after the second Tuesday: the Sunday after Microsoft's patch day."),
    )
    until = forms.DateField(
        label=_("Until"),
        required=False,
        widget=DATE,
        help_text=_(
            "The last day on which a window may start. Leave empty to repeat indefinitely."
        ),
    )
    rule = forms.CharField(
        label=_("Rule"),
        required=False,
        max_length=MAX_RULE_LENGTH,
        widget=forms.TextInput(attrs={"class": "vLargeTextField"}),
        help_text=_("An RFC 5545 rule, for example FREQ=MONTHLY;BYDAY=2TU;COUNT=12"),
    )
    excluded = DatesField(
        label=_("Skip dates"),
        required=False,
        help_text=_("Days without a window, for example 2026-12-27, 2027-01-03."),
    )

    def built_rule(self, sent: dict[str, Any]) -> str | None:
        """Return the rule that the fields say, or None. What contradicts becomes an error."""
        for name, units, sentence in USED_WITH:
            if sent[name] and sent["unit"] not in units and name in self.changed_data:
                self.add_error(name, sentence)
        if sent["unit"] == recurrence.AS_RULE and not sent["rule"]:
            text = _("Enter a rule, for example FREQ=WEEKLY;BYDAY=SU.")
            self.add_error("rule", ValidationError(text, code="required"))
            return None
        if (after := recurrence.day_after(sent)) and not after.is_in_every_month:
            text = _("In some months this day is in the next month: write a rule instead.")
            self.add_error("days_after", text)
            return None
        return recurrence.rule_from_fields(sent)
