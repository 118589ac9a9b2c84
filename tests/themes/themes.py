"""The themes of the admin that are tried, each in front of Django's own admin."""

from dataclasses import dataclass

DARK = "document.documentElement.dataset.bsTheme = 'dark'"


@dataclass(frozen=True)
class Theme:
    """`dark` is a script for a theme that does not follow the colour scheme of the browser."""

    package: str = ""
    apps: tuple[str, ...] = ()
    dark: str = ""


THEMES = {
    "django": Theme(),
    "grappelli": Theme("django-grappelli", ("grappelli",)),
    "jazzmin": Theme("django-jazzmin", ("jazzmin",), DARK),
    "unfold": Theme("django-unfold", ("unfold",)),
    "interface": Theme("django-admin-interface", ("admin_interface", "colorfield")),
}

# Added to the settings of a fresh project, which reads the theme from its environment.
SETTINGS = f"""
import os

THEMES = { ({name: theme.apps for name, theme in THEMES.items()})!r}
INSTALLED_APPS = [*THEMES[os.environ["THEME"]], *INSTALLED_APPS]
X_FRAME_OPTIONS = "SAMEORIGIN"
LANGUAGE_CODE = "en"
"""
URLS = """
from django.apps import apps

if apps.is_installed("grappelli"):
    urlpatterns += [path("grappelli/", include("grappelli.urls"))]
"""
