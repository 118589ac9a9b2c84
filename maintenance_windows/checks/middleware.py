"""Checks of MIDDLEWARE: ours is present, only once, and in the right order."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.utils.module_loading import import_string

NAME = "MaintenanceModeMiddleware"  # similar packages use the same name
OURS = f"maintenance_windows.middleware.{NAME}"
CORS = "corsheaders.middleware.CorsMiddleware"

# The consequence if one of these, or a subclass, is on the wrong side of ours.
NOBODY = "staff get the 503, because their login is not known yet"
BEFORE_OURS = {
    "django.contrib.sessions.middleware.SessionMiddleware": NOBODY,
    "django.contrib.auth.middleware.AuthenticationMiddleware": NOBODY,
    "django.contrib.auth.middleware.RemoteUserMiddleware": NOBODY,
    "django.middleware.locale.LocaleMiddleware": (
        "the 503 is in the language of the previous visitor"
    ),
}
AFTER_OURS = {
    "django.middleware.cache.FetchFromCacheMiddleware": "cached pages are sent during maintenance",
}

# The path of each middleware, and the names of its class and of its base classes.
Stack = Sequence[tuple[str, frozenset[str]]]


def check_presence(**_: Any) -> list[CheckMessage]:
    """W005: the middleware is missing, so no site is ever down in this process."""
    if _places(_stack(), OURS):
        return []
    return [
        CheckWarning(
            f"{NAME} is missing from MIDDLEWARE, so no site ever goes down.",
            hint=f'Add "{OURS}" after AuthenticationMiddleware.',
            id="maintenance_windows.W005",
        )
    ]


def check_order(**_: Any) -> list[CheckMessage]:
    """W006: a middleware that identifies the visitor is too late, or one that answers too early."""
    stack = _stack()
    ours = _places(stack, OURS)
    if not ours:
        return []
    late, early = stack[ours[0] + 1 :], stack[: ours[0]]
    found = [
        *((path, "before", what) for path, what in _met(late, BEFORE_OURS)),
        *((path, "after", what) for path, what in _met(early, AFTER_OURS)),
    ]
    return [
        CheckWarning(
            f"{path} must come {other} {NAME} in MIDDLEWARE: otherwise {what}.",
            hint=f"Move it {other} {NAME}.",
            id="maintenance_windows.W006",
        )
        for path, other, what in found
    ]


def check_kin(**_: Any) -> list[CheckMessage]:
    """W007: there are several maintenance middlewares, each with its own state."""
    kin = [path for path, kinds in _stack() if OURS in kinds or path.endswith(f".{NAME}")]
    if len(kin) <= 1:
        return []
    return [
        CheckWarning(
            f"MIDDLEWARE has several maintenance middlewares: {', '.join(kin)}.",
            hint="Keep one: each has its own state, and a site is up only if it is up for all.",
            id="maintenance_windows.W007",
        )
    ]


def check_cors(**_: Any) -> list[CheckMessage]:
    """W004: scripts of other origins cannot read the 503 or its Retry-After header."""
    return [CheckWarning(text, id="maintenance_windows.W004") for text in _cors_complaints()]


def _cors_complaints() -> Iterator[str]:
    stack = _stack()
    ours, cors = _places(stack, OURS), _places(stack, CORS)
    if not ours or not cors:
        return
    if cors[0] > ours[0]:
        yield f"{CORS} must come before {NAME}: otherwise the 503 has no CORS headers."
    exposed = [name.lower() for name in getattr(settings, "CORS_EXPOSE_HEADERS", ())]
    if exposed and "retry-after" not in exposed:
        yield 'Add "Retry-After" to CORS_EXPOSE_HEADERS: otherwise browsers hide it from scripts.'


def _stack() -> Stack:
    return [(path, _kinds(path)) for path in settings.MIDDLEWARE]


def _kinds(path: str) -> frozenset[str]:
    try:
        found = import_string(path)
    except ImportError:
        return frozenset({path})  # Django reports it
    classes = found.__mro__ if isinstance(found, type) else ()
    return frozenset({path, *(f"{one.__module__}.{one.__qualname__}" for one in classes)})


def _places(stack: Stack, kind: str) -> list[int]:
    return [place for place, (_path, kinds) in enumerate(stack) if kind in kinds]


def _met(stack: Stack, outcomes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the path of each middleware of one of these kinds, with the consequence."""
    for path, kinds in stack:
        for kind in outcomes.keys() & kinds:
            yield path, outcomes[kind]
