"""What one may tell a site."""

from argparse import Namespace
from collections.abc import Collection
from functools import partial

from django.conf import settings
from django.contrib.sites.models import Site
from django.core.management import CommandError
from django.utils import timezone

from maintenance_windows.core.intervals import rfc3339
from maintenance_windows.management import arguments, report, screen
from maintenance_windows.management.command import OneLineCommand
from maintenance_windows.management.presentation import (
    local,
    scheduler_rows,
    site_line,
    site_rows,
)
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.overview import status
from maintenance_windows.planning import bypass
from maintenance_windows.planning.sites import bring_up, take_down


class SiteVerbs(OneLineCommand):
    def do_status(self, given: Namespace) -> None:
        if given.watch is not None:
            self.watch(given)
            return
        sites, now = report.shown(given.sites), timezone.now()
        records, scheduler = status.sites(sites, now), status.scheduler(now)
        forced = status.forced()
        if given.json:
            record = {"at": rfc3339(now), "scheduler": scheduler, "sites": records}
            self.print_json(record | ({"forced": forced} if forced else {}))
        else:
            if forced:
                self.stderr.write(report.overruled(forced))
            last_line = scheduler_rows(scheduler, now, self.style)
            self.print_tables(site_rows(records, self.style), last_line)
        if given.check and not scheduler["healthy"]:
            last = scheduler["last_tick"]
            raise CommandError(
                f"The scheduler's last tick was at {local(last)}, too long ago."
                if last
                else "The scheduler has never ticked."
            )

    def watch(self, given: Namespace) -> None:
        if given.json or given.check:
            raise CommandError("--watch goes with neither --json nor --check.")
        if not screen.is_terminal(self.stdout):
            raise CommandError("--watch needs a terminal; status alone prints once.")
        report.shown(given.sites)  # what is refused is refused before anything is painted
        frame = partial(report.frame, given.sites, given.watch, self.style)
        screen.repeat(self.stdout, frame, given.watch)

    def do_on(self, given: Namespace) -> None:
        sites = arguments.sites(given.sites, everyone=given.everyone)
        open_ended = given.until is None and given.length is None
        take_down(
            sites,
            until=None if open_ended else arguments.end(given, timezone.now()),
            level=arguments.level(given),
            message=given.message,
            actor=arguments.actor(),
        )
        self.print_sites(sites)

    def do_off(self, given: Namespace) -> None:
        sites = arguments.sites(given.sites, everyone=given.everyone)
        ended = bring_up(sites, actor=arguments.actor())
        self.print_sites(sites, ended)

    def do_bypass(self, given: Namespace) -> None:
        sites = arguments.sites(given.sites)
        if given.revoke:
            bypass.revoke(sites, actor=arguments.actor())
            for site in sites:
                self.stdout.write(f"{site.domain}: all bypass links revoked")
            return
        length = None if given.length is None else arguments.length(given.length)
        now = timezone.now()
        for link in [bypass.make(site, now, length=length) for site in sites]:
            self.stdout.write(link.url(secure=settings.SESSION_COOKIE_SECURE))

    def print_sites(self, sites: list[Site], ended: Collection[MaintenanceWindow] = ()) -> None:
        for record in status.sites(sites, timezone.now()):
            windows = [w.pk for w in ended if w.site.domain == record["site"]]
            self.stdout.write(site_line(record, windows))
