"""The verbs that import from other packages."""

from argparse import Namespace

from django.core.management import BaseCommand

from maintenance_windows.importer.importing import Imported, take_over
from maintenance_windows.management import arguments
from maintenance_windows.management.terminal import printable


def import_maintenancemode2(command: BaseCommand, given: Namespace) -> None:
    """Take over flags and ignored URLs of django-maintenancemode-2."""
    outcome = take_over(actor=arguments.actor(), dry_run=given.dry_run)
    for sentence in outcome.left:
        command.stderr.write(printable(sentence))
    for line in _taken(outcome) or ["Nothing to take: what can be taken is here already."]:
        command.stdout.write(printable(line))
    if given.dry_run:
        command.stdout.write("Nothing was written: this was --dry-run.")


def _taken(outcome: Imported) -> list[str]:
    """Return one line for each flag and each pattern."""
    lines = [f"{site.domain}: in maintenance until switched off" for site in outcome.closed]
    for ignored in outcome.opened:
        row, written = ignored.row, ignored.written
        there = f", written {written} there" if written != row.pattern else ""
        lines.append(f"{row.maintenance.site.domain}: {row.pattern} stays open{there}")
    return lines
