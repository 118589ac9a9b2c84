"""Fields of sites, which are found as the person types: a list of them may be too long.

The search is a page of our own admin. Django's autocomplete would ask the project's SiteAdmin,
which may be unregistered, or have no `search_fields`.
"""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.admin.widgets import AutocompleteMixin
from django.contrib.sites.models import Site
from django.core.exceptions import ValidationError
from django.urls import reverse

from maintenance_windows.forms.fields import PK


def label_of(site: Site) -> str:
    """Return the domain and the name of a site, by both of which it is found."""
    return f"{site.domain} – {site.name}" if site.name not in {"", site.domain} else site.domain


class SiteSearch(AutocompleteMixin):
    def get_url(self) -> str:
        meta = self.field.model._meta  # noqa: SLF001 (public, as the documentation says)
        return reverse(f"{self.admin_site.name}:{meta.app_label}_{meta.model_name}_sites")

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, [pk for pk in value if PK.fullmatch(str(pk))], attr)


class SiteWidget(SiteSearch, forms.Select):
    """Chooses one site."""


class SiteField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return label_of(obj)


class SitesWidget(SiteSearch, forms.SelectMultiple):
    """Chooses several sites."""


class SitesField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return label_of(obj)

    def clean(self, value: Any) -> Any:
        for pk in value or ():
            if not PK.fullmatch(str(pk)):  # a longer number makes some databases fail
                text = self.error_messages["invalid_choice"]
                raise ValidationError(text, code="invalid_choice", params={"value": pk})
        return super().clean(value)
