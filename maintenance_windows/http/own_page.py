"""Our page of the 503 by itself, for a project whose templates fail.

It needs none of the project's template engines, context processors, tag libraries or templates.
"""

from functools import cache
from pathlib import Path
from typing import Any

from django.http import HttpRequest
from django.template import Context, Engine

FOLDER = Path(__file__).parent.parent / "templates"
NAME = "maintenance_windows/503.html"


class OwnPage:
    """It has of the templates of Django's backends what pages.render() uses."""

    def __init__(self) -> None:
        libraries = {"i18n": "django.templatetags.i18n"}
        self._template = Engine(dirs=[str(FOLDER)], libraries=libraries).get_template(NAME)
        self.origin = self._template.origin

    def render(self, context: dict[str, Any], request: HttpRequest) -> str:
        return self._template.render(Context(context))


own_page = cache(OwnPage)
