"""What all pages here have in common."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from maintenance_windows.admin.story import Event
from maintenance_windows.rules import Refused


class KeptForTheRecord(admin.ModelAdmin):  # type: ignore[type-arg]
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
        rows: Iterable[Any],
        verb: Callable[..., Any],
        said: Callable[[Any], str],
    ) -> None:
        """Do to each row what an action asks for, and say what came of it or why not."""
        for row in rows:
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
