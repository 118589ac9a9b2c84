"""The form of a recurring window: its rule is built from plain fields, or written as RFC 5545."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib.sites.models import Site
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from maintenance_windows.core.rrule import MAX_RULE_LENGTH, MOST, Frequency
from maintenance_windows.exceptions import Refused, RefusedStart
from maintenance_windows.forms import recurrence
from maintenance_windows.forms.base import NOT_PREVIEWED, ChangedFieldsForm
from maintenance_windows.forms.fields import (
    DATE_HINT,
    TIME_HINT,
    DatesField,
    DurationField,
    LongSelect,
    zone_choices,
)
from maintenance_windows.forms.publication import PublicationForm
from maintenance_windows.forms.starting import StartingForm
from maintenance_windows.models import WindowSeries
from maintenance_windows.planning import series as verbs
from maintenance_windows.snapshot import clock

FIELDS = ("starts_on", "start_time", "zone", "length", "rule", "excluded", *WindowSeries.TEXTS)
END = ("length", "end_time", "end_days")
BUILDER = {*recurrence.DEFAULTS, "rule"}  # the fields that make the rule
# Fields that only some units use. The page hides them elsewhere, but not without JavaScript.
USED_WITH = (
    ("weekdays", {Frequency.WEEKLY}, _("Weekdays can only be used with weeks.")),
    ("rule", {recurrence.AS_RULE}, _("To use this rule, choose “RFC 5545 rule” as the unit.")),
    ("until", set(Frequency), _("Add UNTIL to the rule instead.")),
)
# The browser's own inputs: the admin's would compare these with the clock of the server's zone.
DATE = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", **DATE_HINT})
TIME = forms.TimeInput(format="%H:%M:%S", attrs={"type": "time", **TIME_HINT})


class SeriesForm(StartingForm, PublicationForm, ChangedFieldsForm):
    """`series` is the recurring window that the form describes, not saved; None if invalid."""

    series: WindowSeries | None = None

    zone = forms.ChoiceField(label=_("Time zone"), choices=zone_choices, widget=LongSelect)
    length = DurationField(
        label=_("Duration"),
        required=False,
        help_text=_("The duration of each window, for example 30m, 2h, 1h30m or 2d."),
    )
    end_time = forms.TimeField(
        label=_("or end"),
        required=False,
        widget=TIME,
        help_text=_(
            "Local time at which each window ends, also across DST changes. If it is not later"
            " than the start, the window ends on the next day."
        ),
    )
    end_days = forms.IntegerField(label=_("Days later"), min_value=0, max_value=366, required=False)
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

    class Meta:
        model = WindowSeries
        fields = ("site", *FIELDS)
        widgets = {"starts_on": DATE, "start_time": TIME}
        help_texts = {
            "starts_on": _("The recurrence starts on this day, which may be in the past."),
            "start_time": _(
                "Local time in the time zone. If DST skips it, the window starts later by the same"
                " amount; if it occurs twice, the first one is used. The duration is exact."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        instance = kwargs.get("instance")
        if instance:
            initial = recurrence.fields_from_rule(instance.rule) | end_of(instance)
        else:
            initial = recurrence.DEFAULTS | {"zone": str(timezone.get_current_timezone())}
        kwargs["initial"] = initial | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        field = self.fields.get("zone")
        if isinstance(field, forms.ChoiceField) and instance:
            # A zone that no longer exists is refused by name on saving, and not replaced.
            stored = (instance.zone, instance.zone)
            field.choices = list(dict.fromkeys([*zone_choices(), stored]))

    def was_shown(self, name: str) -> bool:
        """The unit stands for all fields of the rule: unchecked boxes are not submitted."""
        return super().was_shown("unit" if name in BUILDER else name)

    def clean(self) -> dict[str, Any]:
        given = {name: self.cleaned_data.get(name) for name in END}
        cleaned = super().clean()
        if not {*END, "start_time"} & self.errors.keys():
            self.set_length(cleaned, given)
        if BUILDER.isdisjoint(self.errors):
            self.build_rule(cleaned)
        if not self.errors.keys() - NOT_PREVIEWED:
            values = {name: cleaned[name] for name in FIELDS if name in cleaned}
            site: Any = cleaned.get("site")
            site_id = site.pk if site else self.instance.site_id
            by_clock = cleaned["by_clock"]
            series = WindowSeries(pk=self.instance.pk, site_id=site_id, by_clock=by_clock, **values)
            series.created_at = self.instance.created_at
            try:
                verbs.check(series, clock.now())
                self.check_start(series, [site] if site else [])
            except RefusedStart as refusal:
                self.refuse_start("starts_on", refusal)
            except Refused as refusal:
                raise ValidationError(str(refusal), code="refused") from None
            else:
                self.series = series
        return cleaned

    def check_start(self, series: WindowSeries, sites: Sequence[Site]) -> None:
        """Raise RefusedStart if a window must not start at once."""
        verbs.check_start(
            series,
            sites,
            clock.now(),
            stored=self.stored if self.instance.pk else None,
            start_now=self.cleaned_data.get("start_now", False),
            rights=self.rights,
        )

    def set_length(self, cleaned: dict[str, Any], given: dict[str, Any]) -> None:
        """Set length and `by_clock` from the duration or the end that the page shows."""
        if self.instance.pk and not {*END, "start_time"} & set(self.changed_data):
            cleaned["length"], cleaned["by_clock"] = self.stored.length, self.stored.by_clock
            return
        length, end = given["length"], given["end_time"]
        if length and end:
            self.add_error("end_time", _("Enter a duration or an end, not both."))
        elif end:
            start = datetime.combine(date.min, cleaned["start_time"])
            days = given["end_days"]
            later = int(end <= start.time()) if days is None else days
            length = datetime.combine(date.min + timedelta(days=later), end) - start
        elif not length:
            self.add_error("length", _("Enter a duration or an end."))
        cleaned["length"], cleaned["by_clock"] = length, bool(end)

    def build_rule(self, cleaned: dict[str, Any]) -> None:
        """Set the rule that the fields say, unless somebody else changed the stored one."""
        sent = {name: cleaned.get(name) for name in BUILDER}
        sent["rule"] = self["rule"].data or ""  # cleaned["rule"] may be the stored one
        for name, units, sentence in USED_WITH:
            if sent[name] and sent["unit"] not in units and name in self.changed_data:
                self.add_error(name, sentence)
        if (after := recurrence.day_after(sent)) and not after.is_in_every_month:
            text = _("In some months this day is in the next month: write a rule instead.")
            self.add_error("days_after", text)
            return
        cleaned["rule"] = recurrence.rule_from_fields(sent)
        if self.instance.pk:
            shown = self.data.get(self.add_prefix("initial-rule"), self.stored.rule)
            if recurrence.same_rule(cleaned["rule"], shown):
                cleaned["rule"] = self.stored.rule
            elif shown != self.stored.rule:
                text = _("Someone else has changed the rule to %(rule)s: review it and try again.")
                self.add_error("unit", text % {"rule": self.stored.rule})

    def changes(self) -> dict[str, Any]:
        """The fields of WindowSeries that this person changed, with their new values."""
        names = set(self.changed_data) - BUILDER - set(END) - {"start_now"}
        changed = {name: self.cleaned_data[name] for name in names}
        for name in ("rule", "length", "by_clock"):
            if self.cleaned_data[name] != getattr(self.stored, name):
                changed[name] = self.cleaned_data[name]
        return changed


def end_of(series: WindowSeries) -> dict[str, Any]:
    """Return the end that the form shows instead of a duration, where the local clock sets it."""
    if not series.by_clock:
        return {}
    start = datetime.combine(date.min, series.start_time)
    end = start + series.length
    days = (end.date() - start.date()).days
    implied = days == int(end.time() <= start.time())
    return {"length": None, "end_time": end.time(), "end_days": None if implied else days}
