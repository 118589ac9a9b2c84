"""What visitors get from this app itself; none of it is ever closed."""

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import get_script_prefix
from django.views.decorators.http import require_safe

from maintenance_windows import store
from maintenance_windows.bypass import COOKIE, Token
from maintenance_windows.requests import site_state
from maintenance_windows.responses import unavailable


@require_safe
def bypass(request: HttpRequest, token: str) -> HttpResponse:
    """A bypass link: keeps its token in a cookie and leads to the site, without the token.

    While the site is closed, a token that is not good for it gets the 503 like anybody.
    """
    now = datetime.now(UTC)
    state = site_state(request, store.current())
    maintenance = state.at(now) if state else None
    read = Token.read(token)
    if state and maintenance and not (read and read.admits(state, now)):
        response = unavailable(request, state, maintenance, now)
    else:
        response = HttpResponseRedirect(get_script_prefix())
        response.headers["Cache-Control"] = "no-store"
        if read and not read.is_over(now):
            left = None if read.expires_at is None else read.expires_at - now
            response.set_cookie(
                COOKIE,
                token,
                max_age=left,
                path=get_script_prefix(),
                secure=request.is_secure(),
                httponly=True,
                samesite="Lax",
            )
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
