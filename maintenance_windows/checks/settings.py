"""The settings: that each is one of ours, and that its value can be used."""

from difflib import get_close_matches
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Error as CheckError
from django.core.checks import Warning as CheckWarning

from maintenance_windows.checks.shapes import SHAPES
from maintenance_windows.conf import conf
from maintenance_windows.core.state import PatternKind
from maintenance_windows.http.clients import UNIX, read_network
from maintenance_windows.patterns import fault

PREFIX = "MAINTENANCE_"
KNOWN = SHAPES.keys() | {"MAINTENANCE_MAY_PASS"}
MODE = "MAINTENANCE_MODE"  # and what starts with it is django-maintenance-mode's
# django-maintenancemode's, of which some mean the opposite of what is like them here.
LOCK_FILE = {"LOCKFILE_PATH", "IGNORE_URLS", "ALLOW_STAFF", "ALLOW_SUPERUSER"}


def check_shapes(**_: Any) -> list[CheckMessage]:
    """E001, E002 and E005: a setting has a value that it cannot have; its default counts."""
    return [
        CheckError(f"{name} must be {shape.wanted}, not {value!r}.", id=shape.id)
        for name, shape in SHAPES.items()
        if hasattr(settings, name) and not shape.fits(value := getattr(settings, name))
    ]


def check_networks(**_: Any) -> list[CheckMessage]:
    """E003: an entry in a list of networks is none, and counts for nothing."""
    named = [("MAINTENANCE_EXEMPT_NETWORKS", text) for text in conf.exempt_networks]
    named += [
        ("MAINTENANCE_TRUSTED_PROXIES", text) for text in conf.trusted_proxies if text != UNIX
    ]
    return [
        CheckError(f"{name}: {sentence}", id="maintenance_windows.E003")
        for name, text in named
        if (sentence := _no_network(text))
    ]


def _no_network(text: str) -> str | None:
    try:
        read_network(text)
    except ValueError as error:
        return f"{error}."
    return None


def check_may_pass(**_: Any) -> list[CheckMessage]:
    """E004: MAINTENANCE_MAY_PASS is no function, so nobody passes by it."""
    try:
        found = conf.may_pass
    except ImportError as error:
        said = str(error)
    else:
        if found is None or callable(found):
            return []
        said = f"it is {found!r}"
    return [
        CheckError(
            f"MAINTENANCE_MAY_PASS must be a function or the path of one: {said}.",
            id="maintenance_windows.E004",
        )
    ]


def check_time_zones(**_: Any) -> list[CheckMessage]:
    """E007: Django would read times without a zone, and no request could be judged by them."""
    if settings.USE_TZ:
        return []
    sentence = "USE_TZ must be True: windows have times with a zone."
    return [CheckError(sentence, id="maintenance_windows.E007")]


def check_patterns(**_: Any) -> list[CheckMessage]:
    """W002: a pattern of MAINTENANCE_ADMIN_IGNORED_URLS is left out."""
    return [
        CheckWarning(
            f"MAINTENANCE_ADMIN_IGNORED_URLS: {pattern!r} is left out. {sentence}",
            id="maintenance_windows.W002",
        )
        for pattern in conf.admin_ignored_urls
        if (sentence := fault(PatternKind.REGEX, pattern))
    ]


def check_names(**_: Any) -> list[CheckMessage]:
    """W008: a setting has a name like ours and means nothing here."""
    return [
        CheckWarning(
            f"{name} means nothing to maintenance_windows.",
            hint=_meant(name),
            id="maintenance_windows.W008",
        )
        for name in sorted(dir(settings))
        if name.startswith(PREFIX) and name not in KNOWN
    ]


def _meant(name: str) -> str:
    if name.startswith(MODE):
        return "It is a setting of django-maintenance-mode: docs/moving-in.md says where it went."
    # Without what all begin with, which would make any two of them alike.
    name = name.removeprefix(PREFIX)
    if name in LOCK_FILE:
        return "It is a setting of django-maintenancemode: docs/moving-in.md says where it went."
    ours = [known.removeprefix(PREFIX) for known in KNOWN]
    for close in get_close_matches(name, ours, n=1):
        return f"Did you mean {PREFIX}{close}?"
    return "If it is your own, give it another name or silence this check."
