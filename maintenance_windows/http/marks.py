"""The marks of @maintenance_exempt, and where Django leads to a marked function."""

from collections.abc import Callable, Collection
from functools import partial
from inspect import isfunction
from typing import Any, TypeVar
from weakref import WeakSet

View = Callable[..., Any]
ViewT = TypeVar("ViewT", bound=View)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})

OURS = object()
# What the decorator has marked, for a check that names what no URL leads to.
marked: WeakSet[View] = WeakSet()


def mark(function: View) -> None:
    """Mark a function. Decorators that use functools.wraps hand the mark on."""
    function.maintenance_exempt = object()  # type: ignore[attr-defined]
    marked.add(function)


def exempt(view: ViewT) -> ViewT:
    """Mark a view of ours as it is, which a project need not mount."""
    view.maintenance_exempt = OURS  # type: ignore[attr-defined]
    return view


def is_ours(view: object) -> bool:
    return mark_of(view) is OURS


def mark_of(function: object) -> object | None:
    return getattr(function, "maintenance_exempt", None) or None


def is_marked(view: Any, methods: Collection[str]) -> bool:
    """Return whether a view of a URLconf is marked, or what handles each of these methods in it.

    Without methods, nothing in it counts.
    """
    view = _inner(view)
    if mark_of(view):
        return True
    return bool(methods) and all(mark_of(_handler(view, method)) for method in methods)


def marks_in(view: Any) -> set[object]:
    """Return the marks that is_marked() can find in a view of a URLconf."""
    view = _inner(view)
    found = [view, *(_handler(view, method) for method in METHODS)]
    return {mark for mark in map(mark_of, found) if mark}


def _inner(view: Any) -> Any:
    while isinstance(view, partial) and not mark_of(view):
        view = view.func
    return view


def _handler(view: Any, method: str) -> object | None:
    """Return the function in a class of views, or in an API of django-ninja, for a method."""
    kind = getattr(view, "view_class", None) or getattr(view, "cls", None)
    if kind is None:
        return _operation(view, method)
    name: str | None = method.lower()
    if actions := getattr(view, "actions", None):  # of a ViewSet of Django REST framework
        name = actions.get(name)
    handler = getattr(kind, name, None) if name else None
    return _handler(view, "GET") if handler is None and method == "HEAD" else handler


def _operation(view: Any, method: str) -> object | None:
    """Private: the view of django-ninja closes over its PathView, and was a method of it once."""
    owner = getattr(view, "__self__", None)
    if isfunction(view) and view.__closure__:
        closed = dict(zip(view.__code__.co_freevars, view.__closure__, strict=True))
        owner = closed["self"].cell_contents if "self" in closed else None
    operations = getattr(owner, "operations", None)
    for operation in operations if isinstance(operations, list) else ():
        if method in getattr(operation, "methods", ()):
            return getattr(operation, "view_func", None)
    return None
