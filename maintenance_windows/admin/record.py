"""What all pages here have in common."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from maintenance_windows.admin.lists import LongList
from maintenance_windows.admin.story import Event
from maintenance_windows.exceptions import Refused

AT_ONCE = 200  # rows that an action is done to: each takes the lock


class KeptForTheRecord(LongList):
    """Rows that nobody deletes here; they still go when their Site is deleted.

    Where `story` tells what happened to one, its history page does.
    """

    object_history_template = "maintenance_windows/admin/history.html"

    def story(self, request: HttpRequest, obj: Any) -> list[Event]:
        return []

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        found = self.get_object(request, unquote(object_id))
        may = found is not None and self.has_view_permission(request, found)
        story = self.story(request, found) if may else []
        return super().history_view(request, object_id, {"story": story, **(extra_context or {})})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        own = f"{self.opts.app_label}_{self.opts.model_name}_"
        match = request.resolver_match
        if match and (match.url_name or "").startswith(own):
            return False
        return super().has_delete_permission(request, obj)

    def each(
        self,
        request: HttpRequest,
        rows: QuerySet[Any],
        verb: Callable[..., Any],
        said: Callable[[Any], str],
    ) -> None:
        """Do to each row what an action asks for, and say what came of it or why not."""
        chosen = list(rows[: AT_ONCE + 1])
        if len(chosen) > AT_ONCE:
            text = _("At most %(number)s at once: choose fewer.") % {"number": AT_ONCE}
            self.message_user(request, text, messages.ERROR)
            return
        for row in chosen:
            try:
                outcome = verb(row.pk, actor=request.user.get_username())
            except Refused as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
            else:
                self.log_change(request, row, said(outcome))
                self.message_user(request, said(outcome))

    def changeform_view(
        self,
        request: HttpRequest,
        *args: Any,
        **kwargs: Any,
    ) -> HttpResponse:
        """A verb may refuse what the form still allowed, when things changed in between."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
