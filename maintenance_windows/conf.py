"""The settings of the app, typed and read at use, so that override_settings works."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from math import ceil

from django.conf import settings

# The tick's own queue: behind other people's slow tasks it would be late.
QUEUE = "maintenance"
TICK_TASK = "maintenance_windows.tasks.tick"
MATERIALISE_TASK = "maintenance_windows.tasks.materialise"


class Conf:
    @property
    def template(self) -> str | None:
        """MAINTENANCE_503_TEMPLATE: the host project's own page; else its 503.html."""
        return getattr(settings, "MAINTENANCE_503_TEMPLATE", None)

    @property
    def block_staff(self) -> bool:
        """MAINTENANCE_BLOCK_STAFF: whether staff get the 503 too; superusers never do."""
        return bool(getattr(settings, "MAINTENANCE_BLOCK_STAFF", False))

    @property
    def admin_ignored_urls(self) -> Sequence[str]:
        """MAINTENANCE_ADMIN_IGNORED_URLS: regular expressions that stay open on every site."""
        patterns = getattr(settings, "MAINTENANCE_ADMIN_IGNORED_URLS", ())
        return (patterns,) if isinstance(patterns, str) else patterns  # a lone one is meant as one

    @property
    def retry_after(self) -> int | None:
        """MAINTENANCE_RETRY_AFTER: seconds to wait where no end is known; None sends no header.

        Whole seconds and at least one, as for an end that is known.
        """
        seconds = getattr(settings, "MAINTENANCE_RETRY_AFTER", 300)
        return None if seconds is None else max(1, ceil(seconds))

    @property
    def tick_max_age(self) -> timedelta:
        """MAINTENANCE_TICK_MAX_AGE: seconds after which the scheduler's last tick is too old."""
        return timedelta(seconds=getattr(settings, "MAINTENANCE_TICK_MAX_AGE", 8))

    @property
    def horizon(self) -> timedelta:
        """MAINTENANCE_SERIES_HORIZON: days ahead for which the windows of series are made."""
        return timedelta(days=getattr(settings, "MAINTENANCE_SERIES_HORIZON", 60))

    @property
    def internal_ips(self) -> Collection[str]:
        return settings.INTERNAL_IPS

    @property
    def forced(self) -> bool | None:
        """MAINTENANCE_FORCE: "on" closes and "off" opens every site, whatever else is known."""
        return {"on": True, "off": False}.get(getattr(settings, "MAINTENANCE_FORCE", None) or "")

    @property
    def closed_if_unknown(self) -> bool:
        """MAINTENANCE_WHEN_UNKNOWN: "closed", or "open" where neither database nor cache tell."""
        return bool(getattr(settings, "MAINTENANCE_WHEN_UNKNOWN", "open") == "closed")

    @property
    def site_id(self) -> int | None:
        """SITE_ID: the one site that this process serves; without it the host tells."""
        return getattr(settings, "SITE_ID", None)


conf = Conf()
