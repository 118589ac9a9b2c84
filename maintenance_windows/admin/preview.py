"""What a form asks for, shown before it is saved."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from maintenance_windows.forms.fields import PK


class Previewed(admin.ModelAdmin):  # type: ignore[type-arg]
    """`previewed` is the parameter that names the row which the form changes."""

    previewed: str
    preview_title: Any
    preview_template: str

    def preview_of(self, form: Any) -> dict[str, Any]:
        """What the template needs, for a form that was checked; reads only."""
        raise NotImplementedError

    @property
    def preview_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_preview"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview)
        return [path("preview/", view, name=self.preview_name), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = context["original"]
        query = f"?{self.previewed}={row.pk}" if row else ""
        url = reverse(f"admin:{self.preview_name}", current_app=self.admin_site.name)
        context["preview_url"] = f"{url}{query}"
        return super().render_change_form(request, context, *args, **kwargs)

    def preview(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        pk = request.GET.get(self.previewed, "")
        row = get_object_or_404(self.model, pk=int(pk)) if PK.fullmatch(pk) else None
        allowed = self.has_change_permission if row else self.has_add_permission
        if not allowed(request, *[row] if row else []):
            return HttpResponse(status=403)
        form_class: Any = self.get_form(request, row, change=row is not None)
        form = form_class(request.POST, instance=row)
        form.is_valid()
        # A browser without JavaScript has opened a page of its own for it.
        part = "X-Requested-With" in request.headers
        common = {} if part else self.admin_site.each_context(request)
        context: dict[str, Any] = {"title": self.preview_title, "template": self.preview_template}
        context |= {"errors": form.preview_errors()} | self.preview_of(form)
        name = self.preview_template if part else "maintenance_windows/admin/preview_page.html"
        return TemplateResponse(request, name, common | context)
