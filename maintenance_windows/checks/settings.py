"""Checks of the settings: each is known and valid, and refers to what exists."""

from collections.abc import Iterator
from difflib import get_close_matches
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Error as CheckError
from django.core.checks import Warning as CheckWarning

from maintenance_windows.checks.urlconf import urls
from maintenance_windows.conf import BRAND, FUNCTION, SETTINGS, conf
from maintenance_windows.core.brand import brand_faults
from maintenance_windows.core.state import PatternKind
from maintenance_windows.http.clients import UNIX, is_within, read_network, read_networks
from maintenance_windows.patterns.faults import fault, slowness
from maintenance_windows.patterns.names import compile_names

LOOPBACK = (ip_address("127.0.0.1"), ip_address("::1"))
PREFIX = "MAINTENANCE_"
MODE = "MAINTENANCE_MODE"  # the prefix of django-maintenance-mode's settings
# Settings of django-maintenancemode. Some mean the opposite of similar ones here.
LOCK_FILE = {"LOCKFILE_PATH", "IGNORE_URLS", "ALLOW_STAFF", "ALLOW_SUPERUSER"}


def check_shapes(**_: Any) -> list[CheckMessage]:
    """E001, E002 and E005: the value of a setting is invalid, so its default applies."""
    return [
        CheckError(f"{name} must be {setting.kind.wanted}, not {value!r}.", id=setting.kind.id)
        for name, setting in SETTINGS.items()
        if hasattr(settings, name) and not setting.kind.fits(value := getattr(settings, name))
    ]


def check_brand(**_: Any) -> list[CheckMessage]:
    """E005: an entry of MAINTENANCE_BRAND is invalid, so it is ignored."""
    given = getattr(settings, "MAINTENANCE_BRAND", {})
    return [
        CheckError(f"MAINTENANCE_BRAND: {sentence}", id=BRAND.id)
        for sentence in brand_faults(given)
    ]


def check_networks(**_: Any) -> list[CheckMessage]:
    """E003: an entry in a list of networks is invalid, so it is ignored."""
    named = [("MAINTENANCE_EXEMPT_NETWORKS", text) for text in conf.MAINTENANCE_EXEMPT_NETWORKS]
    proxies = [text for text in conf.MAINTENANCE_TRUSTED_PROXIES if text != UNIX]
    named += [("MAINTENANCE_TRUSTED_PROXIES", text) for text in proxies]
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


def check_addresses(**_: Any) -> list[CheckMessage]:
    """W013: visitors behind a proxy are exempt like the proxy, or can spoof an exempt address."""
    return [CheckWarning(text, id="maintenance_windows.W013") for text in _address_complaints()]


def _address_complaints() -> Iterator[str]:
    networks = read_networks(conf.MAINTENANCE_EXEMPT_NETWORKS)
    near = [
        str(address)
        for address in LOOPBACK
        if str(address) in conf.INTERNAL_IPS or is_within(address, networks)
    ]
    if near and not conf.MAINTENANCE_TRUSTED_PROXIES:
        yield (
            f"{' and '.join(near)} may pass, and so may every visitor whose request comes through "
            "a proxy on this machine. Name that proxy in MAINTENANCE_TRUSTED_PROXIES."
        )
    if any(network.prefixlen == 0 for network in read_networks(conf.MAINTENANCE_TRUSTED_PROXIES)):
        yield (
            "MAINTENANCE_TRUSTED_PROXIES trusts every address, so any client can claim an exempt "
            "one. Name only your own proxies."
        )


def check_functions(**_: Any) -> list[CheckMessage]:
    """E004: a setting is not a function, so it exempts nobody."""
    complaints = [
        (name, said)
        for name, setting in SETTINGS.items()
        if setting.kind is FUNCTION and (said := _no_function(name))
    ]
    return [
        CheckError(f"{name} must be {FUNCTION.wanted}: {said}.", id=FUNCTION.id)
        for name, said in complaints
    ]


def _no_function(name: str) -> str | None:
    try:
        found = getattr(conf, name)
    except Exception as error:  # noqa: BLE001 (of the project's module)
        return str(error)
    return None if found is None or callable(found) else f"{found!r} is not callable"


def check_tenants(**_: Any) -> list[CheckMessage]:
    """W021: with django-tenants each tenant would have flags of its own, which nothing reads."""
    apps = ("maintenance_windows", "django.contrib.sites")
    of_tenants = [app for app in apps if app in getattr(settings, "TENANT_APPS", ())]
    if not of_tenants or not hasattr(settings, "SHARED_APPS"):
        return []
    return [
        CheckWarning(
            f"{' and '.join(of_tenants)} in TENANT_APPS: web processes read only the public "
            "schema, so a site that a tenant_command takes down stays up.",
            hint="Move maintenance_windows and django.contrib.sites to SHARED_APPS.",
            id="maintenance_windows.W021",
        )
    ]


def check_time_zones(**_: Any) -> list[CheckMessage]:
    """E007: with USE_TZ off, Django reads naive times, which cannot be compared with ours."""
    if settings.USE_TZ:
        return []
    sentence = "USE_TZ must be True: maintenance_windows requires times with a time zone."
    return [CheckError(sentence, id="maintenance_windows.E007")]


def check_patterns(**_: Any) -> list[CheckMessage]:
    """W002: a pattern in MAINTENANCE_ADMIN_IGNORED_URLS is ignored, for all paths or for some."""
    found: list[CheckMessage] = []
    for pattern in conf.MAINTENANCE_ADMIN_IGNORED_URLS:
        where = "is ignored"
        if (sentence := fault(PatternKind.REGEX, pattern)) is None:
            where = "is ignored for paths on which it is slow"
            sentence = slowness(PatternKind.REGEX, pattern)
        if sentence:
            said = f"MAINTENANCE_ADMIN_IGNORED_URLS: {pattern!r} {where}. {sentence}"
            found.append(CheckWarning(said, id="maintenance_windows.W002"))
    return found


def check_names(**_: Any) -> list[CheckMessage]:
    """W008: a setting has our prefix but is unknown."""
    return [
        CheckWarning(
            f"{name} is not a setting of maintenance_windows.",
            hint=_meant(name),
            id="maintenance_windows.W008",
        )
        for name in sorted(dir(settings))
        if name.startswith(PREFIX) and name not in SETTINGS
    ]


def _meant(name: str) -> str:
    if name.startswith(MODE):
        return _went("django-maintenance-mode")
    # Compare without the common prefix, which would make all names similar.
    name = name.removeprefix(PREFIX)
    if name in LOCK_FILE:
        return _went("django-maintenancemode")
    ours = [known.removeprefix(PREFIX) for known in SETTINGS]
    for close in get_close_matches(name, ours, n=1):
        return f"Did you mean {PREFIX}{close}?"
    return "If it is your own, rename it or silence this check."


def _went(package: str) -> str:
    return f'It is a setting of {package}. "Migrating" in the documentation names its replacement.'


def check_url_names(**_: Any) -> list[CheckMessage]:
    """W015: no URL has the name in a setting, so the name exempts nothing."""
    named = [("MAINTENANCE_EXEMPT_URL_NAMES", name) for name in conf.MAINTENANCE_EXEMPT_URL_NAMES]
    writable = conf.MAINTENANCE_WRITABLE_URL_NAMES
    named += [("MAINTENANCE_WRITABLE_URL_NAMES", name) for name in writable]
    if not named or not (known := [one.name for one in urls()]):
        return []
    return [
        CheckWarning(
            f"{setting}: no URL is named {name!r}.",
            hint='Use the name that reverse() takes, with its namespaces, such as "shop:paid".',
            id="maintenance_windows.W015",
        )
        for setting, name in named
        if not any(map(compile_names((name,)).fullmatch, known))
    ]
