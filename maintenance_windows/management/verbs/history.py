"""The verbs that read the history, and delete what is old of it."""

from argparse import Namespace

from django.core.management import BaseCommand
from django.utils import translation

from maintenance_windows.management import arguments, output, tables
from maintenance_windows.overview import history
from maintenance_windows.planning import pruning
from maintenance_windows.snapshot import clock


def log(command: BaseCommand, given: Namespace) -> None:
    """Show who did what, the newest last."""
    sites = arguments.sites(given.sites) if given.sites else None
    with translation.override(None):
        events = history.latest(sites, given.most)[::-1]
    if given.json:
        output.print_events(command, events)
    elif events:
        output.print_tables(command, tables.event_table(events, command.style))
    else:
        command.stdout.write("Nothing has happened yet.")


def prune(command: BaseCommand, given: Namespace) -> None:
    """Delete history. Calendars and recurring windows keep what they need."""
    before = arguments.moment(given.before, clock.now())
    done = "would be deleted" if given.dry_run else "deleted"
    for kind, number in pruning.prune(before, dry_run=given.dry_run, actor=arguments.actor()):
        command.stdout.write(f"{number} {kind} {done}")
