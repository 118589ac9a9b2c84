"""The command of django-maintenancemode-2, for scripts that know it: `setmaintenance on 2 3`."""

from argparse import ArgumentParser, Namespace

from django.contrib.sites.models import Site
from django.core.management import CommandError

from maintenance_windows.conf import conf
from maintenance_windows.management import arguments
from maintenance_windows.management.verbs.sites import SiteVerbs
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.planning.sites import bring_up, take_down


class Command(SiteVerbs):
    help = "Take sites down or bring them up by id, as `maintenance on` and `off` do."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("status", choices=("on", "off"))
        parser.add_argument(
            "ids", nargs="*", type=int, metavar="ID", help="of a site; else SITE_ID"
        )
        parser.add_argument(
            "-i", "--ignore-missing", action="store_true", help="leave out ids that are no site's"
        )

    def obey(self, given: Namespace) -> None:
        sites = self.sites(given)
        ended: list[MaintenanceWindow] = []
        if given.status == "on":
            take_down(sites, actor=arguments.actor())
        else:
            ended = bring_up(sites, actor=arguments.actor())
        if given.verbosity:
            self.print_sites(sites, ended)

    def sites(self, given: Namespace) -> list[Site]:
        ids = given.ids or [conf.site_id]
        if ids == [None]:
            raise CommandError("Say which site by its id: SITE_ID is not set.")
        sites: list[Site] = []
        for pk in dict.fromkeys(ids):
            try:
                sites += arguments.sites([str(pk)])
            except CommandError as refusal:
                if not given.ignore_missing:
                    raise
                if given.verbosity:
                    self.stderr.write(f"{refusal} It is left out.")
        return sites
