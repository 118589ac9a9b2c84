"""The answer to a button that is refused: the sentence, or the question what overrides a freeze."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from maintenance_windows.admin.base import RecordAdmin
from maintenance_windows.admin.telling import say
from maintenance_windows.exceptions import FrozenStart, Refused
from maintenance_windows.models import REASON_LENGTH

OVERRIDE = "override"


def answer_refusal(
    model_admin: RecordAdmin, request: HttpRequest, refusal: Refused, back: str
) -> HttpResponse:
    """Go back and say why; a person who may override the freeze is asked for the reason instead."""
    if isinstance(refusal, FrozenStart) and model_admin.rights(request).freeze:
        left_out = {OVERRIDE, "csrfmiddlewaretoken"}
        sent = {name: value for name, value in request.POST.items() if name not in left_out}
        context = {"refusal": refusal, "sent": sent, "length": REASON_LENGTH}
        title = _("Override a freeze")
        template = "maintenance_windows/admin/override.html"
        return model_admin.render_page(request, template, title, label=title, back=back, **context)
    say(model_admin, request, str(refusal), level=messages.ERROR)
    return HttpResponseRedirect(back)
