"""Messages for visitors, in the language of each."""

from collections.abc import Collection
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

from django.conf import settings
from django.utils.translation import get_language

from maintenance_windows.conf import until_settings_change
from maintenance_windows.core.state import Closure, Maintenance
from maintenance_windows.core.texts import has_marks, text_in

HasMessage = TypeVar("HasMessage", Closure, Maintenance)


def message_in(message: str, language: str | None = None) -> str:
    """Return a message in a language, by default the active one."""
    code = language or get_language() or settings.LANGUAGE_CODE
    return text_in(message, code, settings.LANGUAGE_CODE, _languages())


def with_message_in(one: HasMessage, language: str | None = None) -> HasMessage:
    """Return the maintenance with its message in a language, by default the active one."""
    if not has_marks(one.message):
        return one
    return replace(one, message=message_in(one.message, language))


@until_settings_change
@lru_cache(maxsize=1)
def _languages() -> Collection[str]:
    return frozenset(code for code, _ in settings.LANGUAGES)
