"""For how long testers may pass."""

from django import forms
from django.utils.translation import gettext_lazy as _

from maintenance_windows.forms.fields import LengthField


class LinkForm(forms.Form):
    length = LengthField(
        label=_("Good for"),
        required=False,
        help_text=_("Such as 30m, 2h or 1d; empty: until the maintenance ends."),
    )
