"""Import the flags and patterns of django-maintenancemode-2."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.contrib.sites.models import Site
from django.db import connections, router, transaction

from maintenance_windows.core.state import PatternKind
from maintenance_windows.importer.expressions import refusal, rewritten
from maintenance_windows.importer.tables import Former, read
from maintenance_windows.models import IMPORTED, IgnoredURL, SiteMaintenance, Transition
from maintenance_windows.planning.sites import take_down
from maintenance_windows.reconcile.lock import Clock, locked
from maintenance_windows.reconcile.settle import settle


@dataclass(frozen=True, slots=True)
class Ignored:
    """An imported pattern, and the text that it had before."""

    row: IgnoredURL
    written: str

    @property
    def key(self) -> tuple[int, str]:
        return self.row.maintenance_id, self.row.pattern

    def refused(self, reason: str) -> str:
        return f"{self.row.maintenance.site.domain}: skipped {self.written!r}. {reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The result of an import. `left` has a sentence for each flag or pattern not imported."""

    closed: list[Site]
    opened: list[Ignored]
    left: list[str]


def take_over(*, actor: str, dry_run: bool = False, clock: Clock | None = None) -> Imported:
    """Import flags and patterns in one transaction, and keep existing rows unchanged.

    Each flag is imported only once, so that it does not take down a site that was brought up here
    since. Raises Refused if the tables do not exist. With `dry_run` nothing is written.
    """
    using = router.db_for_write(SiteMaintenance)
    left: list[str] = []
    with locked(clock) as now:
        formers, strays = read(connections[using])
        sites = Site.objects.using(using).in_bulk([former.site_id for former in formers])
        left += [f"Skipped {pattern!r}: it belongs to no site." for pattern in strays]
        left += [_lost(former) for former in formers if former.site_id not in sites]
        known = [f for f in formers if f.site_id in sites and (f.closed or f.patterns)]
        site_ids = [former.site_id for former in known]
        # Creates missing rows, and makes every process reload the patterns.
        settle(site_ids, now)
        flags = SiteMaintenance.objects.select_related("site").in_bulk(site_ids)
        opened = _open(_patterns(known, flags), left)
        closed = _to_close([flags[f.site_id] for f in known if f.closed], left)
        if closed:
            take_down(closed, actor=f"{actor}{IMPORTED}", clock=lambda: now)
        if dry_run:
            transaction.set_rollback(True, using=using)
    return Imported(closed=closed, opened=opened, left=left)


def _lost(former: Former) -> str:
    patterns = ", ".join(repr(pattern) for pattern, _ in former.patterns) or "none"
    flag = "on" if former.closed else "off"
    return f"Skipped site {former.site_id} (flag {flag}, patterns {patterns}): it no longer exists."


def _patterns(formers: Iterable[Former], flags: dict[int, SiteMaintenance]) -> Iterator[Ignored]:
    for former in formers:
        for written, description in former.patterns:
            row = IgnoredURL(
                maintenance=flags[former.site_id],
                kind=PatternKind.REGEX.value,
                pattern=rewritten(written),
                description=description,
            )
            yield Ignored(row, written)


def _open(patterns: Iterable[Ignored], left: list[str]) -> list[Ignored]:
    """Save the patterns that do not exist yet, and return them."""
    good: dict[tuple[int, str], Ignored] = {}
    for pattern in patterns:
        if reason := refusal(pattern.row):
            left.append(pattern.refused(reason))
        else:
            good.setdefault(pattern.key, pattern)
    site_ids = {site_id for site_id, _ in good}
    rows = IgnoredURL.objects.filter(maintenance__in=site_ids, kind=PatternKind.REGEX.value)
    keys = rows.values_list("maintenance", "pattern")
    known = set(keys)
    new = [pattern for pattern in good.values() if pattern.key not in known]
    IgnoredURL.objects.bulk_create([pattern.row for pattern in new], ignore_conflicts=True)
    kept = set(keys.all())
    # The database may compare without regard to case.
    reason = "The database does not tell it from another pattern of the site."
    left += [pattern.refused(reason) for pattern in new if pattern.key not in kept]
    return [pattern for pattern in new if pattern.key in kept]


def _to_close(flags: list[SiteMaintenance], left: list[str]) -> list[Site]:
    """Return the sites to take down: not held, and not imported before."""
    transitions = Transition.objects.filter(
        site__in=[flag.pk for flag in flags], in_maintenance=True, actor__endswith=IMPORTED
    )
    taken = set(transitions.values_list("site", flat=True))
    up = [flag for flag in flags if not flag.held]
    left += [
        f"{flag.site.domain}: skipped its flag: the site was brought up after a previous import."
        for flag in up
        if flag.pk in taken
    ]
    return [flag.site for flag in up if flag.pk not in taken]
