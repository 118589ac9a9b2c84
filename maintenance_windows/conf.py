"""The settings of the app: one table, which code reads, `check` checks and docs/reference.md shows.

`conf.MAINTENANCE_FORCE` and the others are typed, and read at their first use.
"""

import re
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from math import ceil
from typing import Any, Generic, Protocol, Self, TypeVar, overload

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

T = TypeVar("T")
MOST_DAYS = 3660
E001 = "maintenance_windows.E001"
E002 = "maintenance_windows.E002"
E004 = "maintenance_windows.E004"
E005 = "maintenance_windows.E005"


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """What values look like. `wanted` says what fits, the check of that `id` says what does not.

    `read` makes what code gets, of the default where a value does not fit; a lenient one of any
    value, as from a list whose other entries fit.
    """

    id: str
    wanted: str
    fits: Callable[[Any], bool]
    read: Callable[[Any], T]
    lenient: bool = False


class Setting(Generic[T]):
    """An entry of the table. The string below it is its meaning in docs/reference.md."""

    def __init__(self, kind: Kind[T], default: object) -> None:
        self.kind, self.default = kind, default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, conf: None, owner: type) -> Self: ...
    @overload
    def __get__(self, conf: object, owner: type) -> T: ...
    def __get__(self, conf: object | None, owner: type) -> Self | T:
        """The value, kept in `conf` itself, where Python looks before it comes here again."""
        if conf is None:
            return self
        given, kind = getattr(settings, self.name, self.default), self.kind
        value = kind.read(given if kind.lenient or kind.fits(given) else self.default)
        vars(conf)[self.name] = value
        return value


def _one_of(*words: str) -> Kind[str | None]:
    wanted = " or ".join(map(repr, words))
    return Kind(E001, wanted, lambda value: value is None or value in words, lambda value: value)


def _is_number(value: Any, least: int = 0, most: int = MOST_DAYS * 86_400) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and least <= value <= most  # which neither NaN nor infinity is


def _is_days(value: Any) -> bool:
    return isinstance(value, int) and _is_number(value, 1, MOST_DAYS)


def _is_bytes(value: Any) -> bool:
    return isinstance(value, int) and _is_number(value, most=sys.maxsize)


def _seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def _seconds_or_none(whole: Callable[[float], int]) -> Kind[int | None]:
    """Whole seconds and at least one, as Retry-After has them for an end that is known."""
    return Kind(
        E002,
        "a number of seconds or None",
        lambda value: value is None or _is_number(value),
        lambda value: None if value is None else max(1, whole(value)),
    )


def _entries(value: Any) -> Collection[Any]:
    value = (value,) if isinstance(value, str) else value  # a lone one is meant as one
    return value if isinstance(value, list | tuple | set | frozenset) else (None,)


def _texts(wanted: str, pattern: str = "", end: str = "") -> Kind[tuple[str, ...]]:
    """A list of strings that begin as the pattern says; read without `end`."""

    def is_entry(entry: Any) -> bool:
        return isinstance(entry, str) and re.match(pattern, entry) is not None

    return Kind(
        E005,
        wanted,
        lambda value: all(map(is_entry, _entries(value))),
        lambda value: tuple(entry.rstrip(end) for entry in filter(is_entry, _entries(value))),
        lenient=True,
    )


def _function(value: Callable[[Any], Any] | str | None) -> Callable[[Any], Any] | None:
    """Raises ImportError where there is none."""
    return import_string(value) if isinstance(value, str) else value


BOOLEAN = Kind(E005, "True or False", lambda value: isinstance(value, bool), bool, lenient=True)
TEMPLATE: Kind[str | None] = Kind(
    E005, "the name of a template", lambda value: isinstance(value, str | None), lambda value: value
)
TEXTS = _texts("a list of strings")
PATHS = _texts('a list of paths such as "/status"', "/")
# Below "/" is everything, so that one counts for nothing.
PREFIXES = _texts('a list of paths such as "/hooks"', "/+[^/]", end="/")
SECONDS = Kind(E002, "a number of seconds", _is_number, _seconds)
WHOLE_SECONDS = Kind(E002, "a number of seconds", _is_number, ceil)
BYTES = Kind(E002, "a whole number of bytes", _is_bytes, int)
AGE = Kind(E002, "a number of seconds, 1 at least", lambda value: _is_number(value, 1), _seconds)
DAYS = Kind(E002, f"whole days from 1 to {MOST_DAYS}", _is_days, timedelta)
# Whether it fits is known when it is read: a check of its own says so.
FUNCTION = Kind(E004, "a callable or its dotted path", lambda _: True, _function)


class Conf:
    MAINTENANCE_503_TEMPLATE = Setting(TEMPLATE, None)
    """the template of the page; else `503.html`, else our own, also where one of these fails"""
    MAINTENANCE_ADMIN_IGNORED_URLS = Setting(TEXTS, ())
    """regular expressions that stay open on every site, matched from the start of a path without
    its leading slash; `check` warns (`W002`) of one that cannot be used"""
    MAINTENANCE_API_PREFIXES = Setting(PREFIXES, ())
    """`["/api"]`: there the 503 is JSON, whatever is accepted"""
    MAINTENANCE_BANNER_LEAD = Setting(SECONDS, 3600)
    """seconds ahead at which a maintenance is announced by the banner"""
    MAINTENANCE_BLOCK_STAFF = Setting(BOOLEAN, default=False)
    """staff who are not superusers get the 503 too"""
    MAINTENANCE_CLOCK_TOLERANCE = Setting(SECONDS, 5)
    """seconds by which a host's clock may differ from the database's before the log says so; the
    database's clock decides in any case"""
    MAINTENANCE_DISCARD_BYTES = Setting(BYTES, 67_108_864)
    """the largest body of a refused request that is read and discarded, so that the proxy in front
    does not see a reset connection; 0 reads none"""
    MAINTENANCE_DISCARD_SECONDS = Setting(SECONDS, 2)
    """the longest time for which a worker reads such a body; it gives up after a second
    where less than 1 MB a second arrives"""
    MAINTENANCE_EXEMPT_NETWORKS = Setting(TEXTS, ())
    """addresses and networks, IPv4 and IPv6, that pass"""
    MAINTENANCE_EXEMPT_PATHS = Setting(PATHS, ())
    """`["/status"]`: exactly these paths stay open"""
    MAINTENANCE_EXEMPT_PREFIXES = Setting(PREFIXES, ())
    """`["/hooks"]`: `/hooks` and all below `/hooks/` stay open"""
    MAINTENANCE_EXEMPT_URL_NAMES = Setting(TEXTS, ())
    """`["shop:paid"]`: URLs by name, under any language prefix"""
    MAINTENANCE_FORCE = Setting(_one_of("on", "off"), None)
    """`"on"` closes and `"off"` opens every site, whatever else is known; the admin, `status` and
    `check --deploy` (`W003`) show it"""
    MAINTENANCE_IS_STAFF = Setting(FUNCTION, None)
    """a function, sync or async, or its dotted path: is given an active user, and says whether they
    count as staff, in place of `is_staff`. For editors of a CMS who are not `is_staff`; superusers
    pass whatever it says"""
    MAINTENANCE_MAY_PASS = Setting(FUNCTION, None)
    """a function, sync or async, or its dotted path: is given each request that would get the 503,
    and lets it pass by returning true. For users who come by token; it should be quick"""
    MAINTENANCE_RETRY_AFTER = Setting(_seconds_or_none(ceil), 300)
    """seconds in `Retry-After` where no end is known; `None` leaves it out"""
    MAINTENANCE_RETRY_AFTER_JITTER = Setting(WHOLE_SECONDS, 0)
    """up to so many seconds more, by chance, so that a fleet does not come back in one second"""
    MAINTENANCE_RETRY_AFTER_MAX = Setting(_seconds_or_none(int), None)
    """upper limit of `Retry-After`, in seconds"""
    MAINTENANCE_SERIES_HORIZON = Setting(DAYS, 60)
    """days ahead for which the windows of series are made"""
    MAINTENANCE_TICK_MAX_AGE = Setting(AGE, 8)
    """seconds after which the scheduler's last tick is too old"""
    MAINTENANCE_TRUSTED_PROXIES = Setting(TEXTS, ())
    """addresses and networks whose `X-Forwarded-For` is believed; `"unix"` for a proxy that asks
    over a Unix socket"""
    MAINTENANCE_WHEN_UNKNOWN = Setting(_one_of("open", "closed"), "open")
    """or `"closed"`: what sites are while neither database nor cache tell"""
    MAINTENANCE_WRITABLE_URL_NAMES = Setting(TEXTS, ())
    """URLs that take writes while the site is read-only, such as `["login", "logout"]`"""

    INTERNAL_IPS = cached_property[Collection[str]](lambda _: settings.INTERNAL_IPS)

    @property
    def SITE_ID(self) -> int | None:  # noqa: N802
        """The one site that this process serves; without it the host tells.

        Some projects give it another value for each request.
        """
        return getattr(settings, "SITE_ID", None) if self._knows_site else None

    @cached_property
    def _knows_site(self) -> bool:
        """To ask for a setting that is none takes longer than to find a site by its host."""
        return hasattr(settings, "SITE_ID")

    def cache_clear(self) -> None:
        vars(self).clear()


SETTINGS = {name: value for name, value in vars(Conf).items() if isinstance(value, Setting)}


class Cache(Protocol):
    def cache_clear(self) -> None: ...


CacheT = TypeVar("CacheT", bound=Cache)


def until_settings_change(cache: CacheT) -> CacheT:
    """Settings change in tests alone, and what was remembered by them is forgotten then."""
    setting_changed.connect(lambda **_: cache.cache_clear(), weak=False)
    return cache


conf = until_settings_change(Conf())
