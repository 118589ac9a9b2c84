"""The preview of a form: what saving it would do, in words."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseForbidden,
    HttpResponseNotAllowed,
)
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse

from maintenance_windows.admin.base import RecordAdmin
from maintenance_windows.forms.fields import PK


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The page that a form's script or its button sends the form to. It writes nothing.

    `parameter` names the edited row in the URL. `describe` returns the template's context for a
    validated form.
    """

    parameter: str
    title: Any
    template: str
    describe: Callable[[Any], dict[str, Any]]

    def url(self, model_admin: RecordAdmin, row: Any) -> str:
        name = f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}_preview"
        url = reverse(name, current_app=model_admin.admin_site.name)
        return f"{url}?{self.parameter}={row.pk}" if row else url

    def view(self, model_admin: RecordAdmin, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        pk = request.GET.get(self.parameter, "")
        row = get_object_or_404(model_admin.model, pk=int(pk)) if PK.fullmatch(pk) else None
        may_change, may_add = model_admin.has_change_permission, model_admin.has_add_permission
        if not (may_change(request, row) if row else may_add(request)):
            return HttpResponseForbidden()
        form_class: Any = model_admin.get_form(request, row, change=row is not None)
        form = form_class(request.POST, instance=row)
        try:
            form.is_valid()
        except model_admin.model.DoesNotExist as error:  # deleted meanwhile
            raise Http404 from error
        context = {"errors": form.preview_errors(), "is_past": form.is_past, **self.describe(form)}
        context["scripted"] = "X-Requested-With" in request.headers
        if context["scripted"]:
            return TemplateResponse(request, self.template, context)
        # Without JavaScript the browser opens the preview as a page of its own.
        page = "maintenance_windows/admin/preview_page.html"
        return model_admin.render_page(request, page, self.title, template=self.template, **context)


class PreviewedAdmin(RecordAdmin):
    """An admin whose forms have a preview."""

    preview: Preview

    def own_urls(self) -> list[URLPattern]:
        return [*super().own_urls(), self.page("preview/", self.preview.view, "preview")]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["preview_url"] = self.preview.url(self, context["original"])
        return super().render_change_form(request, context, *args, **kwargs)
