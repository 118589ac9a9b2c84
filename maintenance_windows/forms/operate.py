"""What an operator does to a site at once, from the board."""

import re
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.sites.models import Site
from django.utils.translation import gettext_lazy as _

from maintenance_windows.core.state import Level
from maintenance_windows.forms.fields import LengthField
from maintenance_windows.models.base import LEVELS

MINUTES = (15, 30, 60)
LENGTHS = [
    ("", _("until switched off")),
    ("15m", _("for 15 minutes")),
    ("30m", _("for 30 minutes")),
    ("1h", _("for 1 hour")),
    ("2h", _("for 2 hours")),
    ("4h", _("for 4 hours")),
    ("8h", _("for 8 hours")),
]
PK = re.compile(r"[0-9]{1,18}")
VERBS = [("on", "on"), ("off", "off"), ("end", "end")]


class OperateForm(forms.Form):
    """One button of the board: `verb`, or `extend` by so many minutes."""

    verb = forms.ChoiceField(choices=VERBS, required=False)
    site = forms.ModelChoiceField(Site.objects.all())
    length = LengthField(required=False)
    level = forms.ChoiceField(choices=LEVELS, required=False)
    message = forms.CharField(required=False)
    # The windows that ran when the button was shown.
    shown = forms.CharField(required=False)
    extend = forms.TypedChoiceField(
        choices=[(number, number) for number in MINUTES],
        coerce=lambda number: timedelta(minutes=int(number)),
        required=False,
        empty_value=None,
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not cleaned["verb"] and not cleaned["extend"]:
            self.add_error("verb", _("Say what to do."))
        cleaned["shown"] = {int(pk) for pk in cleaned.get("shown", "").split() if PK.fullmatch(pk)}
        cleaned["level"] = Level(cleaned.get("level") or Level.FULL)
        return cleaned
