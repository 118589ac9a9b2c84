"""Checks of the URLs that programs ask for: what watches over a process, and exempt views."""

import re
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning

from maintenance_windows.checks.urlconf import Url, is_exempt, urls
from maintenance_windows.http.marks import View, mark_of, marked, marks_in

# The last part of a path, wherever it is, and whole paths that may be a page's further down.
LAST = frozenset(
    {
        *("health", "healthz", "healthcheck", "healthchecks", "health-check", "health_check"),
        *("livez", "liveness", "readyz", "readiness"),
        *("heartbeat", "__heartbeat__", "__lbheartbeat__"),
    }
)
WHOLE = frozenset({"alive", "ht", "metrics", "ping", "ready", "status", "up"})
PACKAGES = frozenset({"django_prometheus", "dockerflow", "health_check", "watchman"})
MOST = 5  # paths in a message


def check_probes(**_: Any) -> list[CheckMessage]:
    """W022: a URL that looks like a health check gets the 503 while its site is down."""
    closed = sorted(set(_closed_probes()))
    if not closed:
        return []
    more = f" and {len(closed) - MOST} more" if len(closed) > MOST else ""
    return [
        CheckWarning(
            "URLs that look like health checks answer 503 while the site is down, so healthy "
            f"processes may be restarted: {', '.join(closed[:MOST])}{more}",
            hint="Add the paths to MAINTENANCE_EXEMPT_PATHS, or decorate the views with "
            "@maintenance_exempt. Silence this check if they are no health checks.",
            id="maintenance_windows.W022",
        )
    ]


def check_marks(**_: Any) -> list[CheckMessage]:
    """W023: no URL leads to a function with @maintenance_exempt, so it exempts nothing."""
    known = urls()  # which imports the views, and so marks them
    ours = [function for function in list(marked) if _is_of_project(function)]
    found = {mark for one in known for mark in marks_in(one.view)} if ours else set()
    names = {f"{one.__module__}.{one.__qualname__}" for one in ours if mark_of(one) not in found}
    return [
        CheckWarning(
            f"No URL leads to the mark of @maintenance_exempt on {name}, so it exempts nothing.",
            hint="Put it above other decorators, or use MAINTENANCE_EXEMPT_URL_NAMES. Silence this "
            "check if requests have a URLconf of their own.",
            id="maintenance_windows.W023",
        )
        for name in sorted(names)
    ]


def _closed_probes() -> Iterator[str]:
    for one in urls():
        if one.path and _is_probe(one) and not is_exempt(one.path):
            yield one.path


def _is_probe(url: Url) -> bool:
    whole = (url.path or "").strip("/").lower()
    if whole in WHOLE or whole.rpartition("/")[2] in LAST:
        return True
    view = getattr(url.view, "view_class", url.view)
    return getattr(view, "__module__", "").partition(".")[0] in PACKAGES


def _is_of_project(function: View) -> bool:
    """Return whether a function is of an installed app, or of the package of the URLconf.

    Tests have URLs of their own.
    """
    module = function.__module__
    if re.search(r"(?:^|\.)tests?(?:_|\.|$)", module):
        return False
    urlconf = getattr(settings, "ROOT_URLCONF", None)
    beside = isinstance(urlconf, str) and module.partition(".")[0] == urlconf.partition(".")[0]
    return beside or apps.get_containing_app_config(module) is not None
