"""Decorators for views: functions and classes, sync and async."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.decorators import method_decorator

from maintenance_windows.core.state import Maintenance
from maintenance_windows.http.marks import mark
from maintenance_windows.requests import aget_maintenance, get_maintenance

View = Callable[..., Any]


def maintenance_exempt(view: View) -> View:
    """Exempt a view from maintenance. Put it above other decorators.

    It also takes what handles one method: of a class of views, a ViewSet of Django REST framework,
    or an API of django-ninja. Raises TypeError for what no request can lead to.
    """
    if isinstance(view, type):
        if not callable(dispatch := getattr(view, "dispatch", None)):
            raise TypeError(f"{view.__qualname__} is no class of views: it has no dispatch().")
        view.dispatch = maintenance_exempt(dispatch)  # type: ignore[attr-defined]
        return view
    if not callable(view):
        raise TypeError(f"maintenance_exempt takes a view, not {type(view).__qualname__}.")
    if hasattr(view, "_ninja_operation"):  # registered already, so a wrapper would come too late
        mark(view)
        return view

    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    mark(wrapper)
    return markcoroutinefunction(wrapper) if iscoroutinefunction(view) else wrapper


def maintenance_required(view: View) -> View:
    """Serve a view only while its site is in maintenance, to users who may pass.

    At other times it raises PermissionDenied, which gives a 403. Use it for pages that would do
    harm while visitors use the site.
    """
    if isinstance(view, type):
        return method_decorator(maintenance_required, name="dispatch")(view)

    if iscoroutinefunction(view):

        @wraps(view)
        async def awrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            _require(await aget_maintenance(request))
            return await view(request, *args, **kwargs)

        return awrapper

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        _require(get_maintenance(request))
        return view(request, *args, **kwargs)

    return wrapper


def _require(maintenance: Maintenance | None) -> None:
    if maintenance is None:
        raise PermissionDenied("This is there only while the site is in maintenance.")
