"""The arguments of the verbs, which code of the project passes: checked before anything is written.

Each complaint is a TypeError that names the argument. A `Refused` is for what people ask for.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.sites.models import Site
from django.utils import timezone

from maintenance_windows.core.state import Level
from maintenance_windows.models import WindowSeries

LEVELS = " or ".join(repr(level.value) for level in Level)


def check_moments(**given: object) -> None:
    """Raise TypeError unless each argument is an aware datetime."""
    for name, value in given.items():
        _check(name, value, datetime, "a datetime with a time zone")
        if isinstance(value, datetime) and timezone.is_naive(value):
            raise TypeError(
                f"{name} must have a time zone, and {value!r} has none: "
                "django.utils.timezone.make_aware() adds it."
            )


def check_length(**given: object) -> None:
    for name, value in given.items():
        _check(name, value, timedelta, "a timedelta")


def check_publication(published_at: object, banner_lead: object) -> None:
    if published_at is not None:
        check_moments(published_at=published_at)
    if banner_lead is not None:
        check_length(banner_lead=banner_lead)


def check_level(level: object) -> None:
    if level not in list(Level):
        raise TypeError(f"level must be {LEVELS}, not {level!r}.")


def check_site(site: object) -> None:
    _check("site", site, Site, "a Site")


def as_sites(sites: Iterable[Site]) -> list[Site]:
    """Return a list of the sites. Raises TypeError, also for a single Site or a domain."""
    given: Any = sites
    is_list = isinstance(given, Iterable) and not isinstance(given, str)
    found: list[Any] = list(given) if is_list else [None]
    if not all(isinstance(site, Site) for site in found):
        raise TypeError(f"sites must be a list of Site objects, not {given!r}.")
    return found


def check_series(series: WindowSeries) -> None:
    """Raise TypeError unless the fields have the types that the database gives them."""
    _check("starts_on", series.starts_on, date, "a date")
    _check("start_time", series.start_time, time, "a time")
    _check("length", series.length, timedelta, "a timedelta")
    check_level(series.level)
    check_publication(series.published_at, series.banner_lead)


def _check(name: str, value: object, kind: type, wanted: str) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be {wanted}, not {value!r}.")
