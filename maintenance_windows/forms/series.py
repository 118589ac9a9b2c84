"""The form of a recurring window: its rule is built from plain fields, or written as RFC 5545."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib.sites.models import Site
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from maintenance_windows.exceptions import Refused, RefusedStart
from maintenance_windows.forms import recurrence
from maintenance_windows.forms.base import NOT_PREVIEWED, ChangedFieldsForm
from maintenance_windows.forms.fields import TIME_HINT, DurationField, ZoneSelect, zone_choices
from maintenance_windows.forms.publication import PublicationForm
from maintenance_windows.forms.rules import BUILDER, DATE, RuleForm
from maintenance_windows.forms.starting import StartingForm
from maintenance_windows.models import WindowSeries
from maintenance_windows.planning import series as verbs
from maintenance_windows.planning.series.dates import rename_skipped
from maintenance_windows.snapshot import clock

FIELDS = ("starts_on", "start_time", "zone", "length", "rule", "excluded", *WindowSeries.TEXTS)
END = ("length", "end_time", "end_days")
# As DATE.
TIME = forms.TimeInput(format="%H:%M:%S", attrs={"type": "time", **TIME_HINT})


class SeriesForm(RuleForm, StartingForm, PublicationForm, ChangedFieldsForm):
    """`series` is the recurring window that the form describes, not saved; None if invalid."""

    series: WindowSeries | None = None

    zone = forms.ChoiceField(label=_("Time zone"), choices=zone_choices, widget=ZoneSelect)
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
        if self.instance.pk and "excluded" in {*self.changed_data} & cleaned.keys():
            cleaned["excluded"] = self.merged(cleaned["excluded"])
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
            if self.instance.pk and "excluded" not in self.changed_data:
                rename_skipped(series, self.stored)
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

    def merged(self, typed: list[str]) -> list[str]:
        """Return the stored skipped dates with what this person added to or took from the shown."""
        stored = set(self.stored.excluded)
        try:
            shown = set(self.fields["excluded"].clean(self.shown("excluded")))
        except ValidationError:
            shown = stored
        return sorted(stored - (shown - {*typed}) | {*typed} - shown)

    def set_length(self, cleaned: dict[str, Any], given: dict[str, Any]) -> None:
        """Set length and `by_clock` from the duration or the end that the page shows."""
        if self.instance.pk and not {*END, "start_time"} & set(self.changed_data):
            cleaned["length"], cleaned["by_clock"] = self.stored.length, self.stored.by_clock
            return
        if self.instance.pk and not {*END} & set(self.changed_data):
            # Somebody else may have changed the end that goes with the start.
            given = {"length": self.stored.length, "end_time": None, **end_of(self.stored)}
        length, end = given["length"], given["end_time"]
        if end and self.was_moved():
            text = _("Someone else has changed the times: open the page again.")
            self.add_error("end_time", text)
        elif length and end:
            self.add_error("end_time", _("Enter a duration or an end, not both."))
        elif end:
            start = datetime.combine(date.min, cleaned["start_time"])
            days = given.get("end_days")
            later = int(end <= start.time()) if days is None else days
            length = datetime.combine(date.min + timedelta(days=later), end) - start
        elif not length:
            missing = ValidationError(_("Enter a duration or an end."), code="required")
            self.add_error("length", missing)
        cleaned["length"], cleaned["by_clock"] = length, bool(end)

    def was_moved(self) -> bool:
        """Whether the start that goes with an end of this page is no longer stored as it was."""
        if not self.instance.pk or "start_time" in self.changed_data:
            return False
        field = self.fields["start_time"]
        return field.has_changed(self.stored.start_time, self.shown("start_time"))

    def build_rule(self, cleaned: dict[str, Any]) -> None:
        """Set the rule that the fields say, unless somebody else changed the stored one."""
        sent = {name: cleaned.get(name) for name in BUILDER}
        sent["rule"] = self["rule"].data or ""  # cleaned["rule"] may be the stored one
        if (rule := self.built_rule(sent)) is None:
            return
        cleaned["rule"] = rule
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
