"""The forms that schedule windows for several sites at once, and change one."""

from collections.abc import Mapping
from datetime import date, datetime, time, tzinfo
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.sites.models import Site
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from maintenance_windows.core.intervals import Span, from_local
from maintenance_windows.exceptions import AmbiguousTime, Refused, RefusedStart
from maintenance_windows.forms.base import ChangedFieldsForm
from maintenance_windows.forms.fields import PK, DurationField, MomentField, MomentWidget
from maintenance_windows.forms.publication import PublicationForm
from maintenance_windows.forms.site_search import SitesField, SitesWidget
from maintenance_windows.forms.starting import StartingForm
from maintenance_windows.forms.zoned import ZonedForm, known_zone
from maintenance_windows.models import REASON_LENGTH, MaintenanceWindow
from maintenance_windows.models.series import zone
from maintenance_windows.planning import rules, windows
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

    def check_times(
        self, starts_at: datetime, ends_at: datetime, window: MaintenanceWindow | None = None
    ) -> None:
        """Set `span` to the times of a new window, or of `window`. Raises Refused.

        What is wrong with the start becomes an error of its field.
        """
        given = {name: self.cleaned_data[name] for name in TERMS if name in self.cleaned_data}
        now, terms = clock.now(), Terms(rights=self.rights, **given)
        try:
            if window:
                admitted = admit_change(window, starts_at, ends_at, now, terms)
            else:
                sites = self.cleaned_data.get("sites", ())
                admitted = admit_new(sites, starts_at, ends_at, now, terms)
        except RefusedStart as refusal:
            self.refuse_start("starts_at", refusal)
        else:
            self.span = Span(admitted.starts_at, admitted.ends_at)


class ScheduleForm(TimesForm, ZonedForm):
    admin_site = admin.site  # the one whose page this is; its search finds the sites

    sites = SitesField(
        label=_("Sites"),
        queryset=Site.objects.order_by("domain"),
        help_text=_("Schedules one window for each site, or none if one is refused."),
    )
    starts_at = MomentField(label=_("Start"), widget=MomentWidget(_("Start date"), _("Start time")))
    ends_at = MomentField(
        label=_("End"), required=False, widget=MomentWidget(_("End date"), _("End time"))
    )
    length = DurationField(
        label=_("or duration"),
        required=False,
        help_text=_("For example 30m, 2h, 1h30m or 1d. Exact, even across DST changes."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sites: Any = self.fields["sites"]
        sites.widget = SitesWidget(MaintenanceWindow.site.field, self.admin_site)
        sites.widget.choices, sites.widget.is_required = sites.choices, True

    def clean(self) -> dict[str, Any]:
        """Compute the end from the duration where that is given instead."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if {"ends_at", "length"} & set(self.errors):
            return cleaned
        ends_at, duration = cleaned["ends_at"], cleaned["length"]
        if not (ends_at or duration):
            self.add_error("ends_at", _("Enter an end or a duration."))
        elif ends_at and duration:
            self.add_error("ends_at", _("Enter an end or a duration, not both."))
        elif starts_at := cleaned.get("starts_at"):
            try:
                cleaned["ends_at"] = ends_at or rules.add(starts_at, duration)
                self.check_times(starts_at, cleaned["ends_at"])
            except Refused as refusal:
                self.add_error("length" if duration else "ends_at", str(refusal))
        return cleaned

    def validate_constraints(self) -> None:
        """Skip those of the database, a query each: clean() has checked the same rules."""

    def preview_errors(self) -> list[str]:
        """Nothing until a time was given, so that an empty form has no complaints."""
        return [] if set(TIMES).isdisjoint(self.changed_data) else super().preview_errors()


class WindowForm(TimesForm, ChangedFieldsForm):
    """Changes one window. Its times are in the current time zone.

    The zone chosen when it was scheduled is not stored.
    """

    starts_at = MomentField(label=_("Start"))
    ends_at = MomentField(label=_("End"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tz = timezone.get_current_timezone()
        for name in {"starts_at", "ends_at"} & set(self.fields):
            self.fields[name].help_text = _("Time zone: %(zone)s.") % {"zone": self.tz}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        starts_at = cleaned.get("starts_at", self.instance.starts_at)
        if starts_at and (ends_at := cleaned.get("ends_at")):
            try:
                self.check_times(starts_at, ends_at, self.stored)
            except Refused as refusal:
                self.add_error("ends_at", str(refusal))
        return cleaned


def initial_from_query(query: Mapping[str, str], *, may_view: bool) -> dict[str, Any]:
    """The values in a link: `site` and `sites`, `zone`, `starts_at` and `ends_at` in ISO 8601.

    Times without an offset are read in the zone. Values that cannot be read are left out. `like`
    is the id of a window to plan again, for people who may view it; other values win.
    """
    name = known_zone(query.get("zone"))
    ids = f"{query.get('site', '')},{query.get('sites', '')}".split(",")
    initial: dict[str, Any] = {"zone": name, "sites": [pk for pk in ids if PK.fullmatch(pk)]}
    if may_view and PK.fullmatch(query.get("like", "")):
        initial = _like(int(query["like"]), query) | {
            field: value for field, value in initial.items() if value
        }
    for field in ("starts_at", "ends_at"):
        if parts := _date_and_time(query.get(field, ""), name):
            initial[field] = parts
    return initial


def _like(window_id: int, query: Mapping[str, str]) -> dict[str, Any]:
    """The values of a window, except those that the link has."""
    try:
        pattern = windows.like(window_id)
    except Refused:
        return {}
    initial = {"sites": [str(pattern.site.pk)], "length": pattern.length}
    initial |= {name: getattr(pattern, name) for name in MaintenanceWindow.TEXTS}
    if "ends_at" in query:
        del initial["length"]
    return {name: value for name, value in initial.items() if name not in query}


def _date_and_time(text: str, name: str) -> list[date | time] | None:
    """Date and time in the zone with this name, as the field's two inputs show them.

    None if the text is no such time.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = from_local(moment, zone(name))
        local = moment.astimezone(zone(name))
    except (AmbiguousTime, OverflowError, ValueError):
        return None
    return [local.date(), local.time()]
