"""A local time in a form. Of one that DST skips or repeats, the person chooses a reading."""

from collections.abc import Sequence
from datetime import date, datetime, time, tzinfo
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from maintenance_windows.core.intervals import from_local
from maintenance_windows.exceptions import AmbiguousTime
from maintenance_windows.forms.fields import DATE_HINT, TIME_HINT

DATE_FORMAT, TIME_FORMAT = "%Y-%m-%d", "%H:%M:%S"


def readings_of(error: AmbiguousTime) -> list[datetime]:
    return [datetime.fromisoformat(error.parts[part]) for part in ("first", "second")]


def readings(parts: Sequence[Any], zone: tzinfo) -> tuple[list[datetime], bool]:
    """Both readings of a date and a time that has two, and whether DST skips it."""
    try:
        day, clock = date.fromisoformat(str(parts[0])), time.fromisoformat(str(parts[1]))
        from_local(datetime.combine(day, clock), zone)
    except AmbiguousTime as error:
        return [one.astimezone(zone) for one in readings_of(error)], error.skipped
    except (OverflowError, TypeError, ValueError):
        pass
    return [], False


def split(value: Any) -> list[Any]:
    """Date, time, and the reading if there are two. A text in an address is no time."""
    if not value or isinstance(value, str):
        return [None, None, None]
    local = timezone.localtime(value)
    parts = [local.date(), local.time()]
    both, _skipped = readings(parts, timezone.get_current_timezone())
    return [*parts, local.isoformat() if both else None]


class HiddenMomentWidget(forms.MultiWidget):
    """The time that a page was shown with."""

    def __init__(self, attrs: Any = None) -> None:
        days = forms.DateInput(attrs, format=DATE_FORMAT)
        clocks = forms.TimeInput(attrs, format=TIME_FORMAT)
        days.input_type = clocks.input_type = "hidden"
        super().__init__([days, clocks, forms.HiddenInput(attrs)])

    def decompress(self, value: Any) -> list[Any]:
        return split(value)


class MomentWidget(forms.MultiWidget):
    """The browser's own inputs for date and time, the name of their time zone, and the readings.

    The admin's inputs would compare them with the clock of the server's zone.
    """

    template_name = "maintenance_windows/admin/moment.html"
    supports_microseconds = False
    zone: tzinfo | None = None
    has_readings = True

    def __init__(self, date_label: Any, time_label: Any) -> None:
        days = {"type": "date", "aria-label": date_label, **DATE_HINT}
        clocks = {"type": "time", "aria-label": time_label, **TIME_HINT}
        super().__init__(
            [
                forms.DateInput(format=DATE_FORMAT, attrs=days),
                forms.TimeInput(format=TIME_FORMAT, attrs=clocks),
                forms.HiddenInput(),
            ]
        )

    def decompress(self, value: Any) -> list[Any]:
        return split(value)

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        zone_id = f"id_{name}_zone"
        described = {**(attrs or {}), "aria-describedby": zone_id}
        parts = [*value, None][:3] if isinstance(value, list) else self.decompress(value)
        context: dict[str, Any] = super().get_context(name, parts, described)
        del context["widget"]["subwidgets"][2:]
        return context | {"zone": self.zone, "zone_id": zone_id} | self.choice(name, parts)

    def choice(self, name: str, value: Any) -> dict[str, Any]:
        """What the template of the readings shows; without readings it is empty."""
        parts = [*value, None, None, None] if isinstance(value, list) else split(value)
        both, skipped = (
            readings(parts, self.zone) if self.zone and self.has_readings else ([], False)
        )
        texts = [f"{one:%H:%M %Z}" for one in both]
        if both and not skipped:
            orders = (_("%(time)s (first)"), _("%(time)s (second)"))
            texts = [order % {"time": text} for order, text in zip(orders, texts, strict=True)]
        chosen = str(parts[2] or "")
        choices = [
            {"value": one.isoformat(), "label": text, "checked": one.isoformat() == chosen}
            for one, text in zip(both, texts, strict=True)
        ]
        return {"name": name, "choices": choices, "is_skipped": skipped}


class MomentField(forms.SplitDateTimeField):
    """A time in the current time zone. Of one that the zone skips or repeats, a reading is needed.

    With `by_clock` the value is the local time, without a zone.
    """

    widget = MomentWidget
    hidden_widget = HiddenMomentWidget
    by_clock = False

    def clean(self, value: Any) -> Any:
        given = split(value) if isinstance(value, datetime) else value or ()
        parts = [*given, None, None, None][:3]
        try:
            return super().clean(parts[:2])
        except ValidationError as refusal:
            for one in (getattr(refusal, "params", None) or {}).get("readings", ()):
                if one.isoformat() == parts[2]:
                    return one
            raise

    def compress(self, data_list: Any) -> datetime | None:
        if self.by_clock and data_list and not {None, ""} & set(data_list):
            return datetime.combine(*data_list)
        try:
            return super().compress(data_list)
        except ValidationError as refusal:
            if refusal.code == "ambiguous_timezone":
                try:
                    from_local(datetime.combine(*data_list), timezone.get_current_timezone())
                except AmbiguousTime as error:
                    both = {"readings": readings_of(error)}
                    raise ValidationError(_sentence(error), refusal.code, both) from None
            raise  # the date or the time is missing

    def has_changed(self, initial: Any, data: Any) -> bool:
        if super().has_changed(initial, data):
            return True
        before = initial if isinstance(initial, list) else split(initial)
        return bool(data[2:] and data[2]) and data[2] != (before[2:] or [None])[0]


def _sentence(error: AmbiguousTime) -> str:
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
