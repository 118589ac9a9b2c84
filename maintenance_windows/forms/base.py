"""What the forms share: they save only what was changed, and say what keeps them from a preview."""

from copy import copy
from typing import Any

from django import forms

from maintenance_windows.models.base import Planned

NOT_PREVIEWED = {"site", "sites", *Planned.TEXTS}


class ShownBoundField(forms.BoundField):
    """Hands on the value that a page was first shown with, also one of several inputs.

    Django looks for a single input of that value, and would hand on what was typed instead.
    """

    def as_widget(self, widget: Any = None, attrs: Any = None, only_initial: bool = False) -> Any:  # noqa: FBT001, FBT002 (Django's)
        hidden, name = self.field.hidden_widget(), self.html_initial_name
        sent = self.form.data, self.form.files
        if only_initial and not hidden.value_omitted_from_data(*sent, name):
            value = hidden.value_from_datadict(*sent, name)
            attrs = {"id": self.html_initial_id, **(attrs or {})}
            return hidden.render(name, value, attrs, renderer=self.form.renderer)
        return super().as_widget(widget, attrs, only_initial)


class ChangedFieldsForm(forms.ModelForm):  # type: ignore[type-arg]
    """Saves only the fields that the person changed on the page as it was shown.

    What others changed meanwhile stays: a title that is saved at 03:00 does not take back the
    end that was extended at 02:59.
    """

    bound_field_class = ShownBoundField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            for name, field in self.fields.items():
                field.show_hidden_initial = True
                field.disabled = self.is_bound and not self.was_shown(name)

    def was_shown(self, name: str) -> bool:
        """Whether the page that was sent had the field; it may have been read-only then."""
        keys = (name, f"{name}_0", f"initial-{name}", f"initial-{name}_0")
        return any(self.add_prefix(key) in self.data for key in keys)

    def shown(self, name: str) -> Any:
        """The value of a field that the page was shown with, as it was sent."""
        hidden, initial = self.fields[name].hidden_widget(), self.add_initial_prefix(name)
        return hidden.value_from_datadict(self.data, self.files, initial)

    def clean(self) -> dict[str, Any]:
        """Put the stored values, kept in `stored`, in place of those that nobody changed."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.pk:
            self.stored = type(self.instance).objects.get(pk=self.instance.pk)
            for name in self.fields.keys() - set(self.changed_data):
                self.errors.pop(name, None)  # such as a time that is ambiguous without an offset
                if hasattr(self.stored, name):  # fields of the form alone are not stored
                    cleaned[name] = getattr(self.stored, name)
        return cleaned

    def _post_clean(self) -> None:
        """Leave the row as it was unless all is valid: the page goes on to tell of it."""
        shown, self.instance = self.instance, copy(self.instance)
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            self.instance = shown


class PreviewedForm(forms.BaseForm):
    """A form whose times are previewed while the person fills it in.

    `unfinished` are the codes of errors that only say that something is still missing.
    """

    unfinished = {"required", "incomplete", "invalid_date", "invalid_time"}

    def preview_errors(self) -> list[str]:
        """The errors that the preview shows.

        While a person types there is none about what is missing, about the field that they are
        in (`_typing`), or about a form that nobody has touched.
        """
        if NOT_PREVIEWED.issuperset(self.changed_data):
            return []
        typing = self.data.get("_typing", "")
        return [
            f"{self.fields[name].label}: {message}" if name in self.fields else str(message)
            for name, errors in self.errors.as_data().items()
            if name not in NOT_PREVIEWED and not (typing and typing.startswith(name))
            for error in errors
            if error.code not in self.unfinished
            for message in error.messages
        ]
