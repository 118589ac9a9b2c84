"""The command of django-maintenancemode-2, for existing scripts: `setmaintenance on 2 3`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from django.contrib.sites.models import Site
from django.core.management import BaseCommand, CommandError

from maintenance_windows.conf import conf
from maintenance_windows.management import arguments, output
from maintenance_windows.management.base import OneLineCommand
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.planning.sites import bring_up, take_down


class Command(OneLineCommand):
    help = "Take sites down or bring them up by id, as `maintenance down` and `up` do."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("status", choices=("on", "off"))
        parser.add_argument(
            "ids", nargs="*", type=int, metavar="ID", help="id of a site (default: SITE_ID)"
        )
        parser.add_argument(
            "-i", "--ignore-missing", action="store_true", help="ignore unknown ids"
        )
        parser.set_defaults(func=set_maintenance)


def set_maintenance(command: BaseCommand, given: Namespace) -> None:
    sites = list(_sites(command, given))
    ended: list[MaintenanceWindow] = []
    if given.status == "on":
        take_down(sites, actor=arguments.actor())
    else:
        ended = bring_up(sites, actor=arguments.actor())
    if given.verbosity:
        output.print_sites(command, sites, ended)


def _sites(command: BaseCommand, given: Namespace) -> Iterator[Site]:
    ids = given.ids or [conf.SITE_ID]
    if ids == [None]:
        raise CommandError("Specify the id of a site: SITE_ID is not set.")
    for pk in dict.fromkeys(ids):
        try:
            yield from arguments.sites([str(pk)])
        except CommandError as refusal:
            if not given.ignore_missing:
                raise
            if given.verbosity:
                command.stderr.write(f"{refusal} Skipped.")
