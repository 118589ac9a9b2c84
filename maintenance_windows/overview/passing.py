"""Who passes while a site is down: the facts for scripts, and one sentence for people.

A person who passes sees no change when a site is taken down, and may take that for a failure.
"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from maintenance_windows.conf import conf

MOST_NAMED = 3  # addresses in the sentence


def facts() -> dict[str, Any]:
    """Return what the settings of this process say. Testers with a bypass link pass, too."""
    return {
        "superusers": True,
        "staff": not conf.MAINTENANCE_BLOCK_STAFF,
        "is_staff": _path("MAINTENANCE_IS_STAFF"),
        "internal_ips": _texts(conf.INTERNAL_IPS),
        "networks": list(conf.MAINTENANCE_EXEMPT_NETWORKS),
        "may_pass": _path("MAINTENANCE_MAY_PASS"),
    }


def describe() -> str:
    """Return the facts as a sentence in the active language."""
    known = facts()
    who = [_("superusers")]
    if known["staff"] and (name := known["is_staff"]):
        who.append(_("staff, according to %(name)s") % {"name": name})
    elif known["staff"]:
        who.append(_("staff"))
    addresses = {"INTERNAL_IPS": "internal_ips", "MAINTENANCE_EXEMPT_NETWORKS": "networks"}
    who += [f"{_few(known[key])} ({name})" for name, key in addresses.items() if known[key]]
    if name := known["may_pass"]:
        who.append(_("requests that %(name)s accepts") % {"name": name})
    return _("Access while a site is down: %(who)s.") % {"who": ", ".join(who)}


def _few(texts: list[str]) -> str:
    named, more = ", ".join(texts[:MOST_NAMED]), len(texts) - MOST_NAMED
    if more <= 0:
        return named
    rest = ngettext("%(number)s more", "%(number)s more", more) % {"number": more}
    return f"{named}, {rest}"


def _texts(addresses: Any) -> list[str]:
    """Return INTERNAL_IPS, which may be anything with `in`."""
    return list(map(str, addresses)) if isinstance(addresses, Iterable) else [repr(addresses)]


def _path(name: str) -> str | None:
    """Return the dotted path of a function in the settings."""
    function = getattr(settings, name, None)
    if not function or isinstance(function, str):
        return function or None
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"
