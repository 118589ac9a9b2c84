"""System checks of this app; docs/checks.md lists them by id.

An error is for what cannot work, or for a value that is ignored. A warning is for what works, but
possibly not as intended. A warning never blocks the start of a project or bringing up a site.
"""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from django.core.checks import CheckMessage, Tags, register

from maintenance_windows.checks import (
    deployment,
    middleware,
    page,
    probes,
    scheduler,
    settings,
    sites,
    urls,
)
from maintenance_windows.core.lines import printable

Check = Callable[..., list[CheckMessage]]
TAG = "maintenance_windows"  # `manage.py check --tag maintenance_windows` runs only these


def connect() -> None:
    for check in (
        settings.check_shapes,
        settings.check_brand,
        settings.check_networks,
        settings.check_addresses,
        settings.check_functions,
        settings.check_patterns,
        settings.check_names,
        settings.check_time_zones,
        settings.check_tenants,
        settings.check_url_names,
        page.check_page,
        urls.check_own_urls,
        urls.check_logins,
        probes.check_probes,
        probes.check_marks,
        middleware.check_presence,
        middleware.check_order,
        middleware.check_cors,
        middleware.check_kin,
        scheduler.check_beat,
        scheduler.check_queue,
    ):
        register(_printable(check), TAG)
    for check in (
        scheduler.check_tasks,
        scheduler.check_ticks,
        sites.check_site_id,
        sites.check_hosts,
    ):
        register(_printable(check), TAG, Tags.database)
    for check in (
        deployment.check_forced,
        deployment.check_cache,
        deployment.check_greenlets,
    ):
        register(_printable(check), TAG, deploy=True)


@cache  # registered twice, it is one check
def _printable(check: Check) -> Check:
    """Let no domain or setting in a message control the terminal."""

    @wraps(check)
    def run(*args: Any, **options: Any) -> list[CheckMessage]:
        found = check(*args, **options)
        for message in found:
            message.msg, hint = printable(str(message.msg)), message.hint
            message.hint = printable(str(hint)) if hint else hint
        return found

    return run
