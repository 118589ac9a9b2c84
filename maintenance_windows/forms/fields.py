"""Fields and widgets for durations, dates and time zones."""

import re
from datetime import date, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from maintenance_windows.models.series import zones
from maintenance_windows.wording.durations import format_duration, parse_duration

# A primary key as text. Longer numbers make some databases fail.
PK = re.compile(r"[0-9]{1,18}")
# Shown where a theme of the admin turns the browser's own inputs into text boxes.
DATE_HINT, TIME_HINT = {"placeholder": "YYYY-MM-DD"}, {"placeholder": "HH:MM"}


def zone_choices() -> list[tuple[str, str]]:
    return [(name, name) for name in sorted(zones())]


class LongSelect(forms.Select):
    """A select of hundreds of options. Django renders a template for each, which is slow."""

    template_name = "maintenance_windows/admin/long_select.html"


class ZoneSelect(LongSelect):
    """The time zones. A script adds the search that the admin has for other selects."""

    @property
    def media(self) -> forms.Media:
        extra = "" if settings.DEBUG else ".min"  # as the admin's own widgets
        scripts = (f"jquery/jquery{extra}.js", f"select2/select2.full{extra}.js")
        styles = (f"vendor/select2/select2{extra}.css", "autocomplete.css")
        return forms.Media(
            js=(*(f"admin/js/vendor/{name}" for name in scripts), "admin/js/jquery.init.js"),
            css={"screen": tuple(f"admin/css/{name}" for name in styles)},
        )


class DurationField(forms.DurationField):
    """A duration such as 30m, 2h, 1h30m or 1d."""

    widget = AdminTextInputWidget

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values or isinstance(value, timedelta):
            return value or None
        try:
            return parse_duration(value.strip())
        except ValueError as error:
            raise ValidationError(str(error), code="invalid") from None

    def prepare_value(self, value: Any) -> Any:
        return format_duration(value) if isinstance(value, timedelta) else value


class DatesField(forms.CharField):
    """Dates separated by commas or spaces. The value is a sorted list of ISO 8601 texts."""

    widget = AdminTextInputWidget

    def to_python(self, value: Any) -> Any:
        texts = value if isinstance(value, list) else str(value or "").replace(",", " ").split()
        try:
            return sorted({date.fromisoformat(text).isoformat() for text in texts})
        except (TypeError, ValueError):
            sentence = _("Enter dates as YYYY-MM-DD, separated by commas.")
            raise ValidationError(sentence, code="invalid") from None

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value
