"""A series' form: the rule from plain fields, or as RFC 5545 writes it."""

from datetime import time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from maintenance_windows.core.rrule import LONGEST, MOST, Frequency, Rule
from maintenance_windows.core.rrule import WEEKDAYS as CODES
from maintenance_windows.exceptions import Refused, RuleError
from maintenance_windows.forms.base import ChangesOnly, Previewed
from maintenance_windows.forms.fields import DatesField, LengthField, LongSelect, zone_choices
from maintenance_windows.models import WindowSeries
from maintenance_windows.planning import series as verbs

AS_RULE = "rule"
UNITS = [
    (Frequency.DAILY.value, _("days")),
    (Frequency.WEEKLY.value, _("weeks")),
    (Frequency.MONTHLY.value, _("months")),
    (AS_RULE, _("by the RFC 5545 rule below")),
]
SAME_DAY, LAST_DAY, WEEKDAY = "same", "last", "weekday"
MONTHLY = [
    (SAME_DAY, _("the same day as the first")),
    (LAST_DAY, _("the last day")),
    (WEEKDAY, _("a weekday, as chosen here:")),
]
ORDINALS = [
    (1, _("first")),
    (2, _("second")),
    (3, _("third")),
    (4, _("fourth")),
    (5, _("fifth")),
    (-1, _("last")),
]
DAYS = [(code, WEEKDAYS[number]) for number, code in enumerate(CODES)]
# The browser's own: the admin's would compare these with the clock of the server's zone.
DAY = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
TIME = forms.TimeInput(format="%H:%M:%S", attrs={"type": "time"})
DEFAULTS = {"INTERVAL=1", "WKST=MO"}
BUILDER = ("every", "unit", "weekdays", "monthly", "nth", "nth_weekday", "until", "rule")


# Fields that mean nothing but with one unit. The page hides them; without scripts they are there.
MISPLACED = (
    ("weekdays", Frequency.WEEKLY.value, _("Weekdays go with weeks alone.")),
    ("rule", AS_RULE, _("To use this rule, choose it beside “Every”.")),
)
# What a preview does not need.
OTHERS = {"site", *WindowSeries.TEXTS}


class SeriesForm(Previewed, ChangesOnly):
    zone = forms.ChoiceField(label=_("Time zone"), choices=zone_choices, widget=LongSelect)
    length = LengthField(label=_("Length"), help_text=_("Of each window: 30m, 2h, 1h30m or 2d."))
    every = forms.IntegerField(
        label=_("Every"), min_value=1, max_value=MOST, initial=1, required=False
    )
    unit = forms.ChoiceField(label=_("Unit"), choices=UNITS, initial=Frequency.WEEKLY.value)
    weekdays = forms.MultipleChoiceField(
        label=_("On"),
        choices=DAYS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None means the weekday of the first day."),
    )
    monthly = forms.ChoiceField(label=_("On"), choices=MONTHLY, initial=SAME_DAY, required=False)
    nth = forms.TypedChoiceField(
        label=_("The"), choices=ORDINALS, coerce=int, initial=1, required=False
    )
    nth_weekday = forms.ChoiceField(label=_("weekday"), choices=DAYS, initial="SU", required=False)
    until = forms.DateField(
        label=_("Until"),
        required=False,
        widget=DAY,
        help_text=_("The last day on which one may start; empty goes on until you end the series."),
    )
    rule = forms.CharField(
        label=_("Rule"),
        required=False,
        max_length=LONGEST,
        widget=forms.TextInput(attrs={"class": "vLargeTextField"}),
        help_text=_("For those who know RFC 5545: FREQ=MONTHLY;BYDAY=2TU;COUNT=12"),
    )
    excluded = DatesField(
        label=_("Leave out"),
        required=False,
        help_text=_("Days without a window: 2026-12-27, 2027-01-03."),
    )

    class Meta:
        model = WindowSeries
        fields = (
            "site",
            "starts_on",
            "start_time",
            "zone",
            "length",
            "rule",
            "excluded",
            "level",
            "title",
            "message",
        )
        widgets = {"starts_on": DAY, "start_time": TIME}
        help_texts = {
            "starts_on": _("The rule counts from this day, also if it is in the past."),
            "start_time": _(
                "By the clock of the time zone. Where the clock skips it, the window starts as"
                " much later; where the clock shows it twice, the first time. The length is exact."
            ),
        }

    others = OTHERS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        instance = kwargs.get("instance")
        rule = instance.rule if instance else ""
        plain = plain_fields(rule) if rule else {"zone": str(timezone.get_current_timezone())}
        kwargs["initial"] = plain | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        field = self.fields.get("zone")
        if isinstance(field, forms.ChoiceField) and instance and instance.zone:
            stored = (instance.zone, instance.zone)
            # One that is no more is refused by name when it is saved, and not replaced.
            field.choices = list(dict.fromkeys([*zone_choices(), stored]))

    def was_shown(self, name: str) -> bool:
        """What builds the rule was shown as one; boxes that nobody checks leave no trace."""
        return super().was_shown("unit" if name in BUILDER else name)

    def clean(self) -> dict[str, Any]:
        """Leaves in `series` what is asked for, as a series of its own, where that is possible."""
        cleaned = super().clean()
        self.series: WindowSeries | None = None
        if not set(BUILDER) & set(self.errors):
            self.settle_rule(cleaned)
        if not set(self.errors) - OTHERS:
            values = {name: cleaned[name] for name in SeriesForm.Meta.fields if name in cleaned}
            values.pop("site", None)
            asked = WindowSeries(pk=self.instance.pk, **values)
            try:
                verbs.check(asked, timezone.now())
            except Refused as refusal:
                raise ValidationError(str(refusal), code="refused") from None
            self.series = asked
        return cleaned

    def settle_rule(self, cleaned: dict[str, Any]) -> None:
        """The rule that the page says; where that is not what it said before, the person did it."""
        as_sent = {name: self.cleaned_data.get(name) for name in BUILDER}
        as_sent["rule"] = self["rule"].data or ""  # not what somebody else made of it since
        for name, unit, sentence in MISPLACED:
            wanted = as_sent["unit"] == unit
            if as_sent[name] and not wanted and name in self.changed_data:
                self.add_error(name, sentence)
        if as_sent["unit"] == AS_RULE and as_sent["until"] and "until" in self.changed_data:
            self.add_error("until", _("Put UNTIL into the rule."))
        cleaned["rule"] = as_rule(as_sent)
        if self.instance.pk:
            shown = self.data.get(self.add_prefix("initial-rule"), self.stored.rule)
            if said(cleaned["rule"]) == said(shown):
                cleaned["rule"] = self.stored.rule
            elif shown != self.stored.rule:
                text = _("Somebody else has changed the rule to %(rule)s: look at it again.")
                self.add_error("unit", text % {"rule": self.stored.rule})

    def changes(self) -> dict[str, Any]:
        """The fields of the series that this person changed, with their new values."""
        names = set(self.changed_data) - set(BUILDER)
        changed = {name: self.cleaned_data[name] for name in names}
        rule = self.cleaned_data["rule"]
        return changed | ({"rule": rule} if rule != self.stored.rule else {})


def as_rule(fields: dict[str, Any]) -> str:
    """The rule that the plain fields say, or the one that was typed."""
    unit = fields["unit"]
    if unit == AS_RULE:
        return str(fields["rule"])
    parts = [f"FREQ={unit}"]
    if (fields["every"] or 1) > 1:
        parts.append(f"INTERVAL={fields['every']}")
    if unit == Frequency.WEEKLY and fields["weekdays"]:
        parts.append(f"BYDAY={','.join(fields['weekdays'])}")
    if unit == Frequency.MONTHLY and fields["monthly"] == LAST_DAY:
        parts.append("BYMONTHDAY=-1")
    if unit == Frequency.MONTHLY and fields["monthly"] == WEEKDAY:
        parts.append(f"BYDAY={fields['nth'] or 1}{fields['nth_weekday'] or 'SU'}")
    if fields["until"]:
        parts.append(f"UNTIL={fields['until'].isoformat().replace('-', '')}")
    return ";".join(parts)


def plain_fields(text: str) -> dict[str, Any]:
    """The plain fields that say this rule; where they cannot, that it is typed."""
    typed = {"unit": AS_RULE}
    try:
        rule = Rule.parse(text)
    except RuleError:
        return typed
    fields: dict[str, Any] = {"unit": rule.frequency.value, "every": rule.interval}
    if rule.until and rule.until.time() == time.max:
        fields["until"] = rule.until.date()
    match rule.frequency:
        case Frequency.WEEKLY:
            fields["weekdays"] = [CODES[day] for _nth, day in rule.by_day]
        case Frequency.MONTHLY if rule.by_month_day == (-1,):
            fields["monthly"] = LAST_DAY
        case Frequency.MONTHLY if rule.by_day:
            fields["monthly"] = WEEKDAY
            fields["nth"], day = rule.by_day[0]
            fields["nth_weekday"] = CODES[day]
    whole = {name: field.initial for name, field in SeriesForm.base_fields.items()} | fields
    # What the fields cannot say they would lose.
    sayable = whole["nth"] in dict(ORDINALS) and said(text) == said(as_rule(whole))
    return fields if sayable else typed


def said(rule: str) -> set[str]:
    """The parts of a rule, whatever their order, without those that go without saying."""
    return {*rule.strip().upper().removeprefix("RRULE:").split(";")} - DEFAULTS
