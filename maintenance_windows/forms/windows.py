"""The forms that plan windows, for several sites at once, and change one."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelectMultiple
from django.contrib.sites.models import Site
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from maintenance_windows.core.intervals import Span, from_local
from maintenance_windows.exceptions import AmbiguousTime, Refused
from maintenance_windows.forms.base import ChangesOnly, Previewed
from maintenance_windows.forms.fields import (
    PK,
    LengthField,
    LongSelect,
    MomentField,
    MomentWidget,
    zone_choices,
)
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.models.series import zone, zones
from maintenance_windows.planning import rules

TIMES = {"starts_at", "ends_at", "length"}


class SitesWidget(AutocompleteSelectMultiple):
    """Asks the server for sites as one types: there may be more than a list could hold."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, [one for one in value if PK.fullmatch(str(one))], attr)


class SitesField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    def clean(self, value: Any) -> Any:
        for one in value or ():
            if not PK.fullmatch(str(one)):  # the database would choke on it
                text = self.error_messages["invalid_choice"]
                raise ValidationError(text, code="invalid_choice", params={"value": one})
        return super().clean(value)


class ScheduleForm(Previewed, forms.ModelForm):  # type: ignore[type-arg]
    admin_site = admin.site  # whose search the sites are found with
    may_operate = True  # else a start must lie ahead

    sites = SitesField(
        label=_("Sites"),
        queryset=Site.objects.order_by("domain"),
        help_text=_("One window for each of them, all or none."),
    )
    zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=zone_choices,
        widget=LongSelect,
        help_text=_("Start and end are what the clock shows there."),
    )
    starts_at = MomentField(label=_("Start"), widget=MomentWidget(_("Start date"), _("Start time")))
    ends_at = MomentField(
        label=_("End"), required=False, widget=MomentWidget(_("End date"), _("End time"))
    )
    length = LengthField(
        label=_("or length"),
        required=False,
        help_text=_("30m, 2h, 1h30m or 1d; exact, also where the clock changes meanwhile."),
    )

    class Meta:
        model = MaintenanceWindow
        fields = ("starts_at", "ends_at", "level", "title", "message")

    others = {"sites", *MaintenanceWindow.TEXTS}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"zone": own_zone()} | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        self.span: Span | None = None
        sites: Any = self.fields["sites"]
        sites.widget = SitesWidget(MaintenanceWindow.site.field, self.admin_site)
        sites.widget.choices, sites.widget.is_required = sites.choices, True
        chosen = self.data.get(self.add_prefix("zone")) if self.is_bound else self.initial["zone"]
        self.tz = zone(chosen if chosen in zones() else own_zone())
        for name in ("starts_at", "ends_at"):
            self.fields[name].widget.zone = self.tz

    def full_clean(self) -> None:
        """Reads start and end by the clock of the chosen zone."""
        with timezone.override(self.tz):
            super().full_clean()

    def clean(self) -> dict[str, Any]:
        """Leaves in `span` the times that are asked for, where that is possible."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if {"ends_at", "length"} & set(self.errors):
            return cleaned
        ends_at, length = cleaned["ends_at"], cleaned["length"]
        if not (ends_at or length):
            self.add_error("ends_at", _("Give an end or a length."))
        elif ends_at and length:
            self.add_error("ends_at", _("Give an end or a length, not both."))
        elif "starts_at" in cleaned:
            self.settle(cleaned["starts_at"], ends_at, length)
        return cleaned

    def settle(
        self, starts_at: datetime, ends_at: datetime | None, length: timedelta | None
    ) -> None:
        try:
            ends_at = ends_at or rules.add(starts_at, length or timedelta())
            now = timezone.now()
            rules.check_times(starts_at, ends_at, now)
            if not self.may_operate:
                rules.check_ahead(starts_at, now)
        except Refused as refusal:
            self.add_error("length" if length else "ends_at", str(refusal))
        else:
            self.cleaned_data["ends_at"] = ends_at
            self.span = Span(starts_at, ends_at)

    def validate_constraints(self) -> None:
        """They are rules here, and fields: the database would be asked once for each."""

    def errors_of_times(self) -> list[str]:
        """Nothing while there is nothing to complain of yet."""
        return super().errors_of_times() if TIMES & set(self.changed_data) else []


def own_zone() -> str:
    """The current time zone, where it has a name that can be chosen."""
    name = str(timezone.get_current_timezone())
    return name if name in zones() else str(timezone.get_default_timezone())


def filled_in(query: Mapping[str, str]) -> dict[str, Any]:
    """What a link fills in: `site` and `sites`, `zone`, `starts_at` and `ends_at` in ISO 8601.

    Times without an offset are read in the zone. What cannot be read is left out.
    """
    asked = query.get("zone", "")
    name = asked if asked in zones() else own_zone()
    ids = f"{query.get('site', '')},{query.get('sites', '')}".split(",")
    filled: dict[str, Any] = {"zone": name, "sites": [one for one in ids if PK.fullmatch(one)]}
    for moment in ("starts_at", "ends_at"):
        if parts := _local(query.get(moment, ""), name):
            filled[moment] = parts
    return filled


def _local(text: str, name: str) -> list[date | time] | None:
    """Date and time in the zone, as they are shown there."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = from_local(moment, zone(name))
        local = moment.astimezone(zone(name))
    except (AmbiguousTime, OverflowError, ValueError):
        return None
    return [local.date(), local.time()]


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
