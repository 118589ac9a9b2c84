"""Fields and widgets for local times, durations, dates and time zones."""

import re
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminSplitDateTime, AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from maintenance_windows.core.intervals import from_local
from maintenance_windows.exceptions import AmbiguousTime
from maintenance_windows.models.series import zones
from maintenance_windows.wording.durations import format_duration, parse_duration

# A primary key as text. Longer numbers make some databases fail.
PK = re.compile(r"[0-9]{1,18}")
# Shown where a theme of the admin turns the browser's own inputs into text boxes.
DATE_HINT, TIME_HINT = {"placeholder": "YYYY-MM-DD"}, {"placeholder": "HH:MM"}


def zone_choices() -> list[tuple[str, str]]:
    return [(name, name) for name in sorted(zones())]


class MomentWidget(forms.SplitDateTimeWidget):
    """The browser's own inputs for date and time, and the name of their time zone.

    The admin's inputs would compare them with the clock of the server's zone.
    """

    template_name = "maintenance_windows/admin/moment.html"
    zone = ""

    def __init__(self, date_label: Any, time_label: Any) -> None:
        super().__init__(
            date_format="%Y-%m-%d",
            time_format="%H:%M:%S",
            date_attrs={"type": "date", "aria-label": date_label, **DATE_HINT},
            time_attrs={"type": "time", "aria-label": time_label, **TIME_HINT},
        )

    def decompress(self, value: Any) -> Any:
        """A text in an address is no time; see initial_from_query()."""
        return super().decompress(None if isinstance(value, str) else value)

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        zone_id = f"id_{name}_zone"
        described = {**(attrs or {}), "aria-describedby": zone_id}
        context: dict[str, Any] = super().get_context(name, value, described)
        return context | {"zone": self.zone, "zone_id": zone_id}


class LongSelect(forms.Select):
    """A select of hundreds of options. Django renders a template for each, which is slow."""

    template_name = "maintenance_windows/admin/long_select.html"


class MomentField(forms.SplitDateTimeField):
    """A time in the current time zone. One that the zone skips or repeats is refused."""

    widget = AdminSplitDateTime

    def compress(self, data_list: Any) -> datetime | None:
        try:
            return super().compress(data_list)
        except ValidationError as refusal:
            if refusal.code == "ambiguous_timezone":
                try:
                    from_local(datetime.combine(*data_list), timezone.get_current_timezone())
                except AmbiguousTime as error:
                    raise ValidationError(_readings(error), code=refusal.code) from None
            raise  # the date or the time is missing


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


def _readings(error: AmbiguousTime) -> str:
    """The sentence of the error, translated."""
    if error.skipped:
        sentence = _(
            "%(time)s does not exist in %(zone)s because of DST: it could mean %(first)s or "
            "%(second)s."
        )
    else:
        sentence = _(
            "%(time)s occurs twice in %(zone)s because of DST: it could mean %(first)s or "
            "%(second)s."
        )
    return sentence % error.parts
