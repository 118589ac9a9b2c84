"""Messages of what a verb did, with a button that undoes it."""

from django.contrib import messages
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from maintenance_windows.admin.base import RecordAdmin
from maintenance_windows.admin.returning import read_back


def undo_form(request: HttpRequest, action: str, values: dict[str, str]) -> str:
    """A form in the message itself, which works on whichever page shows that."""
    values = {"csrfmiddlewaretoken": get_token(request), "back": read_back(request), **values}
    fields = format_html_join("", '<input type="hidden" name="{}" value="{}">', values.items())
    return format_html(
        ' <form method="post" action="{}" class="mw-undo">{}<button class="mw-button">{}</button>'
        "</form>",
        action,
        fields,
        _("Undo"),
    )


def say(
    model_admin: RecordAdmin,
    request: HttpRequest,
    text: str,
    form: str = "",
    level: int = messages.SUCCESS,
) -> None:
    # In an element, because the admin capitalises the first letter, here that of a domain.
    model_admin.message_user(request, format_html("<bdi>{}</bdi>{}", text, form), level)
