"""Plan and switch maintenance from the shell: `manage.py maintenance --help`."""

from argparse import ArgumentParser, Namespace

from maintenance_windows.management.parser import add_verbs
from maintenance_windows.management.verbs.series import SeriesVerbs
from maintenance_windows.management.verbs.sites import SiteVerbs
from maintenance_windows.management.verbs.takeover import TakeoverVerbs
from maintenance_windows.management.verbs.windows import WindowVerbs
from maintenance_windows.planning import series
from maintenance_windows.reconcile.tick import tick


class Command(SiteVerbs, SeriesVerbs, WindowVerbs, TakeoverVerbs):
    help = "Plan maintenance windows and switch sites on and off."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_verbs(parser)

    def obey(self, given: Namespace) -> None:
        verb = given.verb.replace("-", "_")
        getattr(self, f"do_{verb}")(given)

    def do_tick(self, _: Namespace) -> None:
        tick()
        series.materialise()
