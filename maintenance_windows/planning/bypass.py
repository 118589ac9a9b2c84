"""Bypass links: created for testers, revoked for a whole site."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.contrib.sites.models import Site
from django.db.models import F
from django.db.models.functions import Greatest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from maintenance_windows.core.hosts import canonical
from maintenance_windows.core.state import Maintenance
from maintenance_windows.exceptions import Refused
from maintenance_windows.http.tokens import BypassToken
from maintenance_windows.logonce import get_logger
from maintenance_windows.models import (
    ACTOR_LENGTH,
    BypassLink,
    MaintenanceWindow,
    SiteMaintenance,
)
from maintenance_windows.permissions import ALL_RIGHTS, Rights
from maintenance_windows.planning.rules import add, check_exist, check_operate
from maintenance_windows.reconcile.lock import Clock, locked
from maintenance_windows.reconcile.settle import settle
from maintenance_windows.snapshot.loader import load

logger = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A bypass link. If `expires_at` is None, it is valid until the maintenance ends."""

    site: Site
    path: str
    expires_at: datetime | None

    def url(self, *, secure: bool, port: str = "") -> str:
        """Return the address, with a port unless it is "" or the domain names one."""
        host = canonical(self.site.domain)
        if port and ":" not in host:
            host = f"{host}:{port}"
        return f"{'https' if secure else 'http'}://{host}{self.path}"


class LiveLink(NamedTuple):
    """A link that is not over or revoked, and when it will be: None if nobody knows yet."""

    row: BypassLink
    until: datetime | None


def make(
    site: Site,
    *,
    length: timedelta | None = None,
    rights: Rights = ALL_RIGHTS,
    actor: str = "",
    clock: Clock | None = None,
) -> Link:
    """Create a link, valid for `length`, or else until the present or next maintenance ends.

    Raises Refused if no maintenance is planned, or if the project does not serve such links.
    """
    check_operate(rights)
    with locked(clock) as now:
        check_exist([site])
        settle([site.pk], now)  # records a flag that was set with SQL
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
            sentence = _("Bypass links need maintenance_windows.urls in the URLconf.")
            raise Refused(sentence) from None
        _forget(site, now)
        BypassLink.objects.create(
            site=site,
            generation=token.generation,
            during=token.during,
            made_at=now,
            made_by=actor[:ACTOR_LENGTH],
            ends_at=expires_at,
        )
    return Link(site=site, path=path, expires_at=expires_at)


def live(site: Site, now: datetime) -> list[LiveLink]:
    """Return the links with which testers pass, now or in the maintenance they were made for.

    Newest first.
    """
    state = load(now, only=[site.pk]).by_id.get(site.pk)
    maintenance = state.at(now) if state else None
    # A smaller generation has been revoked, even if somebody did it with SQL.
    generation = SiteMaintenance.objects.filter(site=site).values("bypass")
    rows = BypassLink.objects.filter(site=site, generation__in=generation)
    return [
        LiveLink(row, row.ends_at or (maintenance.until if maintenance else None))
        for row in rows.order_by("-made_at", "-pk")
        if _is_live(row, maintenance, now)
    ]


def revoke(sites: Collection[Site], *, rights: Rights = ALL_RIGHTS, actor: str = "") -> None:
    """Invalidate all links of these sites, and the cookies that they set, at once."""
    check_operate(rights)
    with locked() as now:
        check_exist(sites)
        settle([site.pk for site in sites], now)  # creates missing rows, and reloads snapshots
        newest = Greatest(F("bypass") + 1, int(now.timestamp() * 1000))
        SiteMaintenance.objects.filter(site__in=sites).update(bypass=newest)
        BypassLink.objects.filter(site__in=sites).delete()
    for site in sites:
        logger.info("bypass links of %s revoked by %s", site.domain, actor or "code")


def _is_live(row: BypassLink, maintenance: Maintenance | None, now: datetime) -> bool:
    """As BypassToken.admits(), but also true before the maintenance that the link is for."""
    if row.ends_at is not None:
        return row.ends_at > now
    if row.during > now:
        return True
    return maintenance is not None and maintenance.since <= row.during


def _forget(site: Site, now: datetime) -> None:
    """Delete the rows of this site's links that are over or revoked, and all that have expired."""
    BypassLink.objects.filter(ends_at__lte=now).delete()
    kept = [link.row.pk for link in live(site, now)]
    BypassLink.objects.filter(site=site).exclude(pk__in=kept).delete()


def _next_start(site: Site, now: datetime) -> datetime:
    """Return the next start of a maintenance of a site that is up. Raises Refused if none is."""
    windows = MaintenanceWindow.objects.waiting().filter(site=site, starts_at__gt=now)
    if (window := windows.order_by("starts_at").first()) is None:
        sentence = _("%(site)s is up and has no window: specify how long the link is valid.")
        raise Refused(sentence % {"site": site.domain})
    return window.starts_at
