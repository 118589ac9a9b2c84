"""What the forms share: the changes of one editor alone, and previews."""

from collections.abc import Collection
from typing import Any

from django import forms


class ChangesOnly(forms.ModelForm):  # type: ignore[type-arg]
    """Changes what the person changed, as compared with the page that the person saw.

    What others did meanwhile stays: a title that is saved at 03:00 does not take back the end
    that was extended at 02:59.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            for name, field in list(self.fields.items()):
                field.show_hidden_initial = True
                field.disabled = self.is_bound and not self.was_shown(name)

    def was_shown(self, name: str) -> bool:
        """Whether the page that was sent had the field; it may have been read-only then."""
        keys = (name, f"{name}_0", f"initial-{name}", f"initial-{name}_0")
        return any(self.add_prefix(key) in self.data for key in keys)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.pk:
            self.stored = type(self.instance).objects.get(pk=self.instance.pk)
            untouched = set(self.fields) - set(self.changed_data)
            for name in untouched & set(self.errors):
                del self.errors[name]  # such as a time that could be legal only with an offset
            cleaned |= {
                name: getattr(self.stored, name)
                for name in untouched
                if hasattr(self.stored, name)  # others are the form's own
            }
        return cleaned


class Previewed(forms.BaseForm):
    """`others` are the fields that a preview does without."""

    others: Collection[str] = ()

    def errors_of_times(self) -> list[str]:
        """What stands in the way of a preview."""
        return [
            f"{self.fields[name].label}: {error}" if name in self.fields else str(error)
            for name, errors in self.errors.items()
            if name not in self.others
            for error in errors
        ]
