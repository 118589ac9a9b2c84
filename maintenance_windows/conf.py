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

from maintenance_windows.core.brand import WANTED, read_brand

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
# "*" alone is everything, so that it counts for nothing.
NAMES = _texts('a list of names of URLs such as "shop:paid" or "mfa_*"', r"\**[^*]")
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
# A check of its own says which entry does not fit.
BRAND = Kind(E005, f"a dict of {', '.join(WANTED)}", lambda _: True, read_brand)


class Conf:
    MAINTENANCE_503_TEMPLATE = Setting(TEMPLATE, None)
    """Template of the 503 page. Without one, `503.html` of the project, then the built-in page,
    which also replaces a template that fails"""
    MAINTENANCE_ADMIN_IGNORED_URLS = Setting(TEXTS, ())
    """Regular expressions of paths that are exempt on every site, matched from the start of a path
    without its leading slash. `check` reports an invalid one (`W002`), which is ignored"""
    MAINTENANCE_API_PREFIXES = Setting(PREFIXES, ())
    """Paths below these prefixes always get the 503 as JSON: `["/api"]`"""
    MAINTENANCE_BANNER_LEAD = Setting(SECONDS, 3600)
    """How many seconds before a maintenance starts the banner appears, unless its window has a lead
    of its own"""
    MAINTENANCE_BLOCK_STAFF = Setting(BOOLEAN, default=False)
    """Staff get the 503, too; superusers always pass"""
    MAINTENANCE_BRAND = Setting(BRAND, {})
    """A dict of `name`, `logo`, `accent`, `home` and `contact`, each optional, for the pages
    that visitors see"""
    MAINTENANCE_CLOCK_TOLERANCE = Setting(SECONDS, 5)
    """How many seconds a host's clock may differ from the database's before the log says so. The
    database's clock decides in any case"""
    MAINTENANCE_DISCARD_BYTES = Setting(BYTES, 67_108_864)
    """Size of the largest request body that is read and discarded before a 503, so that the proxy
    does not see a reset connection; 0 reads none"""
    MAINTENANCE_DISCARD_SECONDS = Setting(SECONDS, 2)
    """How long a worker reads such a body. It gives up after a second if less than 1 MB a second
    arrives"""
    MAINTENANCE_EXEMPT_NETWORKS = Setting(TEXTS, ())
    """Addresses and networks of clients that pass, IPv4 and IPv6"""
    MAINTENANCE_EXEMPT_PATHS = Setting(PATHS, ())
    """Paths that are exempt: `["/status"]` exempts exactly `/status`, and `/status/` if Django
    redirects it there"""
    MAINTENANCE_EXEMPT_PREFIXES = Setting(PREFIXES, ())
    """Prefixes of paths that are exempt: `["/hooks"]` exempts `/hooks` and everything below
    `/hooks/`"""
    MAINTENANCE_EXEMPT_URL_NAMES = Setting(NAMES, ())
    """Names of URLs that are exempt, under any language prefix: `["shop:paid", "mfa_*"]`. A `*`
    stands for any text"""
    MAINTENANCE_FORCE = Setting(_one_of("on", "off"), None)
    """Overrides everything: `"on"` takes all sites down, `"off"` brings all sites up. The admin,
    `status` and `check --deploy` (`W003`) show it"""
    MAINTENANCE_IS_STAFF = Setting(FUNCTION, None)
    """Function, sync or async, or its dotted path, that takes an active user and returns whether
    they count as staff, instead of `is_staff`. Use it for editors of a CMS who are not `is_staff`.
    Superusers pass in any case"""
    MAINTENANCE_MAY_PASS = Setting(FUNCTION, None)
    """Function, sync or async, or its dotted path, that takes each request that would get a 503,
    and returns whether it passes. Use it for users who come by token, and keep it fast"""
    MAINTENANCE_ONLY_READS = Setting(FUNCTION, None)
    """Function, sync or async, or its dotted path, that takes each request that a read-only site
    would refuse, and returns whether it only reads. Use it for GraphQL queries and searches by
    POST"""
    MAINTENANCE_PUBLIC_HISTORY = Setting(BOOLEAN, default=False)
    """Whether the status page shows the maintenance of the last 30 days"""
    MAINTENANCE_RETRY_AFTER = Setting(_seconds_or_none(ceil), 300)
    """Seconds in `Retry-After` while the end is unknown; `None` leaves the header out"""
    MAINTENANCE_RETRY_AFTER_JITTER = Setting(WHOLE_SECONDS, 0)
    """Upper limit of the random seconds that are added to `Retry-After`, so that clients do not all
    return at once"""
    MAINTENANCE_RETRY_AFTER_MAX = Setting(_seconds_or_none(int), None)
    """Upper limit of `Retry-After`, in seconds"""
    MAINTENANCE_SERIES_HORIZON = Setting(DAYS, 60)
    """How many days ahead recurring windows are created"""
    MAINTENANCE_TICK_MAX_AGE = Setting(AGE, 8)
    """Seconds after the last tick until the scheduler counts as down"""
    MAINTENANCE_TRUSTED_PROXIES = Setting(TEXTS, ())
    """Addresses and networks of proxies whose `X-Forwarded-For` is trusted; `"unix"` for a proxy
    that connects over a Unix socket"""
    MAINTENANCE_WHEN_UNKNOWN = Setting(_one_of("open", "closed"), "open")
    """State of all sites while neither database nor cache is available: `"open"` (up) or `"closed"`
    (down)"""
    MAINTENANCE_WRITABLE_URL_NAMES = Setting(NAMES, ())
    """Names of URLs that accept writes in read-only mode, such as `["logout", "cart:*"]`"""

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
