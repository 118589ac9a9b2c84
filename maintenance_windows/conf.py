"""The settings of the app, typed and read at their first use; override_settings works."""

from collections.abc import Callable, Collection
from datetime import timedelta
from functools import cached_property
from math import ceil, isfinite
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from functools import _lru_cache_wrapper


def _texts(name: str) -> tuple[str, ...]:
    """What is no text counts for nothing; check says so."""
    given = getattr(settings, name, ())
    given = (given,) if isinstance(given, str) else given  # a lone one is meant as one
    is_list = isinstance(given, list | tuple | set | frozenset)
    return tuple(text for text in given if isinstance(text, str)) if is_list else ()


def _roots(name: str) -> tuple[str, ...]:
    """Prefixes of paths, without the slash at their end; "" is none: all is below it."""
    return tuple(filter(None, (prefix.rstrip("/") for prefix in _texts(name))))


def _number(name: str, default: Any) -> Any:
    """A number, or None where the setting says so; the default for what is none."""
    value = getattr(settings, name, default)
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return value if is_number or value is None else default


class Conf:
    @cached_property
    def template(self) -> str | None:
        """MAINTENANCE_503_TEMPLATE: the host project's own page; else its 503.html."""
        return getattr(settings, "MAINTENANCE_503_TEMPLATE", None)

    @cached_property
    def block_staff(self) -> bool:
        """MAINTENANCE_BLOCK_STAFF: whether staff get the 503 too; superusers never do."""
        return bool(getattr(settings, "MAINTENANCE_BLOCK_STAFF", False))

    @cached_property
    def admin_ignored_urls(self) -> tuple[str, ...]:
        """MAINTENANCE_ADMIN_IGNORED_URLS: regular expressions that stay open on every site.

        They are matched from the start of a path without its leading slash.
        """
        return _texts("MAINTENANCE_ADMIN_IGNORED_URLS")

    @cached_property
    def exempt_paths(self) -> tuple[str, ...]:
        """MAINTENANCE_EXEMPT_PATHS: paths that stay open on every site, such as "/status"."""
        return _texts("MAINTENANCE_EXEMPT_PATHS")

    @cached_property
    def exempt_prefixes(self) -> tuple[str, ...]:
        """MAINTENANCE_EXEMPT_PREFIXES: "/hooks" keeps /hooks and all below /hooks/ open."""
        return _roots("MAINTENANCE_EXEMPT_PREFIXES")

    @cached_property
    def exempt_url_names(self) -> tuple[str, ...]:
        """MAINTENANCE_EXEMPT_URL_NAMES: names of URLs that stay open, such as "shop:paid"."""
        return _texts("MAINTENANCE_EXEMPT_URL_NAMES")

    @cached_property
    def writable_url_names(self) -> tuple[str, ...]:
        """MAINTENANCE_WRITABLE_URL_NAMES: names of URLs that take writes while read-only."""
        return _texts("MAINTENANCE_WRITABLE_URL_NAMES")

    @cached_property
    def api_prefixes(self) -> tuple[str, ...]:
        """MAINTENANCE_API_PREFIXES: below them the 503 is JSON, whatever is accepted."""
        return _roots("MAINTENANCE_API_PREFIXES")

    @cached_property
    def exempt_networks(self) -> tuple[str, ...]:
        """MAINTENANCE_EXEMPT_NETWORKS: addresses and networks whose clients pass."""
        return _texts("MAINTENANCE_EXEMPT_NETWORKS")

    @cached_property
    def trusted_proxies(self) -> tuple[str, ...]:
        """MAINTENANCE_TRUSTED_PROXIES: addresses and networks whose X-Forwarded-For is believed.

        "unix" stands for a proxy that asks over a Unix socket.
        """
        return _texts("MAINTENANCE_TRUSTED_PROXIES")

    @cached_property
    def may_pass(self) -> Callable[[Any], Any] | None:
        """MAINTENANCE_MAY_PASS: a function, or its path, that is given the request.

        Raises ImportError where there is none.
        """
        given = getattr(settings, "MAINTENANCE_MAY_PASS", None)
        return import_string(given) if isinstance(given, str) else given

    @cached_property
    def retry_after(self) -> int | None:
        """MAINTENANCE_RETRY_AFTER: seconds to wait where no end is known; None sends no header.

        Whole seconds and at least one, as for an end that is known.
        """
        seconds = _number("MAINTENANCE_RETRY_AFTER", 300)
        return None if seconds is None else max(1, ceil(seconds))

    @cached_property
    def retry_after_jitter(self) -> int:
        """MAINTENANCE_RETRY_AFTER_JITTER: Retry-After is up to so many seconds more."""
        return max(0, ceil(_number("MAINTENANCE_RETRY_AFTER_JITTER", 0) or 0))

    @cached_property
    def retry_after_max(self) -> int | None:
        """MAINTENANCE_RETRY_AFTER_MAX: seconds that Retry-After says at the most."""
        seconds = _number("MAINTENANCE_RETRY_AFTER_MAX", None)
        return None if seconds is None else max(1, int(seconds))

    @cached_property
    def banner_lead(self) -> timedelta:
        """MAINTENANCE_BANNER_LEAD: seconds before a maintenance from which it is announced."""
        return timedelta(seconds=_number("MAINTENANCE_BANNER_LEAD", 3600) or 0)

    @cached_property
    def tick_max_age(self) -> timedelta:
        """MAINTENANCE_TICK_MAX_AGE: seconds after which the scheduler's last tick is too old."""
        return timedelta(seconds=_number("MAINTENANCE_TICK_MAX_AGE", 8) or 8)

    @cached_property
    def horizon(self) -> timedelta:
        """MAINTENANCE_SERIES_HORIZON: days ahead for which the windows of series are made."""
        return timedelta(days=_number("MAINTENANCE_SERIES_HORIZON", 60) or 60)

    @cached_property
    def internal_ips(self) -> Collection[str]:
        return settings.INTERNAL_IPS

    @cached_property
    def forced(self) -> bool | None:
        """MAINTENANCE_FORCE: "on" closes and "off" opens every site, whatever else is known."""
        given = getattr(settings, "MAINTENANCE_FORCE", None)
        return given == "on" if given in ("on", "off") else None

    @cached_property
    def closed_if_unknown(self) -> bool:
        """MAINTENANCE_WHEN_UNKNOWN: "closed", or "open" where neither database nor cache tell."""
        return bool(getattr(settings, "MAINTENANCE_WHEN_UNKNOWN", "open") == "closed")

    @property
    def site_id(self) -> int | None:
        """SITE_ID: the one site that this process serves; without it the host tells.

        Some projects give it another value for each request.
        """
        return getattr(settings, "SITE_ID", None) if self._knows_site else None

    @cached_property
    def _knows_site(self) -> bool:
        """To ask for a setting that is none takes longer than to find a site by its host."""
        return hasattr(settings, "SITE_ID")


conf = Conf()

Remembering = TypeVar("Remembering", bound="_lru_cache_wrapper[Any]")


def until_settings_change(remembering: Remembering) -> Remembering:
    """Of a function with an lru_cache: settings change in tests alone, and it starts over then."""

    def start_over(**_: Any) -> None:
        remembering.cache_clear()

    setting_changed.connect(start_over, weak=False)
    return remembering


def _start_over(**_: Any) -> None:
    vars(conf).clear()


setting_changed.connect(_start_over)
