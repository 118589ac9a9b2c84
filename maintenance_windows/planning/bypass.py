"""Bypass links: made for testers, revoked by site."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.sites.models import Site
from django.db import router, transaction
from django.db.models import F
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from maintenance_windows.core.state import SiteState
from maintenance_windows.exceptions import Refused
from maintenance_windows.http.tokens import BypassToken
from maintenance_windows.models import MaintenanceWindow, SiteMaintenance
from maintenance_windows.planning.rules import add
from maintenance_windows.reconcile.lock import locked
from maintenance_windows.reconcile.settle import settle
from maintenance_windows.snapshot import runtime

logger = logging.getLogger("maintenance_windows")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """`expires_at` is None where it is good until the maintenance ends, whenever that is."""

    site: Site
    path: str
    expires_at: datetime | None

    def url(self, *, secure: bool) -> str:
        return f"{'https' if secure else 'http'}://{self.site.domain}{self.path}"


def make(site: Site, now: datetime, *, length: timedelta | None = None) -> Link:
    """A link for a length of time, else until the present or next maintenance of the site ends.

    Raises Refused where there is none, or where the project does not serve such links.
    """
    with locked(lambda: now):
        settle([site.pk], now)  # what was switched on with SQL is on record then
        flag = SiteMaintenance.objects.get(site=site)
    expires_at = add(now, length) if length else None
    token = BypassToken(
        site_id=site.pk,
        generation=flag.bypass,
        during=now if expires_at or flag.in_maintenance else _next_start(site, now),
        expires_at=expires_at,
    )
    try:
        path = reverse("maintenance_windows:bypass", args=[token.sign()])
    except NoReverseMatch:
        sentence = _("There are no bypass links without maintenance_windows.urls.")
        raise Refused(sentence) from None
    return Link(site=site, path=path, expires_at=expires_at)


def revoke(sites: Collection[Site], *, actor: str = "") -> None:
    """Make all links of these sites useless, and the cookies they left, at once."""
    using = router.db_for_write(SiteMaintenance)
    with transaction.atomic(using=using):
        for site in sites:
            SiteMaintenance.objects.get_or_create(site=site)
        SiteMaintenance.objects.filter(site__in=sites).update(bypass=F("bypass") + 1)
        transaction.on_commit(runtime.publish, using=using)
    for site in sites:
        logger.info("bypass links of %s revoked by %s", site.domain, actor or "code")


def _next_start(site: Site, now: datetime) -> datetime:
    """When the next maintenance of a site that is up starts."""
    windows = MaintenanceWindow.objects.live(now).filter(site=site)
    closures = tuple(window.closure(now) for window in windows)
    coming = SiteState(site_id=site.pk, domain=site.domain, closures=closures).upcoming(now)
    if coming is None:
        sentence = _("%(site)s is up and no window is planned: say for how long the link is good.")
        raise Refused(sentence % {"site": site.domain})
    return coming.since
