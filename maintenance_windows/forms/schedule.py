"""The form that schedules: one window or a recurring one, for several sites at once."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.sites.models import Site
from django.utils.translation import gettext_lazy as _

from maintenance_windows.exceptions import Refused, RefusedStart
from maintenance_windows.forms import recurrence, repeats
from maintenance_windows.forms.rules import BUILDER, RuleForm
from maintenance_windows.forms.site_search import SitesField, SitesWidget
from maintenance_windows.forms.windows import TIMES, TimesForm
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.planning import series as verbs
from maintenance_windows.snapshot import clock

OF_RULES = (*RuleForm.base_fields,)
CUSTOM_ONLY = BUILDER - {"until"}


class ScheduleForm(RuleForm, TimesForm):
    """Either `span` or, for what repeats, `series` says when; both are None if it is not valid.

    `series` has no site: it is the template of one for each.
    """

    admin_site = admin.site  # the one whose page this is; its search finds the sites
    may_repeat = True
    is_recurring = False
    series: WindowSeries | None = None

    sites = SitesField(
        label=_("Sites"),
        queryset=Site.objects.order_by("domain"),
        help_text=_("Creates one window per site. If one fails, none are created."),
    )
    repeats = forms.ChoiceField(label=_("Repeats"), choices=repeats.CHOICES, required=False)

    field_order = ("sites", "zone", *TIMES, "repeats")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = recurrence.DEFAULTS | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        sites: Any = self.fields["sites"]
        sites.widget = SitesWidget(MaintenanceWindow.site.field, self.admin_site)
        sites.widget.choices, sites.widget.is_required = sites.choices, True
        self.fields["unit"].required = False
        if not self.may_repeat:
            for name in ("repeats", *OF_RULES):
                del self.fields[name]
            return
        self.is_recurring = bool(self.is_bound and self.data.get(self.add_prefix("repeats")))
        if self.is_recurring:
            # A rule is about local times: DST moves what it skips, and the first reading counts.
            for name in ("starts_at", "ends_at"):
                field: Any = self.fields[name]
                field.by_clock, field.widget.has_readings = True, False
        choices: Any = self.fields["repeats"]
        choices.choices = repeats.choices_from(self.first_day())

    def first_day(self) -> date | None:
        """The date of the start that the page shows."""
        shown = self["starts_at"].value()
        day = shown[0] if isinstance(shown, list) and shown else shown
        try:
            return day if isinstance(day, date) else date.fromisoformat(str(day))
        except ValueError:
            return None

    def clean(self) -> dict[str, Any]:
        """Compute the end from the duration where that is given instead."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        choice = cleaned.get("repeats", repeats.NO)
        self.refuse_unused(choice)
        if not self.check_end() or "repeats" in self.errors:
            return cleaned
        if choice:
            self.clean_series(choice, cleaned)
        elif starts_at := cleaned.get("starts_at"):
            self.check_times(starts_at)
        return cleaned

    def refuse_unused(self, choice: str) -> None:
        """Refuse what somebody has filled in and the choice would leave out."""
        changed = {name for name in self.changed_data if self.cleaned_data.get(name)}
        if choice != repeats.CUSTOM and changed & CUSTOM_ONLY:
            self.add_error("repeats", _("To use the fields of a custom rule, choose “custom…”."))
        elif not choice and changed & {"until", "excluded"}:
            self.add_error("repeats", _("Choose how the window repeats."))
        if choice and self.cleaned_data.get("override"):
            self.add_error("override", _("A recurring window skips dates that are in a freeze."))

    def clean_series(self, choice: str, cleaned: dict[str, Any]) -> None:
        """Set `series` to the recurring window that the form describes."""
        start, end, length = (cleaned.get(name) for name in TIMES)
        rule: str | None = None
        if choice == repeats.CUSTOM and BUILDER.isdisjoint(self.errors):
            sent = recurrence.DEFAULTS | {name: cleaned.get(name) for name in BUILDER}
            sent["unit"] = sent["unit"] or recurrence.DEFAULTS["unit"]
            rule = self.built_rule(sent)
        elif choice != repeats.CUSTOM and start and "until" not in self.errors:
            rule = repeats.rule_from_choice(choice, start.date(), cleaned.get("until"))
        if self.errors.keys() - {"sites"} or not start or not rule:
            return
        if end and end <= start:
            self.add_error("ends_at", _("The end must be after the start."))
            return
        texts = {name: cleaned[name] for name in WindowSeries.TEXTS if name in cleaned}
        series = WindowSeries(
            rule=rule,
            starts_on=start.date(),
            start_time=start.time(),
            zone=str(self.tz),
            length=length or end - start,
            by_clock=bool(end),
            excluded=cleaned["excluded"],
            **texts,
        )
        try:
            verbs.check(series, clock.now())
            verbs.check_start(
                series,
                cleaned.get("sites", ()),
                clock.now(),
                start_now=cleaned.get("start_now", False),
                rights=self.rights,
            )
        except RefusedStart as refusal:
            self.refuse_start("starts_at", refusal)
        except Refused as refusal:
            custom = choice == repeats.CUSTOM
            self.add_error("rule" if custom and cleaned.get("rule") else "repeats", str(refusal))
        else:
            self.series = series

    def _post_clean(self) -> None:
        """Leave the unsaved window alone: local times of a rule are none of its times."""
        if not self.is_recurring:
            super()._post_clean()  # type: ignore[misc]

    def validate_constraints(self) -> None:
        """Skip those of the database, a query each: clean() has checked the same rules."""
