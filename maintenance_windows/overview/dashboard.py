"""The sites of the admin's overview, those with maintenance first."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.sites.models import Site
from django.db.models import DateTimeField, F, Q, QuerySet, Value
from django.db.models.functions import Cast, Coalesce

from maintenance_windows.models import MaintenanceWindow, SiteMaintenance, all_sites
from maintenance_windows.models.querysets import among
from maintenance_windows.models.search import contains, matching_ids

AHEAD = timedelta(days=14)
NAMES = ("domain", "name")
MOST_NEAR = 5000  # windows that move their sites to the front


class Sites:
    """A sequence of the sites with `text` in domain or name, or of all sites, for a paginator.

    Sites that are down come first, by domain; then those with scheduled windows, by the start. The
    others follow by domain; `busy` leaves them out.
    """

    def __init__(self, text: str, *, busy: bool, now: datetime) -> None:
        site_ids = matching_ids(text, *NAMES) if text else None
        few = Q() if site_ids is None else Q(pk__in=site_ids)
        many = contains(text, *NAMES) if text and site_ids is None else Q()
        near = _near(now, site_ids)
        found = all_sites().filter(few, many)
        if many:
            matching = set(found.filter(pk__in=near).values_list("pk", flat=True))
            near = [pk for pk in near if pk in matching]
        self.near = near
        self.found = found.filter(pk__in=near) if busy else found

    def count(self) -> int:
        return self.found.count()

    def __getitem__(self, wanted: slice) -> list[Site]:
        ids, beyond = self.near[wanted], len(self.near)
        near = all_sites().in_bulk(ids)
        first, last = max(wanted.start - beyond, 0), max(wanted.stop - beyond, 0)
        others = self.found.exclude(pk__in=self.near).order_by("domain", "pk")[first:last]
        return [*(near[pk] for pk in ids if pk in near), *others]


def _near(now: datetime, site_ids: list[int] | None) -> list[int]:
    """Return the ids of the sites that are down, by domain, and of those with scheduled windows."""
    windows = MaintenanceWindow.objects.filter(ends_at__gt=now)
    is_down = Q(until=None) | Q(until__gt=now)
    at_once = Cast(Value(now), DateTimeField())  # MariaDB would take a literal for text
    begins = Coalesce("since", at_once)  # a flag that was set with SQL may have no `since`
    rows: list[QuerySet[Any]] = [
        SiteMaintenance.objects.down().filter(is_down).annotate(begins=begins),
        windows.running().annotate(begins=F("started_at")),
        windows.waiting().filter(starts_at__lt=now + AHEAD).annotate(begins=F("starts_at")),
    ]
    chosen = Q() if site_ids is None else Q(site__in=site_ids)
    parts = [part.filter(chosen).values_list("site_id", "begins") for part in rows]
    union = parts[0].union(*parts[1:], all=True).order_by("begins", "site_id")
    found = list(union[:MOST_NEAR])
    down = {site_id for site_id, begins in found if begins <= now}
    sites = all_sites().filter(pk__in=among(down)).order_by("domain", "pk") if down else []
    by_domain = [site.pk for site in sites]
    return [*by_domain, *dict.fromkeys(pk for pk, _ in found if pk not in down)]
