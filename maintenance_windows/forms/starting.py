"""A form whose plan may start at once, and the box that confirms a start in the past."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from maintenance_windows.exceptions import PastStart, RefusedStart
from maintenance_windows.forms.base import PreviewedForm
from maintenance_windows.permissions import ALL_RIGHTS, Rights


class StartingForm(PreviewedForm, forms.ModelForm):  # type: ignore[type-arg]
    """`rights` are those of the person. `is_past`: whether the box has to be checked.

    A style sheet hides the box where it does not matter.
    """

    rights: Rights = ALL_RIGHTS
    is_past = False

    start_now = forms.BooleanField(
        label=_("Start now"),
        required=False,
        help_text=_("The start has passed. Check this to start the window now."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.rights.operate:
            del self.fields["start_now"]

    def refuse_start(self, name: str, refusal: RefusedStart) -> None:
        """Add the error to the field with the start, and show the box if that is the way out."""
        self.add_error(name, str(refusal))
        if isinstance(refusal, PastStart):
            self.is_past = True
            self.fields["start_now"].widget.attrs["data-past"] = "1"
