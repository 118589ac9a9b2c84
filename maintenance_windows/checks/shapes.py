"""What the value of each setting must look like."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any

MOST_DAYS = 3660


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """`wanted` says in words what fits, `id` is that of the message about what does not."""

    id: str
    wanted: str
    fits: Callable[[Any], bool]


def _is_number(value: Any, least: int = 0) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and isfinite(value) and value >= least


def _are_texts(value: Any, fits: Callable[[str], bool] = lambda _: True) -> bool:
    texts = (value,) if isinstance(value, str) else value  # a lone one is meant as one
    if not isinstance(texts, list | tuple | set | frozenset):
        return False
    return all(isinstance(text, str) and fits(text) for text in texts)


def _one_of(*words: str) -> Shape:
    return Shape(
        id="maintenance_windows.E001",
        wanted=" or ".join(map(repr, words)),
        fits=lambda value: value is None or value in words,
    )


SECONDS = Shape(id="maintenance_windows.E002", wanted="a number of seconds", fits=_is_number)
# Zero counts for nothing.
SECONDS_OF_A_TICK = Shape(
    id="maintenance_windows.E002",
    wanted="a number of seconds, 1 at least",
    fits=lambda value: _is_number(value, 1),
)
SECONDS_OR_NONE = Shape(
    id="maintenance_windows.E002",
    wanted="a number of seconds or None",
    fits=lambda value: value is None or _is_number(value),
)
DAYS = Shape(
    id="maintenance_windows.E002",
    wanted=f"whole days from 1 to {MOST_DAYS}",
    fits=lambda value: isinstance(value, int) and _is_number(value, 1) and value <= MOST_DAYS,
)
BOOLEAN = Shape(
    id="maintenance_windows.E005",
    wanted="True or False",
    fits=lambda value: isinstance(value, bool),
)
TEMPLATE = Shape(
    id="maintenance_windows.E005",
    wanted="the name of a template",
    fits=lambda value: value is None or isinstance(value, str),
)
TEXTS = Shape(id="maintenance_windows.E005", wanted="a list of strings", fits=_are_texts)
PATHS = Shape(
    id="maintenance_windows.E005",
    wanted='a list of paths such as "/status"',
    fits=lambda value: _are_texts(value, lambda path: path.startswith("/")),
)
# Below "/" is everything, so that one counts for nothing.
PREFIXES = Shape(
    id="maintenance_windows.E005",
    wanted='a list of paths such as "/hooks"',
    fits=lambda value: _are_texts(
        value, lambda path: path.startswith("/") and path.strip("/") != ""
    ),
)

SHAPES = {
    "MAINTENANCE_503_TEMPLATE": TEMPLATE,
    "MAINTENANCE_ADMIN_IGNORED_URLS": TEXTS,
    "MAINTENANCE_API_PREFIXES": PREFIXES,
    "MAINTENANCE_BANNER_LEAD": SECONDS,
    "MAINTENANCE_BLOCK_STAFF": BOOLEAN,
    "MAINTENANCE_EXEMPT_NETWORKS": TEXTS,
    "MAINTENANCE_EXEMPT_PATHS": PATHS,
    "MAINTENANCE_EXEMPT_PREFIXES": PREFIXES,
    "MAINTENANCE_EXEMPT_URL_NAMES": TEXTS,
    "MAINTENANCE_FORCE": _one_of("on", "off"),
    "MAINTENANCE_RETRY_AFTER": SECONDS_OR_NONE,
    "MAINTENANCE_RETRY_AFTER_JITTER": SECONDS,
    "MAINTENANCE_RETRY_AFTER_MAX": SECONDS_OR_NONE,
    "MAINTENANCE_SERIES_HORIZON": DAYS,
    "MAINTENANCE_TICK_MAX_AGE": SECONDS_OF_A_TICK,
    "MAINTENANCE_TRUSTED_PROXIES": TEXTS,
    "MAINTENANCE_WHEN_UNKNOWN": _one_of("open", "closed"),
    "MAINTENANCE_WRITABLE_URL_NAMES": TEXTS,
}
