"""What a preview of a form needs, and what stands in its way."""

from collections.abc import Collection

from django import forms


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
