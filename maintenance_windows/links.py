"""Bypass links: made for testers, revoked by site."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.sites.models import Site
from django.db import router, transaction
from django.db.models import F
from django.urls import NoReverseMatch, reverse

from maintenance_windows import store
from maintenance_windows.bypass import Token, keys_of
from maintenance_windows.models import MaintenanceWindow, SiteMaintenance
from maintenance_windows.rules import Refused, add
from maintenance_windows.snapshot import Closure, SiteState
from maintenance_windows.timeline import Span

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
    flag, _ = SiteMaintenance.objects.get_or_create(site=site)
    expires_at = add(now, length) if length else None
    token = Token(
        site_id=site.pk,
        generation=flag.bypass,
        closures=() if expires_at else _next_run(flag, now),
        expires_at=expires_at,
    )
    try:
        path = reverse("maintenance_windows:bypass", args=[token.sign()])
    except NoReverseMatch:
        raise Refused("There are no bypass links without maintenance_windows.urls.") from None
    return Link(site=site, path=path, expires_at=expires_at)


def revoke(sites: Collection[Site], *, actor: str = "") -> None:
    """Make all links of these sites useless, and the cookies they left, at once."""
    using = router.db_for_write(SiteMaintenance)
    with transaction.atomic(using=using):
        for site in sites:
            SiteMaintenance.objects.get_or_create(site=site)
        SiteMaintenance.objects.filter(site__in=sites).update(bypass=F("bypass") + 1)
        transaction.on_commit(store.publish, using=using)
    for site in sites:
        logger.info("bypass links of %s revoked by %s", site.domain, actor or "code")


def _next_run(flag: SiteMaintenance, now: datetime) -> tuple[int | str, ...]:
    """The keys of what makes up the maintenance that is on, or else of the next one."""
    windows = MaintenanceWindow.objects.live(now).filter(site=flag.pk)
    closures = [window.closure(now) for window in windows]
    if flag.held:
        closures.append(Closure(span=Span(flag.since or now, None)))
    state = SiteState(site_id=flag.pk, domain="", closures=tuple(closures))
    run = state.at(now) or state.upcoming(now)
    if run is None:
        raise Refused(
            f"{flag.site.domain} is up and no window is planned: say for how long the link is good."
        )
    return tuple(keys_of(state, run.since, run.until))
